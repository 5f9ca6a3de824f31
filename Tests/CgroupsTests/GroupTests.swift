import Glibc
import TestSupport
import Testing

@testable import Cgroups

@Suite("groups of metrics")
struct GroupTests {
    private func page(
        _ tree: CgroupTree, _ groups: MetricGroups, clock: StillClock = StillClock()
    ) -> Page {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups = groups
        return Page(Collector(settings: settings, clock: clock))
    }

    @Test("cAdvisor's 22 words are all known, and a wrong one is told with the list")
    func words() throws {
        let known =
            "advtcp app cpu cpuLoad cpu_topology cpuset disk diskIO hugetlb memory memory_numa network oom_event "
            + "percpu perf_event pressure process referenced_memory resctrl sched tcp udp"
        for word in known.split(separator: " ") {
            #expect(MetricGroups.words.contains { $0.word == word }, "\(word)")
        }
        #expect(try MetricGroups.selection(enabled: ["memory"], disabled: ["memory"]) == [.memory, .machine])
        let some = try MetricGroups.selection(enabled: [], disabled: ["process", "disk"])
        #expect(some.contains(.perCPU))
        #expect(!some.contains(.process) && !some.contains(.disk) && some.contains(.cpu))
        // A list replaces the one of those that are off by default, as there.
        #expect(some.contains(.tcp) && !some.contains(.cpuLoad))
        #expect(try MetricGroups.selection(enabled: [], disabled: nil) == .byDefault)
        #expect(!MetricGroups.byDefault.contains(.tcp))
        #expect(throws: UnknownMetricGroup(word: "mem")) {
            try MetricGroups.selection(enabled: ["mem"], disabled: [])
        }
        #expect(UnknownMetricGroup(word: "mem").description.contains("'mem' is no group of metrics; there are cpu, "))
    }

    @Test("CPU time comes by processor where version 1 tells it and the group is on, never twice")
    func perCPU() {
        let tree = CgroupTree(.version1)
        tree.version1("/a", ["cpuacct.usage": "30\n", "cpuacct.usage_percpu": "10 0 20 \n"])
        let split = page(tree, [.cpu, .perCPU])
        #expect(split.values("container_cpu_usage_seconds_total", "\"/a\"").count == 2)
        #expect(split.values("container_cpu_usage_seconds_total", "\"/a\"", "cpu=\"cpu02\"") == ["0.00000002"])
        #expect(page(tree, .cpu).values("container_cpu_usage_seconds_total", "cpu=\"total\"") == ["0.00000003"])
    }

    @Test("huge pages come by size, reservations before use")
    func hugePages() {
        let tree = CgroupTree(.unified)
        tree.folder.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n")
        tree.folder.write("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n")
        tree.unified(
            "/a",
            [
                "hugetlb.2MB.current": "1\n", "hugetlb.2MB.rsvd.current": "2097152\n",
                "hugetlb.2MB.events": "max 3\n", "hugetlb.1GB.current": "1073741824\n",
            ])
        let page = page(tree, .hugetlb)
        #expect(page.values("container_hugetlb_usage_bytes", "pagesize=\"2MB\"") == ["2097152"])
        #expect(page.values("container_hugetlb_usage_bytes", "pagesize=\"1GB\"") == ["1073741824"])
        #expect(page.values("container_hugetlb_failcnt", "pagesize=\"2MB\"") == ["3"])
        #expect(page.values("container_hugetlb_max_usage_bytes").isEmpty)
    }

    @Test("memory by node is in pages on both versions")
    func nodes() {
        let first = CgroupTree(.version1)
        first.version1("/a", ["memory.numa_stat": "total=3 N0=3\nfile=3 N0=1 N1=2\nhierarchical_anon=7 N0=7\n"])
        let old = page(first, .memoryNUMA)
        #expect(old.values("container_memory_numa_pages", "node=\"1\",scope=\"container\",type=\"file\"") == ["2"])
        #expect(old.values("container_memory_numa_pages", "node=\"0\",scope=\"hierarchy\",type=\"anon\"") == ["7"])
        let second = CgroupTree(.unified)
        second.unified("/a", ["memory.numa_stat": "anon N0=\(MachineFacts.pageBytes * 5)\nkernel_stack N0=1\n"])
        #expect(page(second, .memoryNUMA).values("container_memory_numa_pages") == ["5"])
    }

    @Test("each process is looked at for schedules, states, descriptors and referenced memory")
    func processes() {
        let tree = CgroupTree(.unified)
        tree.unified("/a", ["cgroup.procs": "100\n101\n"])
        for process in [100, 101] {
            tree.folder.write("proc/\(process)/schedstat", "\(process)000000000 2000000000 7\n")
            tree.folder.write("proc/\(process)/task/\(process)/stat", "\(process) (a) b) R 1\n")
            tree.folder.write("proc/\(process)/smaps_rollup", "Rss: 1 kB\nReferenced:  10 kB\n")
            tree.folder.write("proc/\(process)/limits", "Max open files            1024     unlimited   files\n")
        }
        tree.folder.write("proc/101/task/102/stat", "102 (x) D 1\n")
        tree.folder.write("proc/100/fd/0", "")
        unsafe symlink("socket:[77]", tree.rootPath + "/proc/100/fd/3")
        let clock = StillClock()
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups = [.sched, .cpuLoad, .descriptors, .referencedMemory]
        let collector = Collector(settings: settings, clock: clock)
        let page = Page(collector)
        #expect(page.values("container_cpu_schedstat_run_seconds_total", "\"/a\"") == ["201"])
        #expect(page.values("container_cpu_schedstat_runqueue_seconds_total") == ["4"])
        #expect(page.values("container_cpu_schedstat_run_periods_total") == ["14"])
        #expect(page.values("container_tasks_state", "running") == ["2"])
        #expect(page.values("container_tasks_state", "uninterruptible") == ["1"])
        #expect(page.values("container_cpu_load_average_10s") == ["2000"])
        #expect(page.values("container_file_descriptors") == ["2"])
        #expect(page.values("container_sockets") == ["1"])
        #expect(page.values("container_ulimits_soft", "max_open_files") == ["1024"])
        #expect(page.values("container_referenced_bytes") == ["20480"])
        // A process that ended keeps its part of the sums.
        tree.unified("/a", ["cgroup.procs": "100\n"])
        tree.folder.write("proc/100/limits", "Max open files            unlimited            unlimited   files\n")
        clock.advance(seconds: 10)
        let later = Page(collector)
        #expect(later.values("container_cpu_schedstat_run_seconds_total") == ["201"])
        #expect(later.values("container_ulimits_soft") == ["-1"])
    }

    @Test("the limit that holds is the least above, and headroom the least that any of them leaves")
    func ancestry() {
        let tree = CgroupTree(.unified)
        func memory(_ limit: String, _ usage: Int, file: Int) -> [String: String] {
            [
                "memory.max": "\(limit)\n", "memory.current": "\(usage)\n",
                "memory.stat": "inactive_file \(file)\nactive_file 0\nslab_reclaimable 10\n",
            ]
        }
        tree.unified("/pod", memory("1000", 900, file: 0))
        tree.unified("/pod/a", memory("max", 500, file: 90))
        tree.unified("/pod/b", memory("5000", 400, file: 0))
        tree.unified("/free", memory("max", 110, file: 0))
        let page = page(tree, .memory)
        #expect(page.values("container_memory_unreclaimable_bytes", "\"/pod/a\"") == ["400"])
        #expect(page.values("container_memory_effective_limit_bytes", "\"/pod/a\"") == ["1000"])
        #expect(page.values("container_memory_headroom_bytes", "\"/pod/a\"") == ["110"])
        #expect(page.values("container_memory_headroom_bytes", "\"/pod/b\"") == ["110"])
        #expect(page.values("container_memory_effective_limit_bytes", "\"/free\"") == ["16777216000"])
        #expect(page.values("container_spec_memory_limit_bytes", "\"/free\"").isEmpty)
    }

    @Test("numbers over 64 bits are left out and counted")
    func overflow() {
        let tree = CgroupTree(.unified)
        tree.unified(
            "/a",
            [
                "cpu.stat": "usage_usec 18446744073709551615\nuser_usec 5\n",
                "memory.current": "18446744073709551616\n",
                "memory.max": "none\n", "cpu.pressure": CgroupTree.pressure(some: .max, full: 0),
            ])
        let page = page(tree, [.cpu, .memory, .pressure])
        #expect(page.values("container_cpu_usage_seconds_total", "\"/a\"").isEmpty)
        #expect(page.values("container_cpu_user_seconds_total", "\"/a\"") == ["0.000005"])
        #expect(page.values("container_memory_usage_bytes", "\"/a\"").isEmpty)
        #expect(page.values("lapwing_collector_errors_total", "malformed") == ["4"])
    }
}
