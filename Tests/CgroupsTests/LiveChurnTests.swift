import Dispatch
import Glibc
import MetricModel
import TestSupport
import Testing
import Threads

@testable import Cgroups

/// Cgroups of version 1 that the tests make on this machine, where they may.
struct LiveCgroups {
    let folder: String
    let controllers: [String]

    /// Nil where version 1 is not mounted or may not be written to.
    init?(_ name: String) {
        folder = "lapwing-test-\(name)-\(getpid())"
        controllers = ["cpuacct", "memory", "pids"]
        for controller in controllers
        where unsafe mkdir("/sys/fs/cgroup/\(controller)/\(folder)", 0o755) != 0 { return nil }
    }

    func make(_ name: String) {
        for controller in controllers { unsafe mkdir("/sys/fs/cgroup/\(controller)/\(folder)/\(name)", 0o755) }
    }

    func remove(_ name: String) {
        for controller in controllers { unsafe rmdir("/sys/fs/cgroup/\(controller)/\(folder)/\(name)") }
    }

    func removeFolder() {
        for controller in controllers { unsafe rmdir("/sys/fs/cgroup/\(controller)/\(folder)") }
    }

    /// Starts a shell in a cgroup; the shell waits for a line before it does what it is told.
    func start(_ script: String, in name: String) -> pid_t {
        let moves = controllers.map { "echo $$ > /sys/fs/cgroup/\($0)/\(folder)/\(name)/cgroup.procs" }
        let words = ["sh", "-c", moves.joined(separator: " && ") + "; " + script]
        var process: pid_t = 0
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        unsafe posix_spawn(&process, "/bin/sh", nil, nil, pointers, environ)
        for index in unsafe pointers.indices { unsafe free(pointers[index]) }
        return process
    }

    static func write(_ text: String, to path: String) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    static func wait(_ process: pid_t) {
        var status: Int32 = 0
        unsafe waitpid(process, &status, 0)
    }
}

/// A collector with a thread of its own that follows events.
final class RunningCollector: Sendable {
    let collector: Collector
    private let ended = DispatchSemaphore(value: 0)

    init(sweepIntervalMilliseconds: Int64, diskIntervalMilliseconds: Int64? = nil) {
        var settings = CollectorSettings()
        if let diskIntervalMilliseconds {
            settings.diskIntervalMilliseconds = diskIntervalMilliseconds
            settings.openedFilesIntervalMilliseconds = diskIntervalMilliseconds
        }
        settings.freshnessMilliseconds = 3_600_000
        let collector = Collector(settings: settings)
        self.collector = collector
        let isStarted = OwnThread.start(name: "lapwing-test") { [ended] in
            collector.run(sweepIntervalMilliseconds: sweepIntervalMilliseconds)
            ended.signal()
        }
        precondition(isStarted, "no thread for the collector")
    }

    var page: Page { Page(collector) }

    /// Looks at the page again and again until it is as wanted; false after half a minute, for the machine may be busy.
    func waitUntil(_ isWanted: (Page) -> Bool) -> Bool {
        let clock = SystemClock()
        let end = clock.monotonicNanoseconds + 30_000_000_000
        while clock.monotonicNanoseconds < end {
            if isWanted(page) { return true }
            sched_yield()
        }
        return false
    }

    func stop() {
        collector.stop()
        ended.wait()
    }
}

/// What a collector holds.
struct Holdings: Sendable {
    /// Of the cgroups below a folder.
    struct Own: Equatable, Sendable {
        var records = 0
        var watches = 0
        var descriptors = 0
    }

    var own = Own()
    /// Watches that belong to no living record, and those of the kernel that we know nothing of.
    var strayWatches = 0
    var unknownWatches = 0
    /// Descriptors counted less those that records hold.
    var strayDescriptors = 0

    var isAccounted: Bool { strayWatches == 0 && unknownWatches <= 0 && strayDescriptors == 0 }
}

extension RunningCollector {
    func holdings(below folder: String) -> Holdings {
        collector.inspect { sweeper in
            var holdings = Holdings()
            var watches = 0
            var descriptors = 0
            for slot in sweeper.table.records.indices {
                let record = sweeper.table.records[slot]
                let reading = record.reading
                let kept = reading.kept.indices.count { reading.kept[$0] >= 0 } + (record.life.process.isOpen ? 1 : 0)
                watches += record.watches.count
                descriptors += kept
                guard record.isLive, String(decoding: record.path, as: UTF8.self).hasPrefix("/\(folder)") else {
                    continue
                }
                holdings.own.records += 1
                holdings.own.watches += record.watches.count
                holdings.own.descriptors += kept
            }
            holdings.strayWatches = sweeper.watches.count - watches
            holdings.strayDescriptors = sweeper.budget.used - descriptors
            if let watcher = sweeper.watcher {
                let kernels = TemporaryDirectory.read("/proc/self/fdinfo/\(watcher.descriptor)")
                holdings.unknownWatches =
                    kernels.split(separator: "\n").count { $0.hasPrefix("inotify") } - sweeper.watches.count
            }
            return holdings
        }
    }
}

@Suite("cgroups that come and go on this machine", .serialized)
struct LiveChurnTests {
    private static var count: Int {
        guard let text = unsafe getenv("LAPWING_CHURN") else { return 150 }
        return Int(unsafe String(cString: text)) ?? 150
    }

    /// Lends cgroups on this machine and a collector that has seen them; says so where they cannot be made.
    func beside(
        _ name: String, sweepIntervalMilliseconds: Int64, _ body: (LiveCgroups, RunningCollector) -> Void
    ) {
        guard let live = LiveCgroups(name) else {
            print("skipped: cgroups of version 1 cannot be made here")
            return
        }
        defer { live.removeFolder() }
        let running = RunningCollector(sweepIntervalMilliseconds: sweepIntervalMilliseconds)
        defer { running.stop() }
        let isStarted = running.waitUntil { $0.values("container_memory_usage_bytes", live.folder).count == 1 }
        #expect(isStarted)
        body(live, running)
    }

    @Test("cgroups made and removed leave no watch, no descriptor and no record")
    func leaks() {
        beside("churn", sweepIntervalMilliseconds: 50) { live, running in
            let before = running.holdings(below: live.folder)
            for round in 0..<Self.count {
                live.make("c\(round)")
                // Every third is seen alive, the others may be gone before anyone looks.
                if round % 3 == 0 {
                    let isSeen = running.waitUntil {
                        $0.values("container_memory_usage_bytes", "\(live.folder)/c\(round)\"").count == 1
                    }
                    #expect(isSeen)
                }
                live.remove("c\(round)")
            }
            // Others make cgroups on this machine too: what counts is ours, and that everything belongs to somebody.
            let isClean = running.waitUntil { _ in
                let after = running.holdings(below: live.folder)
                return after.own == before.own && after.isAccounted
            }
            #expect(isClean, "\(before), \(running.holdings(below: live.folder))")
        }
    }

    @Test("a container that lives for moments leaves its CPU time and exit behind")
    func shortLived() {
        // A sweep a minute: whatever is known comes from events alone.
        beside("short", sweepIntervalMilliseconds: 60_000) { live, running in
            live.make("job")
            let process = live.start("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exit 3", in: "job")
            let workload = "workload=\"/\(live.folder)/job\""
            let isKnown = running.waitUntil { !$0.values("lapwing_workload_restarts_total", workload).isEmpty }
            #expect(isKnown)
            LiveCgroups.wait(process)
            // A runtime takes its time to remove the cgroup; no sweep comes in between, so this is the final sample.
            let isRead = running.waitUntil { page in
                let seconds = page.values("container_cpu_usage_seconds_total", "\(live.folder)/job\"").first
                return seconds.flatMap { Double($0) } ?? 0 > 0.02
            }
            #expect(isRead)
            live.remove("job")
            let hasEnded = running.waitUntil { !$0.values("lapwing_workload_exits_total", workload).isEmpty }
            let page = running.page
            #expect(hasEnded)
            #expect(page.values("container_memory_usage_bytes", "\(live.folder)/job").isEmpty)
            let seconds = page.values("lapwing_workload_ended_cpu_seconds_total", workload).first.flatMap { Double($0) }
            #expect(
                (seconds ?? 0) > 0.02,
                "\(page.lines.filter { $0.contains(live.folder + "/job") || $0.contains("sample") || $0.contains("descriptors") })"
            )
            // Linux 6.15 tells the exit code, older kernels do not.
            let codes = page.lines.filter { $0.hasPrefix("lapwing_workload_exits_total") && $0.contains(workload) }
            #expect(codes.contains { $0.contains("code=\"3\"") || $0.contains("code=\"unknown\"") }, "\(codes)")
        }
    }

    @Test("a container whose processes lie in a cgroup below its own is followed like another")
    func nested() {
        beside("nested", sweepIntervalMilliseconds: 50) { live, running in
            let identifier = String(repeating: "feedbeef01234567", count: 4)
            let scope = "libpod-\(identifier).scope"
            live.make(scope)
            live.make(scope + "/container")
            let folder = TemporaryDirectory()
            let waiting = "while [ ! -e \(folder.path)/go ]; do :; done; exit 7"
            let process = live.start("exec unshare --pid --fork sh -c '\(waiting)'", in: scope + "/container")
            let workload = "workload=\"\(identifier)\""
            let isSeen = running.waitUntil {
                $0.values("container_processes", scope + "/container").contains { $0 != "0" }
            }
            #expect(isSeen, "\(running.page.lines.filter { $0.contains(live.folder) })")
            folder.write("go", "")
            LiveCgroups.wait(process)
            live.remove(scope + "/container")
            live.remove(scope)
            let hasEnded = running.waitUntil { !$0.values("lapwing_workload_exits_total", workload).isEmpty }
            #expect(hasEnded)
            let codes = running.page.lines.filter {
                $0.hasPrefix("lapwing_workload_exits_total") && $0.contains(workload)
            }
            #expect(codes.contains { $0.contains("code=\"7\"") || $0.contains("code=\"unknown\"") }, "\(codes)")
        }
    }

    @Test("a kill for want of memory is told from the first process' own, and outlives the cgroup")
    func kills() {
        beside("kill", sweepIntervalMilliseconds: 20) { live, running in
            live.make("job")
            let limit = "/sys/fs/cgroup/memory/\(live.folder)/job/memory.limit_in_bytes"
            LiveCgroups.write("16777216", to: limit)
            // The shell lives on when its child is killed, and when told takes so much itself.
            let folder = TemporaryDirectory()
            let greedy = "x=x; while :; do x=$x$x; done"
            let waiting = "while [ ! -e \(folder.path)/go ]; do :; done"
            let process = live.start("sh -c '\(greedy)'; \(waiting); \(greedy)", in: "job")
            let workload = "workload=\"/\(live.folder)/job\""
            let isCounted = running.waitUntil {
                $0.values("lapwing_workload_oom_kills_total", workload, "other") == ["1"]
            }
            #expect(isCounted, "\(running.page.lines.filter { $0.contains(live.folder) && $0.contains("oom") })")
            folder.write("go", "")
            LiveCgroups.wait(process)
            let isRead = running.waitUntil { $0.values("container_oom_events_total", "\(live.folder)/job\"") == ["2"] }
            #expect(isRead)
            live.remove("job")
            let isKept = running.waitUntil { $0.values("lapwing_workload_oom_kills_total", workload, "first") == ["1"] }
            #expect(isKept, "\(running.page.lines.filter { $0.contains(live.folder) })")
        }
    }
}
