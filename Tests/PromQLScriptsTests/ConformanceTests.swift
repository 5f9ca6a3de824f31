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

    /// Lines of cases that fail on the database, and why.
    ///
    /// Exactly these: one that comes to pass leaves this list.
    private static let failingOnDatabase: [String: [Int]] = [
        // The database keeps no start timestamps.
        "start_timestamps": [7, 26, 34, 42, 98, 134, 146, 149, 164, 170, 182, 196, 200],
        // A histogram that continues the one before it is not marked so where it is stored.
        "native_histograms": [1035], "range_queries": [66],
    ]

    @Test(
        "Prometheus' scripts pass on arrays", .enabled(if: isPresent, "../shared/conformance is not there"),
        arguments: files)
    func arrays(_ name: String) throws {
        try check(name, known: []) { MemoryStore() }
    }

    @Test(
        "Prometheus' scripts pass on the database", .enabled(if: isPresent, "../shared/conformance is not there"),
        arguments: files)
    func database(_ name: String) throws {
        let folder = TemporaryDirectory()
        var count = 0
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        var opened: [TimeSeriesDatabase] = []
        defer { for database in opened { database.close() } }
        try check(name, known: Self.failingOnDatabase[name] ?? []) {
            count += 1
            let database = try TimeSeriesDatabase.open(path: "\(folder.path)/\(count)", settings: settings)
            opened.append(database)
            return database
        }
    }

    private func check(_ name: String, known: [Int], makeStore: @escaping () throws -> any SampleStore) throws {
        let text = TemporaryDirectory.read("\(Self.folder)/\(name).test")
        try #require(!text.isEmpty)
        let report = ScriptRunner(makeStore: makeStore).run(text, name: name)
        #expect(Set(report.failures.map(\.line)) == Set(known), "\(report)")
    }
}
