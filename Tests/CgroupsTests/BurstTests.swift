import TestSupport
import Testing

@testable import Cgroups

/// What happens between two readings and is over at the next.
@Suite("bursts between readings")
struct BurstTests {
    private static let path = "/docker/\(String(repeating: "0123456789abcdef", count: 4))"

    private func collector(_ tree: CgroupTree, _ clock: StillClock) -> Collector {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.watchesDirectories = false
        settings.freshnessMilliseconds = 0
        return Collector(settings: settings, clock: clock)
    }

    @Test("the peak of a burst is told when the files that tell it are due, though all is quiet by then")
    func peak() {
        let tree = CgroupTree(.version1)
        let clock = StillClock()
        tree.version1(Self.path, CgroupTree.version1Container)
        tree.version1(
            Self.path,
            ["memory.usage_in_bytes": "50\n", "memory.max_usage_in_bytes": "100\n", "cpuacct.usage": "1000\n"])
        let collector = collector(tree, clock)
        #expect(Page(collector).values("container_memory_max_usage_bytes", Self.path) == ["100"])
        clock.advance(seconds: 1)
        tree.version1(Self.path, ["memory.max_usage_in_bytes": "900\n", "cpuacct.usage": "2000\n"])
        _ = Page(collector)
        for _ in 0..<5 {
            clock.advance(seconds: 1)
            _ = Page(collector)
        }
        #expect(Page(collector).values("container_memory_max_usage_bytes", Self.path) == ["900"])
    }

    @Test("a process that came and was killed between two readings is counted at the next", arguments: [true, false])
    func kill(hasLimit: Bool) {
        for layout in [CgroupTree.Layout.version1, .unified] {
            let tree = CgroupTree(layout)
            let clock = StillClock()
            let path = Self.path
            func write(peak: String, usage: String, kills: Int) {
                let limit = hasLimit ? "1000\n" : layout == .unified ? "max\n" : "9223372036854771712\n"
                if layout == .unified {
                    tree.unified(
                        path,
                        [
                            "memory.peak": peak, "cpu.stat": "usage_usec \(usage)\n", "memory.max": limit,
                            "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill \(kills)\n", "pids.current": "1\n",
                            "memory.current": "50\n",
                        ])
                } else {
                    tree.version1(
                        path,
                        [
                            "memory.max_usage_in_bytes": peak, "cpuacct.usage": usage, "pids.current": "1\n",
                            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill \(kills)\n",
                            "memory.usage_in_bytes": "50\n", "memory.limit_in_bytes": limit, "memory.failcnt": "0\n",
                        ])
                }
            }
            write(peak: "100\n", usage: "1000\n", kills: 0)
            let collector = collector(tree, clock)
            #expect(Page(collector).values("container_oom_events_total", path) == ["0"])
            clock.advance(seconds: 6)
            // Under a limit the peak may have been reached before.
            write(peak: hasLimit ? "100\n" : "1000\n", usage: "2000\n", kills: 1)
            #expect(Page(collector).values("container_oom_events_total", path) == ["1"], "\(layout)")
        }
    }
}
