import Glibc
import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)
private let uid = "0a1b2c3d-1111-2222-3333-444455556666"
private let podSlice = "/kubepods.slice/kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice"
private let podContainer = "\(podSlice)/cri-containerd-\(identifier).scope"

@Suite("collector")
struct CollectorTests {
    private func collector(
        _ tree: CgroupTree, clock: any WallClock = StillClock(), change: (inout CollectorSettings) -> Void = { _ in }
    ) -> Collector {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        change(&settings)
        return Collector(settings: settings, clock: clock)
    }

    @Test(
        "a container of Docker on version 1 has every number in cAdvisor's names",
        arguments: [
            ("container_cpu_usage_seconds_total", "585.590849381"), ("container_cpu_user_seconds_total", "485.32"),
            ("container_cpu_system_seconds_total", "100.26"), ("container_cpu_cfs_periods_total", "10"),
            ("container_cpu_cfs_throttled_periods_total", "3"), ("container_cpu_cfs_throttled_seconds_total", "1.5"),
            ("container_cpu_cfs_burst_periods_total", "1"), ("container_cpu_cfs_burst_seconds_total", "0.000002"),
            ("container_spec_cpu_period", "100000"), ("container_spec_cpu_quota", "20000"),
            ("container_spec_cpu_shares", "1024"), ("container_memory_usage_bytes", "10000000"),
            ("container_memory_working_set_bytes", "9000000"), ("container_memory_max_usage_bytes", "20000000"),
            ("container_memory_rss", "4000000"), ("container_memory_cache", "3000000"),
            ("container_memory_swap", "80"), ("container_memory_mapped_file", "50000"),
            ("container_memory_failcnt", "7"), ("container_memory_kernel_usage", "4096"),
            ("container_spec_memory_limit_bytes", "536870912"), ("container_oom_events_total", "2"),
            ("container_threads", "9"), ("container_processes", "3"),
            ("container_fs_reads_bytes_total", "4096"), ("container_fs_writes_total", "2"),
        ])
    func version1(family: String, value: String) {
        let tree = CgroupTree(.version1)
        tree.version1("/docker/\(identifier)", CgroupTree.version1Container)
        // The throttling counters need the quota, which the same sweep learns.
        #expect(Page(collector(tree)).values(family, #"id="/docker/\#(identifier)""#) == [value])
    }

    @Test(
        "a container of a Kubernetes node on version 2 has every number in cAdvisor's names",
        arguments: [
            ("container_cpu_usage_seconds_total", "577.523901"), ("container_cpu_user_seconds_total", "478.637946"),
            ("container_cpu_cfs_throttled_seconds_total", "1.5"), ("container_spec_cpu_quota", "20000"),
            ("container_spec_cpu_shares", "2597"), ("container_memory_usage_bytes", "10000000"),
            ("container_memory_working_set_bytes", "9000000"), ("container_memory_max_usage_bytes", "20000000"),
            ("container_memory_rss", "4000000"), ("container_memory_swap", "80"),
            ("container_memory_failcnt", "7"), ("container_memory_events_high_total", "5"),
            ("container_memory_kernel_usage", "4096"), ("container_oom_events_total", "2"),
            ("container_spec_memory_limit_bytes", "536870912"),
            ("container_spec_memory_swap_limit_bytes", "536870912"), ("container_threads", "9"),
            ("container_threads_max", "1027"), ("container_pressure_cpu_waiting_seconds_total", "1.5"),
            ("container_pressure_memory_stalled_seconds_total", "0.000003"),
            ("container_fs_writes_bytes_total", "8192"), ("container_fs_reads_total", "1"),
        ])
    func unified(family: String, value: String) {
        let tree = CgroupTree(.unified)
        tree.unified(podContainer, CgroupTree.unifiedContainer)
        #expect(Page(collector(tree)).values(family, "id=\"\(podContainer)\"") == [value])
    }

    @Test("a hybrid host has version 1's numbers and the unified tree's pressure and CPU times")
    func hybrid() {
        let tree = CgroupTree(.hybrid)
        tree.version1("/system.slice/ssh.service", ["memory.usage_in_bytes": "5\n", "cgroup.procs": "7\n"])
        tree.unified("/system.slice/ssh.service", CgroupTree.unifiedContainer)
        tree.unified("/system.slice/late.service", CgroupTree.unifiedContainer)
        tree.version1("/system.slice/late.service", ["cpuacct.usage": "3000000000\n"])
        let page = Page(collector(tree))
        #expect(page.values("container_memory_usage_bytes", "ssh.service") == ["5"])
        #expect(page.values("container_pressure_io_waiting_seconds_total", "ssh.service") == ["0.000004"])
        #expect(page.values("container_cpu_usage_seconds_total", "ssh.service") == ["577.523901"])
        #expect(page.values("container_cpu_usage_seconds_total", "late.service") == ["3"])
        #expect(page.values("container_memory_rss", "ssh.service").isEmpty)
    }

    @Test("an older kernel's block I/O files without descendants are read where there are no others")
    func olderBlockFiles() {
        let tree = CgroupTree(.version1)
        let text = "8:0 Read 4096\n8:0 Write 8192\nTotal 12288\n"
        tree.version1("/", ["blkio.throttle.io_service_bytes": text])
        tree.version1("/docker/a", ["blkio.throttle.io_service_bytes": text, "cgroup.procs": ""])
        let page = Page(collector(tree))
        #expect(page.values("container_fs_writes_bytes_total", #"{id="/docker/a""#, #"device="8:0""#) == ["8192"])
    }

    @Test("no limit means no series, and what the kernel does not offer has none either")
    func unlimited() {
        let tree = CgroupTree(.unified)
        var files = CgroupTree.unifiedContainer
        files["cpu.max"] = "max 100000\n"
        files["memory.max"] = "max\n"
        files["pids.max"] = "max\n"
        files["io.stat"] = "8:0\n"
        files["memory.peak"] = nil
        files["io.pressure"] = nil
        tree.unified("/system.slice/a.service", files)
        let clock = StillClock()
        let collector = collector(tree, clock: clock)
        // The first sweep reads all, a later one no more than shows that nothing moved.
        for _ in 0..<3 {
            let page = Page(collector)
            for family in [
                "container_spec_cpu_quota", "container_cpu_cfs_periods_total", "container_spec_memory_limit_bytes",
                "container_spec_memory_swap_limit_bytes", "container_threads_max", "container_memory_max_usage_bytes",
                "container_pressure_io_waiting_seconds_total", "container_fs_reads_bytes_total",
            ] {
                #expect(page.values(family, "a.service").isEmpty, "\(family)")
            }
            #expect(page.values("container_spec_cpu_period", "a.service") == ["100000"])
            clock.advance(seconds: 1)
        }
    }

    @Test("the root has the machine's limits, its own interfaces, and on version 2 usage from its parts")
    func root() {
        let tree = CgroupTree(.unified)
        tree.unified("/", ["memory.stat": "anon 10\nfile 20\ninactive_file 50\n", "cpu.stat": "usage_usec 5\n"])
        let clock = StillClock()
        let collector = collector(tree, clock: clock)
        let page = Page(collector)
        let root = #"{id="/""#
        #expect(page.values("container_memory_usage_bytes", root) == ["30"])
        #expect(page.values("container_memory_working_set_bytes", root) == ["0"])
        #expect(page.values("container_spec_memory_limit_bytes", root) == ["16777216000"])
        #expect(page.values("container_network_receive_bytes_total", root, #"interface="eth0""#) == ["1000"])
        #expect(page.values("machine_cpu_cores", "boot_id=\"b00t\"") == ["4"])
        #expect(page.values("machine_cpu_physical_cores") == ["2"])
        #expect(page.values("machine_swap_bytes") == ["2097152000"])
        tree.unified("/", ["memory.stat": "anon 11\nfile 20\ninactive_file 5\n"])
        clock.advance(seconds: 2)
        #expect(Page(collector).values("container_memory_working_set_bytes", root) == ["26"])
    }

    @Test("names come from the kubelet's log folders and a runtime's file, and are found later if not at once")
    func names() {
        let tree = CgroupTree(.unified)
        tree.unified(podSlice, CgroupTree.unifiedContainer)
        tree.unified(podContainer, CgroupTree.unifiedContainer)
        let clock = StillClock()
        let collector = collector(tree, clock: clock)
        let first = Page(collector)
        #expect(first.values("container_memory_rss", "pod_uid=\"\(uid)\"").count == 2)
        #expect(first.values("lapwing_collector_nameless_containers", "not_found") == ["2"])
        tree.folder.write("var/log/pods/shop_web-0_\(uid)/nginx/0.log", "")
        tree.folder.write("var/log/containers/web-0_shop_nginx-\(identifier).log", "")
        tree.folder.write(
            "run/containerd/io.containerd.runtime.v2.task/k8s.io/\(identifier)/config.json",
            #"{"ociVersion":"1","annotations":{"io.kubernetes.cri.image-name":"nginx:1"},"linux":[1,true,null]}"#)
        clock.advance(seconds: 2)
        let page = Page(collector)
        #expect(
            page.values(
                "container_memory_rss", #"{container="nginx","#, #"image="nginx:1""#, #"namespace="shop""#,
                #"pod="web-0""#, #"name="\#(identifier)""#
            ).count == 1)
        #expect(page.values("container_memory_rss", "{id=\"\(podSlice)\"", #"pod="web-0""#).count == 1)
        #expect(page.values("lapwing_collector_nameless_containers", "not_found") == ["0"])
    }

    @Test("Docker's container file gives name, image and Kubernetes labels")
    func dockerFile() {
        let text =
            #"{"State":{"Pid":1},"Name":"/we\"b","Config":{"Image":"a/b:2","Labels":{"io.kubernetes.pod.name":"p"}}}"#
        let expected = ContainerNames(name: "we\"b", image: "a/b:2", pod: "p")
        #expect(RuntimeFiles.docker(Array(text.utf8)) == expected)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 { _ = RuntimeFiles.docker(random.mutated(Array(text.utf8))) }
        let deep = String(repeating: "[", count: 100_000)
        #expect(RuntimeFiles.docker(Array(deep.utf8)) == nil)
    }

    @Test("Podman's list names each container and its image")
    func podmanFile() {
        let text = """
            [{"id":"x","names":["no"]},{"id":"\(identifier)","names":["db","alias"],"metadata":"{\\"image-name\\":\\"pg\\"}"}]
            """
        let names = RuntimeFiles.podman(Array(text.utf8), identifier: identifier)
        #expect(names == ContainerNames(name: "db", image: "pg"))
    }

    @Test("a network namespace is reported once, under the pod that has it, and never the host's again")
    func networks() {
        let tree = CgroupTree(.unified)
        tree.unified(podSlice, ["cgroup.procs": ""])
        tree.unified(podContainer, ["cgroup.procs": "100\n"])
        tree.unified("\(podSlice)/cri-containerd-\(String(repeating: "f", count: 64)).scope", ["cgroup.procs": "200\n"])
        tree.unified("/system.slice/a.service", ["cgroup.procs": "300\n"])
        let text = CgroupTree.interfaces(receiveBytes: 77, name: "eth0")
        let first = tree.folder.write("proc/100/net/dev", text)
        tree.folder.write("proc/200/net/other", "")
        tree.folder.write("proc/300/net/other", "")
        // Two processes of one namespace see one file.
        unsafe link(first, tree.rootPath + "/proc/200/net/dev")
        unsafe link(tree.rootPath + "/proc/1/net/dev", tree.rootPath + "/proc/300/net/dev")
        let page = Page(collector(tree))
        #expect(page.values("container_network_receive_bytes_total").sorted() == ["1000", "77"])
        #expect(page.values("container_network_receive_bytes_total", "id=\"\(podSlice)\"") == ["77"])
        #expect(page.values("container_network_transmit_packets_dropped_total", podSlice) == ["4"])
    }

    @Test("a limit that somebody writes is told by the next sweep; without notifications a minute later")
    func writtenLimits() {
        for (watches, seconds): (Bool, UInt64) in [(true, 2), (false, 62)] {
            let tree = CgroupTree(.version1)
            tree.version1("/docker/\(identifier)", CgroupTree.version1Container)
            let clock = StillClock()
            let collector = collector(tree, clock: clock) { $0.watchesDirectories = watches }
            #expect(Page(collector).values("container_spec_memory_limit_bytes", identifier) == ["536870912"])
            let written = ["memory.limit_in_bytes": "1048576\n", "cpu.cfs_quota_us": "30000\n"]
            tree.version1("/docker/\(identifier)", written)
            clock.advance(seconds: seconds)
            let page = Page(collector)
            #expect(page.values("container_spec_memory_limit_bytes", identifier) == ["1048576"])
            #expect(page.values("container_spec_cpu_quota", identifier) == ["30000"])
        }
    }

    @Test("a kill is told within the interval of files although the number of threads is what it was")
    func killedAndReplaced() {
        let tree = CgroupTree(.version1)
        tree.version1("/docker/\(identifier)", CgroupTree.version1Container)
        let clock = StillClock()
        let collector = collector(tree, clock: clock)
        #expect(Page(collector).values("container_oom_events_total", identifier) == ["2"])
        let killed = ["memory.oom_control": "under_oom 0\noom_kill 3\n", "cpuacct.usage": "585590849999\n"]
        tree.version1("/docker/\(identifier)", killed)
        clock.advance(seconds: 6)
        #expect(Page(collector).values("container_oom_events_total", identifier) == ["3"])
    }

    @Test("cgroups come and go with notifications and with listing alone", arguments: [true, false])
    func comeAndGo(watches: Bool) {
        let tree = CgroupTree(.unified)
        tree.unified("/system.slice/a.service", CgroupTree.unifiedContainer)
        let clock = StillClock()
        let collector = collector(tree, clock: clock) { $0.watchesDirectories = watches }
        #expect(Page(collector).values("container_memory_rss", "a.service").count == 1)
        tree.unified("/system.slice/b.service/worker", CgroupTree.unifiedContainer)
        tree.remove("sys/fs/cgroup/system.slice/a.service")
        clock.advance(seconds: watches ? 2 : 6)
        let page = Page(collector)
        #expect(page.values("container_memory_rss", "a.service").isEmpty)
        #expect(page.values("container_memory_rss", "b.service/worker").count == 1)
        #expect(page.lines.contains("lapwing_collector_is_polling \(watches ? 0 : 1)"))
        tree.unified("/system.slice/a.service", CgroupTree.unifiedContainer)
        clock.advance(seconds: 70)
        #expect(Page(collector).values("container_memory_rss", "a.service").count == 1)
    }

    @Test("descriptors and watches are given back by a thousand cgroups that came and went")
    func leaks() {
        let tree = CgroupTree(.unified)
        tree.unified("/x", CgroupTree.unifiedContainer)
        let clock = StillClock()
        let collector = collector(tree, clock: clock)
        let before = Page(collector)
        func own(_ page: Page, _ name: String) -> String? { page.lines.first { $0.hasPrefix(name + " ") } }
        for round in 0..<250 {
            let names = (0..<4).map { "/x/c\(round)-\($0)" }
            for name in names { tree.unified(name, ["cpu.stat": "usage_usec 1\n", "memory.current": "5\n"]) }
            clock.advance(seconds: 2)
            collector.sweep()
            for name in names { tree.remove("sys/fs/cgroup\(name)") }
            clock.advance(seconds: 2)
            collector.sweep()
        }
        let after = Page(collector)
        for name in ["lapwing_collector_descriptors", "lapwing_collector_watches", "lapwing_collector_cgroups"] {
            #expect(own(before, name) == own(after, name))
        }
        #expect(
            own(after, "lapwing_collector_cgroups_vanished_total") == "lapwing_collector_cgroups_vanished_total 1000")
    }

    @Test("names with quotes, newlines, backslashes and bytes that are no UTF-8 are escaped")
    func escaping() {
        var bytes: [UInt8] = []
        CgroupLabels.append("id", Array("/a\"b\\c\nd".utf8) + [0xFF], to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"id="/a\"b\\c\nd"# + "\u{FFFD}ff\"")
    }

    @Test("ceilings of cgroups, depth and series are kept and counted")
    func ceilings() {
        let tree = CgroupTree(.unified)
        for number in 0..<10 { tree.unified("/c\(number)/d/e/f", ["memory.current": "1\n"]) }
        let page = Page(
            collector(tree) {
                $0.maximumCgroups = 8
                $0.maximumDepth = 2
            })
        #expect(page.lines.contains("lapwing_collector_cgroups 8"))
        #expect(!page.lines.contains("lapwing_collector_cgroups_left_out_total 0"))
        let short = Page(collector(tree) { $0.maximumSeries = 5 })
        #expect(short.lines.filter { $0.hasPrefix("container_") && $0.contains("{") }.count == 5)
        #expect(!short.lines.contains("lapwing_collector_series_left_out_total 0"))
    }

    @Test("without any hierarchy the page says so")
    func nothing() {
        let folder = TemporaryDirectory()
        var settings = CollectorSettings()
        settings.rootPath = folder.path
        let page = Page(Collector(settings: settings, clock: StillClock()))
        #expect(page.lines.contains("container_scrape_error 1"))
        #expect(page.lines.contains("machine_scrape_error 1"))
    }

    @Test("counters that fall, and files that empty or break, leave the other numbers alone")
    func brokenFiles() {
        let tree = CgroupTree(.unified)
        tree.unified("/a", CgroupTree.unifiedContainer)
        let clock = StillClock()
        let collector = collector(tree, clock: clock)
        _ = Page(collector)
        tree.unified("/a", ["memory.stat": "anon", "cpu.stat": "usage_usec 5\n", "io.stat": "", "pids.current": "x"])
        clock.advance(seconds: 10)
        let page = Page(collector)
        #expect(page.values("container_cpu_usage_seconds_total", "\"/a\"") == ["0.000005"])
        #expect(page.values("container_memory_rss", "\"/a\"").isEmpty)
        #expect(page.values("container_memory_working_set_bytes", "\"/a\"").isEmpty)
        #expect(page.values("container_threads", "\"/a\"").isEmpty)
        #expect(page.values("container_memory_usage_bytes", "\"/a\"") == ["10000000"])
    }

    @Test("groups that are switched off are neither read nor written")
    func groups() {
        let tree = CgroupTree(.unified)
        tree.unified("/a", CgroupTree.unifiedContainer)
        let page = Page(collector(tree) { $0.groups = [.memory] })
        #expect(page.values("container_memory_rss").count == 1)
        #expect(page.values("container_cpu_usage_seconds_total").isEmpty)
        #expect(page.values("container_threads").isEmpty && page.values("machine_cpu_cores").isEmpty)
    }

    @Test("each family stands in one piece under one heading")
    func families() {
        let tree = CgroupTree(.version1)
        for number in 0..<3 { tree.version1("/docker\(number)", CgroupTree.version1Container) }
        var seen: Set<String> = []
        var current = ""
        for line in Page(collector(tree)).lines where !line.hasPrefix("# HELP") {
            let name =
                line.hasPrefix("# TYPE ")
                ? line.split(separator: " ")[2] : line.prefix { $0 != "{" && $0 != " " }
            if name != current {
                #expect(line.hasPrefix("# TYPE "), "\(name) has no heading")
                #expect(seen.insert(String(name)).inserted, "\(name) comes twice")
                current = String(name)
            }
        }
    }
}

@Suite("collector on this machine")
struct LiveCollectorTests {
    @Test("this machine's cgroups are found; without a cgroup mount there is nothing to try")
    func live() {
        var status = stat()
        guard unsafe stat("/sys/fs/cgroup", &status) == 0, !TemporaryDirectory.read("/proc/self/mountinfo").isEmpty,
            TemporaryDirectory.read("/proc/self/mountinfo").contains(" - cgroup")
        else {
            print("skipped: no cgroups are mounted here")
            return
        }
        let page = Page(Collector(settings: CollectorSettings()))
        #expect(page.lines.contains("container_scrape_error 0"))
        #expect(page.values("machine_memory_bytes").count == 1)
        #expect(page.values("container_last_seen", #"{id="/""#).count == 1)
        #expect(page.values("container_cpu_usage_seconds_total", #"{id="/""#).count == 1)
    }
}
