import Glibc
import TestSupport
import Testing

/// The collector under a real kernel whose only hierarchy is version 2, with real processes, limits and an OOM kill.
@Suite(
    "A kernel with cgroup version 2",
    .enabled(
        if: RunningServer.binary != nil && UnifiedKernel.tool != nil,
        "LAPWING names the release binary, and ../shared/tools/with-cgroup2 and user-mode-linux are there"))
struct UnifiedKernelTests {
    /// Three cgroups: one that is throttled, one whose process is killed for its memory, one with a limit of processes.
    private static func script(binary: String) -> String {
        #"""
        cd /sys/fs/cgroup
        mkdir busy hog pod pod/inner
        echo "20000 100000" > busy/cpu.max
        echo 20M > hog/memory.max
        echo '+memory +pids' > pod/cgroup.subtree_control
        echo 100M > pod/memory.max
        echo 50 > pod/inner/pids.max
        (\#(binary) collect --web.listen-address=127.0.0.1:8080 --collector.interval=100ms >$OUT/log 2>&1 &)
        \#(UnifiedKernel.questions(port: 8080))
        sh -c 'echo $$ > busy/cgroup.procs; while :; do :; done' &
        sh -c 'echo $$ > pod/inner/cgroup.procs; exec sleep 600' &
        sh -c 'echo $$ > hog/cgroup.procs; exec python3 -c "x = bytearray(200 << 20)"' 2>/dev/null
        echo "hog ended with $?"
        await page 'oom_events_total[{]id="/hog".* 1$' 'throttled_periods_total[{]id="/busy".* ([3-9]|..+)$' \
            'throttled_seconds_total[{]id="/busy".* ([1-9]|0[.][1-9])' 'container_threads[{]id="/pod/inner".* 1$' \
            'cpu_usage_seconds_total[{]id="/busy".* ([1-9]|0[.][1-9])' 'container_processes[{]id="/pod/inner".* 1$'
        ask /metrics/node > $OUT/node
        grep . busy/cpu.stat hog/memory.events > $OUT/truth
        rmdir hog
        await later '!container_memory_usage_bytes[{]id="/hog"'
        """#
    }

    /// A collector that sweeps once an hour, and a job that comes and goes meanwhile.
    private static func eventScript(binary: String) -> String {
        #"""
        cd /sys/fs/cgroup
        (\#(binary) collect --web.listen-address=127.0.0.1:8081 --collector.interval=1h >$OUT/log 2>&1 &)
        \#(UnifiedKernel.questions(port: 8081))
        await before 'container_scrape_error 0'
        mkdir job
        await empty 'container_threads[{]id="/job".* 0$'
        sh -c 'echo $$ > job/cgroup.procs; while [ ! -e /run/go ]; do :; done' &
        await filled 'container_threads[{]id="/job".* 1$'
        for attempt in $(seq 300); do
            [ $(sed -n 's/usage_usec //p' job/cpu.stat) -lt 400000 ] || break
            sleep 0.1
        done
        touch /run/go
        wait $!
        grep . job/cgroup.events job/cpu.stat > $OUT/truth
        await emptied 'container_threads[{]id="/job".* 0$'
        rmdir job
        await buried '!container_threads[{]id="/job"' 'exits_total.*workload="/job"'
        """#
    }

    @Test("between sweeps a cgroup is seen when it comes, fills, empties and goes, with its last numbers")
    func events() throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        _ = try UnifiedKernel.run(Self.eventScript(binary: binary), folder: folder)
        let truth = TemporaryDirectory.read(folder.path + "/out/truth")
        #expect(truth.contains("populated 0"), "\(truth)")
        #expect(KernelPage(folder.path + "/out/empty").value("container_threads", "/job") == 0)
        let filled = KernelPage(folder.path + "/out/filled")
        #expect(filled.value("container_threads", "/job") == 1, "cgroup.events told of the first process")
        // The last process ended: what it used was read once more, without a sweep.
        let emptied = KernelPage(folder.path + "/out/emptied")
        #expect(emptied.value("container_threads", "/job") == 0)
        let used = truth.split(separator: "\n").first { $0.contains("usage_usec") }?.split(separator: " ").last
        let seconds = try #require(used.flatMap { Double($0) }) / 1e6
        let told = try #require(emptied.value("container_cpu_usage_seconds_total", "/job"))
        #expect(told >= 0.4 && abs(told - seconds) < 0.05, "\(told) of \(seconds)")
        let buried = KernelPage(folder.path + "/out/buried")
        #expect(buried.value("container_threads", "/job") == nil)
        #expect(buried.text.contains("lapwing_workload_exits_total{kind=\"job\",workload=\"/job\",code=\"unknown\"} 1"))
        #expect(buried.value("lapwing_collector_ends_without_final_sample_total", nil) == 0)
        #expect(buried.value("lapwing_collector_is_polling", nil) == 0)
        #expect(buried.value("lapwing_collector_sweeps_total", nil) == 1)
    }

    @Test("limits, throttling, an OOM kill and processes are told as the kernel counts them")
    func realProcesses() throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let ran = try UnifiedKernel.run(Self.script(binary: binary), folder: folder)
        #expect(ran.output.contains("hog ended with 137"))
        let page = KernelPage(folder.path + "/out/page")
        let truth = TemporaryDirectory.read(folder.path + "/out/truth")
        #expect(truth.contains("oom_kill 1"), "\(truth)")

        #expect(page.value("container_oom_events_total", "/hog") == 1)
        #expect(page.value("container_spec_memory_limit_bytes", "/hog") == Double(20 << 20))
        #expect(page.value("container_spec_cpu_quota", "/busy") == 20_000)
        #expect(page.value("container_spec_cpu_period", "/busy") == 100_000)
        #expect((page.value("container_cpu_cfs_throttled_periods_total", "/busy") ?? 0) >= 3)
        #expect((page.value("container_cpu_cfs_throttled_seconds_total", "/busy") ?? 0) > 0.1)
        let used = page.value("container_cpu_usage_seconds_total", "/busy") ?? 0
        let counted = truth.split(separator: "\n").first { $0.contains("usage_usec") }?.split(separator: " ").last
        let usedAfter = try #require(counted.flatMap { Double($0) }) / 1e6
        #expect(used > 0.1 && used <= usedAfter, "the kernel counted \(usedAfter) a moment later, not \(used)")
        #expect(page.value("container_threads", "/pod/inner") == 1)
        #expect(page.value("container_threads_max", "/pod/inner") == 50)
        #expect(page.value("container_processes", "/pod/inner") == 1)
        #expect((page.value("container_memory_usage_bytes", "/pod/inner") ?? 0) > 0)
        #expect(page.value("container_spec_memory_limit_bytes", "/pod") == Double(100 << 20))
        #expect(page.value("container_scrape_error", nil) == 0)

        let node = KernelPage(folder.path + "/out/node")
        #expect((node.value("node_memory_MemTotal_bytes", nil) ?? 0) > 400e6)
        #expect(node.text.contains("node_uname_info{"))
        let later = KernelPage(folder.path + "/out/later")
        #expect(later.value("container_memory_usage_bytes", "/hog") == nil, "it is gone")
        #expect(later.value("container_threads", "/pod/inner") == 1, "it is still there")
    }
}
