import MetricModel
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)

@Suite("settings that change while the collector runs")
struct SettingsChangeTests {
    private func settings(_ tree: CgroupTree) -> CollectorSettings {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.watchesDirectories = false
        return settings
    }

    @Test("groups, filters, labels and ceilings hold from the next page on, and what was counted stays")
    func apply() {
        let tree = CgroupTree(.unified)
        tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", NamingTests.docker)
        tree.unified("/docker/\(identifier)", CgroupTree.unifiedContainer)
        tree.unified("/system.slice/a.service", CgroupTree.unifiedContainer)
        let clock = StillClock()
        let collector = Collector(settings: settings(tree), clock: clock)
        collector.sweep()
        clock.advance(seconds: 2)
        let before = Page(collector)
        #expect(before.values("container_memory_usage_bytes").count == 2)
        #expect(before.values("lapwing_workload_restarts_total", "workload=\"web\"") == ["3"])

        var changed = settings(tree)
        changed.rootPath = "/elsewhere"
        changed.groups = [.cpu, .workload]
        changed.filters = [LabelMatcher(equal: "name", "web")]
        changed.containerLabels = ["secret"]
        collector.apply(changed)
        let some = Page(collector)
        #expect(some.values("container_memory_usage_bytes") == [])
        #expect(some.values("container_cpu_usage_seconds_total", "container_label_secret=\"x\"") == ["577.523901"])
        #expect(some.values("container_cpu_usage_seconds_total").count == 1)
        #expect(some.values("lapwing_workload_restarts_total", "workload=\"web\"") == ["3"])

        tree.unified("/docker/\(identifier)", ["memory.current": "77\n"])
        var again = settings(tree)
        again.labelPlacement = .info
        collector.apply(again)
        let all = Page(collector)
        #expect(all.values("container_memory_usage_bytes", identifier) == ["77"])
        #expect(all.values("container_info", identifier) == ["1"])
        #expect(!all.lines.contains { $0.contains("container_label") })

        var off = settings(tree)
        off.maximumSeries = 3
        collector.apply(off)
        let few = Page(collector)
        #expect(few.values("container_memory_usage_bytes") == [])
        #expect(few.single("lapwing_collector_series_left_out_total") != "0")
        off.maximumSeries = 1_000
        off.groups = [.memory]
        collector.apply(off)
        #expect(
            !Page(collector).lines.contains { $0.hasPrefix("lapwing_workload_") || $0.hasPrefix("container_cpu_u") })
    }

    @Test("descriptors kept for groups that are off are closed")
    func descriptors() {
        let tree = CgroupTree(.version1)
        for number in 0..<20 { tree.version1("/job\(number)", CgroupTree.version1Container) }
        let collector = Collector(settings: settings(tree), clock: StillClock())
        let before = Int(Page(collector).single("lapwing_collector_descriptors") ?? "") ?? 0
        var changed = settings(tree)
        changed.groups = [.memory]
        collector.apply(changed)
        let after = Int(Page(collector).single("lapwing_collector_descriptors") ?? "") ?? 0
        #expect(before >= 60 && after > 0 && after < before)
        collector.apply(settings(tree))
        #expect(Int(Page(collector).single("lapwing_collector_descriptors") ?? "") == before)
    }
}
