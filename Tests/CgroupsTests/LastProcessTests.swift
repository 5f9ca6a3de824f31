import Glibc
import TestSupport
import Testing

@testable import Cgroups

/// The kernel tells a process's end before it takes it off the cgroup's count.
@Suite("the last process of a cgroup")
struct LastProcessTests {
    private static let path = "/system.slice/job.service"

    /// A sweeper that has read a tree of version 2 with one service in it, and the service's slot.
    private func swept(_ tree: CgroupTree, _ clock: StillClock) throws -> (Sweeper, Int) {
        tree.unified(Self.path, CgroupTree.unifiedContainer)
        tree.unified(Self.path, ["pids.current": "1\n", "cgroup.procs": "4000000\n"])
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.asksRuntimes = false
        var sweeper = Sweeper(settings: settings, clock: clock)
        sweeper.sweep()
        let slot = try #require(sweeper.table.slot(of: Array(Self.path.utf8)))
        #expect(sweeper.table.value(.threads, of: slot) == 1)
        return (sweeper, slot)
    }

    @Test("it is looked at again after the end was told, until it is off the count")
    func countedLate() throws {
        let tree = CgroupTree(.unified)
        let clock = StillClock()
        var (sweeper, slot) = try swept(tree, clock)
        defer { sweeper.close() }
        tree.unified(Self.path, ["cgroup.events": "populated 0\nfrozen 0\n", "cgroup.procs": ""])
        sweeper.populationChanged(slot, hierarchy: 0, now: clock.monotonicNanoseconds)
        #expect(sweeper.table.value(.threads, of: slot) == 1, "as the kernel counts it")
        let look = sweeper.lookAtDue(now: clock.monotonicNanoseconds)
        let due = try #require(look)
        #expect(due > clock.monotonicNanoseconds && due < clock.monotonicNanoseconds + 10_000_000)
        tree.unified(Self.path, ["pids.current": "0\n"])
        _ = sweeper.lookAtDue(now: due)
        #expect(sweeper.table.value(.threads, of: slot) == 0)
        #expect(sweeper.table.value(.processes, of: slot) == 0)
        let next = sweeper.lookAtDue(now: due + 1)
        #expect(next == nil, "it is settled")
    }

    @Test("one whose status nobody takes is left to the sweeps after a few looks")
    func neverTaken() throws {
        let tree = CgroupTree(.unified)
        let clock = StillClock()
        var (sweeper, slot) = try swept(tree, clock)
        defer { sweeper.close() }
        tree.unified(Self.path, ["cgroup.events": "populated 0\nfrozen 0\n", "cgroup.procs": ""])
        for _ in 0..<3 { sweeper.populationChanged(slot, hierarchy: 0, now: clock.monotonicNanoseconds) }
        #expect(sweeper.lookedAt.count == 1)
        var looks = 0
        var now = clock.monotonicNanoseconds
        while let next = sweeper.lookAtDue(now: now) {
            #expect(next > now)
            now = next
            looks += 1
            try #require(looks <= Sweeper.lookDelaysMilliseconds.count + 1)
        }
        #expect(sweeper.lookedAt.isEmpty)
        #expect(sweeper.table.value(.threads, of: slot) == 1)
    }

    @Test("a cgroup that fills again is not looked at for its end")
    func refilled() throws {
        let tree = CgroupTree(.unified)
        let clock = StillClock()
        var (sweeper, slot) = try swept(tree, clock)
        defer { sweeper.close() }
        tree.unified(Self.path, ["cgroup.events": "populated 1\nfrozen 0\n"])
        sweeper.populationChanged(slot, hierarchy: 0, now: clock.monotonicNanoseconds)
        #expect(sweeper.lookedAt.isEmpty)
    }
}

// In the suite whose tests run one after the other: one of them counts all the cgroups there are.
extension LiveChurnTests {
    @Test("on this machine no thread is left when the parent takes the status late, without a sweep")
    func lastProcess() {
        beside("last", sweepIntervalMilliseconds: 3_600_000) { live, running in
            live.make("job")
            defer { live.remove("job") }
            let folder = TemporaryDirectory()
            let process = live.start("while [ ! -e \(folder.path)/go ]; do :; done", in: "job")
            let name = "id=\"/\(live.folder)/job\""
            let isSeen = running.waitUntil { $0.values("container_threads", name) == ["1"] }
            #expect(isSeen)
            folder.write("go", "")
            // The end was told when the list of processes is empty; the process stays on the count until it is waited for.
            let hasEnded = running.waitUntil { $0.values("container_processes", name) == ["0"] }
            #expect(hasEnded)
            LiveCgroups.wait(process)
            let isEmpty = running.waitUntil { $0.values("container_threads", name) == ["0"] }
            #expect(isEmpty, "\(running.page.lines.filter { $0.contains(name) })")
        }
    }
}
