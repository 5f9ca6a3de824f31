import ArgumentParser
import Bytes
import Exposition
import Glibc
import LapwingServer
import Logging
import MetricModel
import Remote
import Storage
import TSDB

/// `lapwing import`: samples from files.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring samples of any age into a folder or a running server.",
        subcommands: [ImportOpenMetrics.self])
}

/// `lapwing import openmetrics`: text with a timestamp on every line.
struct ImportOpenMetrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openmetrics",
        abstract: "Import OpenMetrics text, also gzipped.",
        discussion: """
            Every line needs a timestamp in seconds; the last line is # EOF. Series
            and times may come in any order. What is there already stays. Exemplars
            and TYPE, HELP and UNIT are taken as well.

            Examples:
              lapwing import openmetrics history.om.gz --storage.path data
              zcat history.om.gz | lapwing import openmetrics - --storage.path data
              lapwing import openmetrics history.om --server http://127.0.0.1:9090

            A server takes imports when it runs with --web.enable-admin-api. Samples
            older than its retention are deleted again.
            """)

    @Argument(help: ArgumentHelp("The file, - for standard input.", valueName: "file"))
    var file: String

    @Option(
        name: [.customLong("storage.path"), .customLong("storage.tsdb.path")],
        help: ArgumentHelp("The folder of a server that does not run.", valueName: "folder"))
    var storagePath: String?

    @Option(help: ArgumentHelp("A server that runs.", valueName: "url"))
    var server: String?

    @Flag(name: .shortAndLong, help: "Say nothing but errors.")
    var quiet = false

    func validate() throws {
        guard (storagePath == nil) != (server == nil) else {
            throw ValidationError("Say where to: --storage.path FOLDER, or --server URL.")
        }
    }

    func run() async throws {
        do {
            var input = try InputFile(path: file)
            var progress = ImportProgress(isQuiet: quiet)
            if let server {
                try await ServerImport(client: APIClient(server: server)).run(&input, progress: &progress)
            } else if let storagePath {
                try FolderImport.run(&input, folder: storagePath, progress: &progress)
            }
            progress.finish()
            let samples = progress.outcome.samples
            if samples.refusedCount > samples.duplicate { throw ExitStatus.failure }
        } catch let error as APIClientError {
            StandardStream.error("lapwing: " + error.description)
            if case .unreachable = error { throw ExitStatus.unreachable }
            throw ExitStatus.failure
        } catch let error where error is ExitCode {
            throw error
        } catch let error as ExpositionError {
            StandardStream.error("lapwing: \(file): \(error.description)")
            throw ExitStatus.failure
        } catch {
            StandardStream.error("lapwing: \(error)")
            throw ExitStatus.failure
        }
    }
}

/// What was imported, said once a second on a terminal and once at the end.
struct ImportProgress {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let started = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private(set) var outcome = TextImport.Outcome()

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    mutating func note(_ part: TextImport.Outcome, share: Double?) {
        outcome.add(part)
        guard isTerminal, !isQuiet, ContinuousClock.now - lastShown > .seconds(1) else { return }
        lastShown = ContinuousClock.now
        let percent = share.map { ", \(Int($0 * 100)) %" } ?? ""
        StandardStream.write("\r\(outcome.samples.appended) samples\(percent)   ", to: STDERR_FILENO)
    }

    func finish() {
        if isTerminal, !isQuiet { StandardStream.write("\r", to: STDERR_FILENO) }
        guard !isQuiet else { return }
        let milliseconds = (ContinuousClock.now - started) / .milliseconds(1)
        StandardStream.output(
            "\(outcome.samples.appended) samples imported in \((milliseconds / 100).rounded() / 10) s")
        if outcome.exemplars > 0 { StandardStream.output("\(outcome.exemplars) exemplars imported") }
        if outcome.samples.duplicate > 0 {
            StandardStream.output("\(outcome.samples.duplicate) samples left out: there is another value at their time")
        }
        let refused = outcome.samples.refusedCount - outcome.samples.duplicate
        if refused > 0 { StandardStream.output("\(refused) samples refused: too many series") }
    }
}

/// Into the folder of a server that does not run.
enum FolderImport {
    /// Samples that are gathered before they are stored.
    static let samplesPerBatch = 500_000

    static func run(_ input: inout InputFile, folder: String, progress: inout ImportProgress) throws {
        let logger = Logger(label: "import") { _ in SwiftLogNoOpLogHandler() }
        let database = try TimeSeriesDatabase.open(path: folder, settings: .anyTime, logger: logger)
        defer { database.close() }
        let kept = try StateFile.openKeeper(folder: folder, logger: logger)
        let target = TextImport(store: database, exemplars: kept.exemplars, metadata: kept.metadata)
        var reader = OpenMetricsImport()
        while let piece = try input.next() {
            try reader.feed(piece)
            guard reader.sampleCount >= samplesPerBatch else { continue }
            let share = input.byteCount.map { Double(input.readByteCount) / Double(max(1, $0)) }
            progress.note(try target.add(reader.take()), share: share)
        }
        try reader.finish()
        progress.note(try target.add(reader.take()), share: 1)
        kept.flush()
        try database.seal()
        database.maintain()
    }
}

/// Into a server that runs: the text goes there in pieces, each a whole of its own.
struct ServerImport {
    /// A request is at most about this large.
    static let requestByteCount = 8 << 20

    let client: APIClient

    func run(_ input: inout InputFile, progress: inout ImportProgress) async throws {
        var rest: [UInt8] = []
        var line = 1
        var typeLine: [UInt8] = []
        while let piece = try input.next() {
            rest += piece
            guard rest.count >= Self.requestByteCount else { continue }
            let end = OpenMetricsPieces.wholeByteCount(of: rest)
            let text = rest[..<end]
            let share = input.byteCount.map { Double(input.readByteCount) / Double(max(1, $0)) }
            progress.note(
                try await send(typeLine + text + OpenMetricsPieces.trailer, line: line, hasTypeLine: !typeLine.isEmpty),
                share: share)
            line += text.count { $0 == UInt8(ascii: "\n") }
            typeLine = OpenMetricsPieces.lastTypeLine(of: text) ?? typeLine
            rest.removeFirst(end)
        }
        progress.note(try await send(typeLine + rest, line: line, hasTypeLine: !typeLine.isEmpty), share: 1)
    }

    private func send(_ text: [UInt8], line: Int, hasTypeLine: Bool) async throws -> TextImport.Outcome {
        let path = "/api/v1/admin/tsdb/import?line=\(hasTypeLine ? line - 1 : line)"
        let (status, body) = try await client.post(path, body: text, contentType: "application/openmetrics-text")
        let data = try client.success(of: body, status: status)["data"]
        var outcome = TextImport.Outcome()
        outcome.samples.appended = Self.count(data?["imported"])
        outcome.samples.duplicate = Self.count(data?["duplicate"])
        outcome.samples.seriesLimit = Self.count(data?["refused"])
        outcome.exemplars = Self.count(data?["exemplars"])
        return outcome
    }

    private static func count(_ value: JSONValue?) -> Int { value?.text.flatMap { Int($0) } ?? 0 }
}
