import PromQL
import PromQLScripts
import Storage
import TSDB
import TestSupport
import Testing

/// Prometheus' own scripts, where the folder beside the repository holds them.
@Suite struct ConformanceTests {
    /// The folder of scripts, from the place of this file.
    private static let folder: String = {
        let repository = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return repository.joined(separator: "/") + "/../shared/conformance/promqltest"
    }()

    private static let isPresent = !TemporaryDirectory.read("\(folder)/literals.test").isEmpty

    private static let files = [
        "aggregators", "at_modifier", "collision", "duration_expression", "extended_vectors", "fill-modifier",
        "functions", "histograms", "info", "limit", "literals", "name_label_dropping", "native_histograms",
        "operators", "range_queries", "selectors", "staleness", "start_timestamps", "subquery", "trig_functions",
        "type_and_unit",
    ]

    @Test(
        "Prometheus' scripts pass on arrays", .enabled(if: isPresent, "../shared/conformance is not there"),
        arguments: files)
    func arrays(_ name: String) throws {
        try check(name) { MemoryStore() }
    }

    @Test(
        "Prometheus' scripts pass on the database, in blocks of two series",
        .enabled(if: isPresent, "../shared/conformance is not there"),
        arguments: files)
    func database(_ name: String) throws {
        let folder = TemporaryDirectory()
        var count = 0
        var storeSettings = DatabaseSettings.anyTime
        storeSettings.maintainsByItself = false
        var opened: [TimeSeriesDatabase] = []
        defer { for database in opened { database.close() } }
        var settings = ScriptRunner.standardSettings
        settings.blockSeries = 2
        try check(name, settings) {
            count += 1
            let database = try TimeSeriesDatabase.open(path: "\(folder.path)/\(count)", settings: storeSettings)
            opened.append(database)
            return database
        }
    }

    private func check(
        _ name: String, _ settings: EngineSettings = ScriptRunner.standardSettings,
        makeStore: @escaping () throws -> any SampleStore
    ) throws {
        let text = TemporaryDirectory.read("\(Self.folder)/\(name).test")
        try #require(!text.isEmpty)
        let report = ScriptRunner(settings: settings, makeStore: makeStore).run(text, name: name)
        #expect(report.failures.isEmpty, "\(report)")
    }
}
