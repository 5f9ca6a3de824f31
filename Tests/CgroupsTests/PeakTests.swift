import Glibc
import TestSupport
import Testing

@testable import Cgroups

/// The highest memory of containers that live for moments, at their limit.
@Suite("peaks of memory")
struct PeakTests {
    private static let path = "/system.slice/job.service"
    private static let workload = "workload=\"job.service\""

    private func sweeper(_ tree: CgroupTree, _ clock: StillClock) -> Sweeper {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.asksRuntimes = false
        return Sweeper(settings: settings, clock: clock)
    }

    private func write(
        _ tree: CgroupTree, usage: Int, peak: Int?, failures: Int = 0, kills: Int = 0, limit: String = "20000000\n"
    ) {
        if tree.layout == .unified {
            tree.unified(
                Self.path,
                [
                    "memory.current": "\(usage)\n", "memory.max": limit, "cpu.stat": "usage_usec \(usage)\n",
                    "memory.events": "low 0\nhigh 0\nmax \(failures)\noom \(kills)\noom_kill \(kills)\n",
                ])
            if let peak { tree.unified(Self.path, ["memory.peak": "\(peak)\n"]) }
        } else {
            tree.version1(
                Self.path,
                [
                    "memory.usage_in_bytes": "\(usage)\n", "memory.limit_in_bytes": limit,
                    "memory.failcnt": "\(failures)\n", "cpuacct.usage": "\(usage)\n",
                    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill \(kills)\n",
                ])
            if let peak { tree.version1(Self.path, ["memory.max_usage_in_bytes": "\(peak)\n"]) }
        }
    }

    private func page(_ sweeper: inout Sweeper) -> [String] {
        var bytes: [UInt8] = []
        var renderer = Renderer(settings: sweeper.settings)
        renderer.render(&sweeper, into: &bytes)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func value(_ name: String, _ labels: String, in lines: [String]) -> String? {
        lines.first { $0.hasPrefix(name + "{") && $0.contains(labels) }?.split(separator: " ").last.map(String.init)
    }

    @Test("the peak, not the last usage, outlives the container", arguments: [CgroupTree.Layout.version1, .unified])
    func outlives(layout: CgroupTree.Layout) {
        let tree = CgroupTree(layout)
        let clock = StillClock()
        write(tree, usage: 5_000, peak: 19_000_000)
        var sweeper = sweeper(tree, clock)
        defer { sweeper.close() }
        sweeper.sweep()
        write(tree, usage: 40, peak: 19_000_000)
        clock.advance(seconds: 1)
        sweeper.sweep()
        tree.removeCgroup(Self.path)
        clock.advance(seconds: 100)
        sweeper.sweep()
        #expect(value("lapwing_workload_ended_memory_peak_bytes", Self.workload, in: page(&sweeper)) == "19000000")
    }

    @Test("a peak is never below a usage that was read", arguments: [CgroupTree.Layout.version1, .unified])
    func usage(layout: CgroupTree.Layout) {
        let tree = CgroupTree(layout)
        let clock = StillClock()
        write(tree, usage: 100, peak: 100)
        var sweeper = sweeper(tree, clock)
        defer { sweeper.close() }
        sweeper.sweep()
        write(tree, usage: 900, peak: 900)
        clock.advance(seconds: 1)
        sweeper.sweep()
        #expect(value("container_memory_max_usage_bytes", Self.path, in: page(&sweeper)) == "900")
    }

    struct Kill: Sendable {
        var failures: Int
        var limit: String
        var peak: String
    }

    @Test(
        "a kill after charges that the limit refused proves that memory reached it",
        arguments: [CgroupTree.Layout.version1, .unified],
        [
            Kill(failures: 3, limit: "20000000\n", peak: "20000000"),
            // For want of the machine's memory, or of that of a cgroup above.
            Kill(failures: 0, limit: "20000000\n", peak: "188416"),
            Kill(failures: 3, limit: "9223372036854771712\n", peak: "188416"),
        ])
    func proof(layout: CgroupTree.Layout, kill: Kill) {
        let tree = CgroupTree(layout)
        let clock = StillClock()
        write(tree, usage: 188_416, peak: nil, limit: kill.limit)
        var sweeper = sweeper(tree, clock)
        defer { sweeper.close() }
        sweeper.sweep()
        write(tree, usage: 40, peak: nil, failures: kill.failures, kills: 1, limit: kill.limit)
        clock.advance(seconds: 6)
        sweeper.sweep()
        // Without the kernel's own file there is no series, but what is known outlives the container.
        #expect(value("container_memory_max_usage_bytes", Self.path, in: page(&sweeper)) == nil)
        tree.removeCgroup(Self.path)
        clock.advance(seconds: 100)
        sweeper.sweep()
        #expect(value("lapwing_workload_ended_memory_peak_bytes", Self.workload, in: page(&sweeper)) == kill.peak)
    }

    @Test("a container that is gone before it was read leaves nothing of one that had its place")
    func reused() {
        var table = CgroupTable()
        let first = table.insert(path: Array("/a".utf8), depth: 1, idPrefix: [])
        table.set(.cpuUsage, of: first, to: 77)
        table.remove(first)
        let second = table.insert(path: Array("/b".utf8), depth: 1, idPrefix: [])
        #expect(first == second && table.value(.cpuUsage, of: second) == 0)
    }

    // MARK: Between sweeps

    @Test("on version 2 the peak is read when the kernel tells that memory ran into its limit")
    func told() throws {
        let tree = CgroupTree(.unified)
        let clock = StillClock()
        write(tree, usage: 188_416, peak: 188_416, limit: "max\n")
        var sweeper = sweeper(tree, clock)
        defer { sweeper.close() }
        sweeper.sweep()
        let slot = try #require(sweeper.table.slot(of: Array(Self.path.utf8)))
        let watches = sweeper.watches.count
        for round in 1...40 {
            write(tree, usage: 188_416, peak: 19_000_000 + round, kills: round, limit: "max\n")
            sweeper.takeEvents()
        }
        let peak = sweeper.table.value(.memoryMaximumUsage, of: slot)
        // One that lives at its limit is not followed at each event: the sweep goes on.
        #expect(peak >= 19_000_001 && peak < 19_000_040)
        #expect(sweeper.watches.count == watches - 1)
        clock.advance(seconds: 6)
        sweeper.sweep()
        #expect(sweeper.table.value(.memoryMaximumUsage, of: slot) == 19_000_040)
        #expect(sweeper.watches.count == watches, "they are followed again")
        #expect(sweeper.table.value(.oomKills, of: slot) == 40)
    }

    @Test("on version 1 a new container is read when its first process is put into it")
    func arrival() throws {
        let tree = CgroupTree(.version1)
        let clock = StillClock()
        tree.version1("/system.slice", CgroupTree.version1Container)
        var sweeper = sweeper(tree, clock)
        defer { sweeper.close() }
        sweeper.sweep()
        tree.version1(Self.path, ["cgroup.procs": ""])
        write(tree, usage: 0, peak: 0)
        sweeper.takeEvents()
        let slot = try #require(sweeper.table.slot(of: Array(Self.path.utf8)))
        #expect(sweeper.table.value(.processes, of: slot) == 0)
        tree.version1(Self.path, ["cgroup.procs": "4000000\n"])
        sweeper.takeEvents()
        #expect(sweeper.table.value(.processes, of: slot) == 1)
    }

    @Test("a kill is another process' only when the first still lives some time after")
    func victim() throws {
        let tree = CgroupTree(.unified)
        let clock = StillClock()
        write(tree, usage: 100, peak: 100)
        var sweeper = sweeper(tree, clock)
        defer { sweeper.close() }
        sweeper.sweep()
        let slot = try #require(sweeper.table.slot(of: Array(Self.path.utf8)))
        write(tree, usage: 100, peak: 100, failures: 1, kills: 1)
        let name = "lapwing_workload_oom_kills_total"
        for _ in 0..<3 {
            sweeper.memoryChanged(slot, now: clock.monotonicNanoseconds)
            #expect(value(name, "victim=\"other\"", in: page(&sweeper)) ?? "0" == "0")
        }
        clock.advance(seconds: 2)
        sweeper.memoryChanged(slot, now: clock.monotonicNanoseconds)
        #expect(value(name, "victim=\"other\"", in: page(&sweeper)) == "1")
    }
}

extension LiveChurnTests {
    @Test("a container killed within moments under its limit had its limit for peak, though it is removed at once")
    func killedAtOnce() {
        beside("moments", sweepIntervalMilliseconds: 3_600_000) { live, running in
            live.make("job")
            LiveCgroups.write("20971520", to: "/sys/fs/cgroup/memory/\(live.folder)/job/memory.limit_in_bytes")
            let process = live.start("x=x; while :; do x=$x$x; done", in: "job")
            let name = "id=\"/\(live.folder)/job\""
            LiveCgroups.wait(process)
            let isCounted = running.waitUntil { $0.values("container_oom_events_total", name) == ["1"] }
            #expect(isCounted)
            let peaks = running.page.values("container_memory_max_usage_bytes", name).compactMap { UInt64($0) }
            #expect(peaks.allSatisfy { $0 > 20_000_000 } && peaks.count == 1, "\(peaks)")
            live.remove("job")
            let workload = "workload=\"/\(live.folder)/job\""
            let hasEnded = running.waitUntil { !$0.values("lapwing_workload_exits_total", workload).isEmpty }
            #expect(hasEnded)
            let left = running.page.values("lapwing_workload_ended_memory_peak_bytes", workload).compactMap {
                UInt64($0)
            }
            #expect(left.allSatisfy { $0 > 20_000_000 } && left.count == 1, "\(left)")
        }
    }
}
