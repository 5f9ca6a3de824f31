import ArgumentParser
import Bytes
import ConfigurationFile
import Exposition
import LapwingServer
import Logging
import MetricModel
import PromQLSyntax
import Remote
import Storage
import TSDB

/// Why nothing can be exported.
enum ExportFailure: Error, CustomStringConvertible {
    case noStore(folder: String)

    var description: String {
        switch self {
        case .noStore(let folder): "\(folder): no storage is there. Name the folder of the server's --storage.path"
        }
    }
}

/// `lapwing export`: samples as OpenMetrics text, which `lapwing import openmetrics` and `promtool` read.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write samples as OpenMetrics text.",
        discussion: """
            Examples:
              lapwing export --match 'up' --storage.path data > up.om
              lapwing export --match '{job="node"}' --range 6h --server http://127.0.0.1:9090

            From a folder everything in the range, by default all there is; from a
            server by its query API, by default the last hour. TYPE, HELP and UNIT
            stand before each family where they are known, exemplars behind the
            samples that follow them. Staleness markers and native histograms have
            no place in OpenMetrics text 1.0 and are left out; how many is said.
            """)

    @Option(help: ArgumentHelp("Series to export; may be given several times.", valueName: "selector"))
    var match: [String]

    @Option(
        name: [.customLong("storage.path"), .customLong("storage.tsdb.path")],
        help: ArgumentHelp("The folder of a server that does not run.", valueName: "folder"))
    var storagePath: String?

    @Option(help: ArgumentHelp("A server that runs.", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("First time.", valueName: "t"))
    var start: String?

    @Option(help: ArgumentHelp("Last time.", valueName: "t"))
    var end: String?

    @Option(help: ArgumentHelp("A range that ends now (or at --end).", valueName: "duration"))
    var range: String?

    func validate() throws {
        guard (storagePath == nil) != (server == nil) else {
            throw ValidationError("Say from where: --storage.path FOLDER, or --server URL.")
        }
        guard !match.isEmpty else { throw ValidationError("Say which series: --match SELECTOR.") }
        for text in match where (try? Parser.parseSelector(text)) == nil {
            throw ValidationError("--match: '\(text)' is no selector. Write up or {job=\"node\"}.")
        }
        _ = try timeRange()
    }

    func run() async throws {
        let wanted = try timeRange()
        var output = ExportOutput()
        do {
            if let storagePath {
                try exportFolder(storagePath, wanted, into: &output)
            } else if let server {
                try await exportServer(APIClient(server: server), wanted, into: &output)
            }
            output.finish()
        } catch let error as APIClientError {
            StandardStream.error("lapwing: " + error.description)
            if case .unreachable = error { throw ExitStatus.unreachable }
            throw ExitStatus.failure
        } catch {
            StandardStream.error("lapwing: \(error)")
            throw ExitStatus.failure
        }
    }

    private func timeRange() throws -> TimeRange {
        func time(_ text: String?, _ option: String) throws -> Timestamp? {
            guard let text else { return nil }
            if let time = TimeText.parse(text) { return time }
            throw ValidationError("\(option): '\(text)' is no time. Write 2026-11-23T14:00:00Z or seconds since 1970.")
        }
        let last = try time(end, "--end")
        var first = try time(start, "--start")
        var length = range.flatMap { TimeText.parseDuration($0) }
        if let range, length == nil { throw ValidationError("--range: '\(range)' is no duration. Write 6h or 30m.") }
        if server != nil, first == nil, length == nil { length = 3_600_000 }
        let newest = last ?? (length != nil || server != nil ? SystemClock().now : TimeRange.all.end)
        if let length { first = Timestamp(milliseconds: newest.milliseconds - length) }
        let result = TimeRange(start: first ?? TimeRange.all.start, end: newest)
        guard result.start <= result.end else { throw ValidationError("The range ends before it begins.") }
        return result
    }

    // MARK: From a folder

    private func exportFolder(_ folder: String, _ range: TimeRange, into output: inout ExportOutput) throws {
        var settings = DatabaseSettings.anyTime
        settings.maintainsByItself = false
        let logger = Logger(label: "export") { _ in SwiftLogNoOpLogHandler() }
        // Opening would make a folder that is not there, and an export of a misspelt path would pass for an empty one.
        guard FilePath.exists(folder + "/journal.sqlite") else { throw ExportFailure.noStore(folder: folder) }
        let database = try TimeSeriesDatabase.open(path: folder, settings: settings, logger: logger)
        defer { database.close() }
        let kept = try StateFile.openKeeper(folder: folder, logger: logger)
        output.note(kept.metadata.families(named: nil))
        let querier = try database.querier()
        let selectors = try match.map { try Parser.parseSelector($0) }
        // All series of a metric stand together, each once, whichever selectors find it.
        let names = try querier.labelValues(of: LabelName.metricName, matching: selectors, in: range, limit: 0)
        for name in output.inOrderOfFamilies(names) {
            let isName = LabelMatcher(equal: LabelName.metricName, name)
            var exemplars: [LabelSet: [Exemplar]] = [:]
            for found in kept.exemplars.exemplars(matching: selectors.map { $0 + [isName] }, in: range) {
                exemplars[found.labels] = found.exemplars.map(\.exemplar)
            }
            var seen: Set<LabelSet> = []
            for selector in selectors {
                let found = try querier.select(SelectRequest(matchers: selector + [isName], range: range))
                let order = (0..<found.count).sorted { found.labels(at: $0) < found.labels(at: $1) }
                for index in order where seen.insert(found.labels(at: index)).inserted {
                    var reader = found.makeReader(over: index..<index + 1)
                    var columns = SampleColumns()
                    guard try reader.next(into: &columns) else { continue }
                    let labels = found.labels(at: index)
                    output.append(columns, labels: labels, exemplars: exemplars[labels] ?? [])
                }
            }
        }
    }

    // MARK: From a server

    private func exportServer(
        _ client: APIClient, _ range: TimeRange, into output: inout ExportOutput
    ) async throws {
        output.note(ServerAnswers.families(try await client.get("/api/v1/metadata")))
        var all: [LabelSet: SampleColumns] = [:]
        var exemplars: [LabelSet: [Exemplar]] = [:]
        for text in match {
            // A range selector does not see its first moment.
            let length = range.end.milliseconds - range.start.milliseconds + 1
            let start = DecimalFormatting.text(range.start.seconds, style: .plain)
            let end = DecimalFormatting.text(range.end.seconds, style: .plain)
            let answer = try await client.ask(
                "/api/v1/query", form: [(name: "query", value: "\(text)[\(length)ms]"), (name: "time", value: end)])
            for element in answer["data"]?["result"]?.elements ?? [] {
                output.noteHistograms(element["histograms"]?.elements?.count ?? 0)
                all[ServerAnswers.labels(element["metric"])] = ServerAnswers.columns(element["values"])
            }
            let found = try await client.ask(
                "/api/v1/query_exemplars",
                form: [(name: "query", value: text), (name: "start", value: start), (name: "end", value: end)])
            for element in found["data"]?.elements ?? [] {
                exemplars[ServerAnswers.labels(element["seriesLabels"])] = ServerAnswers.exemplars(element["exemplars"])
            }
        }
        var series: [String: [LabelSet]] = [:]
        for labels in all.keys { series[labels.metricName, default: []].append(labels) }
        for name in output.inOrderOfFamilies(Array(series.keys)) {
            for labels in (series[name] ?? []).sorted() {
                if let columns = all[labels] {
                    output.append(columns, labels: labels, exemplars: exemplars[labels] ?? [])
                }
            }
        }
    }
}
