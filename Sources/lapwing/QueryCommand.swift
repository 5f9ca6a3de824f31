import ArgumentParser
import MetricModel
import Remote

/// `lapwing query`: an expression for a running server, its answer for people or programs.
struct QueryCommand: AsyncParsableCommand {
    enum Output: String, ExpressibleByArgument, CaseIterable { case table, json, csv, plot }

    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Ask a server a PromQL expression, now or over a range of time.",
        discussion: """
            Examples:
              lapwing query 'topk(10, container_memory_rss)'
              lapwing query up --time 2026-11-23T14:00:00Z
              lapwing query 'container_memory_rss{id="/"}' --range 1h -o plot
              lapwing query 'sum by (id) (container_memory_rss)' -o csv > out.csv
              lapwing query 'sum(rate(node_cpu_seconds_total[5m]))' --explain
              lapwing query --running            the queries of a server
              lapwing query --stop 12            ends the one with this number

            It asks any server that speaks Prometheus' API. Times are RFC 3339
            or seconds since 1970; durations 90s, 5m, 1h30m.
            """)

    @Argument(help: ArgumentHelp("The PromQL expression.", valueName: "expr"))
    var expression: String?

    @Option(help: "The server to ask.")
    var server = "http://127.0.0.1:9090"

    @Option(help: ArgumentHelp("Evaluate at this time instead of now.", valueName: "t"))
    var time: String?

    @Option(help: ArgumentHelp("First time of a range.", valueName: "t"))
    var start: String?

    @Option(help: ArgumentHelp("Last time of a range (default now).", valueName: "t"))
    var end: String?

    @Option(
        help: ArgumentHelp(
            "Distance of the points of a range (default a 250th of it, at least 1s).", valueName: "duration"))
    var step: String?

    @Option(help: ArgumentHelp("A range that ends now (or at --end).", valueName: "duration"))
    var range: String?

    @Flag(help: "Show what each part of the query took instead of the answer.")
    var explain = false

    @Flag(help: "List the queries that wait and run on the server.")
    var running = false

    @Option(help: ArgumentHelp("End the query with this number on the server.", valueName: "id"))
    var stop: UInt64?

    @Option(
        name: .shortAndLong, help: "How to show the answer: \(Output.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var output = Output.table

    private struct Window {
        var start: Timestamp
        var end: Timestamp
        var stepMilliseconds: Int64
    }

    func validate() throws {
        guard [expression != nil, running, stop != nil].count(where: \.self) == 1 else {
            throw ValidationError("Write an expression, or --running, or --stop with a number.")
        }
        if time != nil, start != nil || range != nil {
            throw ValidationError("--time asks for one moment, --start and --range for many: choose one.")
        }
        if explain, output == .csv || output == .plot {
            throw ValidationError("A plan is shown as a table or as JSON, not as \(output.rawValue).")
        }
        if running || stop != nil, output == .csv || output == .plot {
            throw ValidationError("The queries of a server are shown as a table or as JSON, not as \(output.rawValue).")
        }
        if output == .plot, start == nil, range == nil {
            throw ValidationError("A plot needs a range: add --range 1h, or --start and --end.")
        }
        if let time { _ = try Self.parseTime(time, option: "--time") }
        _ = try window()
    }

    func run() async throws {
        if running || stop != nil {
            let queries = RunningQueries(client: APIClient(server: server), showsJSON: output == .json)
            return try await queries.run(stop: stop)
        }
        let window = try window()
        let client = APIClient(server: server)
        var form = [(name: "query", value: expression ?? "")]
        if explain { form.append(("explain", "true")) }
        if let window {
            form.append(("start", Self.seconds(window.start)))
            form.append(("end", Self.seconds(window.end)))
            form.append(("step", Self.seconds(Timestamp(milliseconds: window.stepMilliseconds))))
        } else if let time {
            form.append(("time", Self.seconds(try Self.parseTime(time, option: "--time"))))
        }
        let path = window == nil ? "/api/v1/query" : "/api/v1/query_range"
        do {
            if output == .json {
                let (status, body) = try await client.post(path, form: form)
                StandardStream.write(body)
                StandardStream.write("\n")
                if status >= 400 { throw ExitStatus.failure }
                return
            }
            let answer = try await client.ask(path, form: form)
            let result = QueryAnswer(answer)
            if explain, let plan = answer["data"]?["plan"] {
                StandardStream.write(PlanOutput.text(plan, width: StandardStream.terminalWidth))
            } else {
                show(result, window: window)
                if explain {
                    StandardStream.error("the server gave no plan of this query")
                }
            }
            for warning in result.warnings { StandardStream.error("warning: " + warning) }
            for info in result.infos { StandardStream.error("info: " + info) }
        } catch let error as APIClientError {
            StandardStream.error("lapwing: " + error.description)
            if case .refused = error { throw ExitStatus.failure }
            throw ExitStatus.unreachable
        }
    }

    private func show(_ result: QueryAnswer, window: Window?) {
        switch output {
        case .csv: StandardStream.write(CSVOutput.text(result))
        case .plot:
            if let window {
                StandardStream.write(
                    PlotOutput(width: StandardStream.terminalWidth ?? 100).text(
                        result, start: window.start, end: window.end))
            }
        case .table, .json: StandardStream.write(TableOutput(width: StandardStream.terminalWidth).text(result))
        }
    }

    private func window() throws -> Window? {
        guard start != nil || range != nil else { return nil }
        let end = try end.map { try Self.parseTime($0, option: "--end") } ?? SystemClock().now
        let first: Timestamp
        if let start {
            first = try Self.parseTime(start, option: "--start")
        } else {
            let length = try Self.parseDuration(range ?? "", option: "--range")
            first = Timestamp(milliseconds: end.milliseconds - length)
        }
        guard first <= end else { throw ValidationError("The range ends before it begins.") }
        let pointCount: Int64 = 250
        let automatic = max(1000, (end.milliseconds - first.milliseconds) / pointCount / 1000 * 1000)
        let step = try step.map { try Self.parseDuration($0, option: "--step") } ?? automatic
        return Window(start: first, end: end, stepMilliseconds: step)
    }

    private static func parseTime(_ text: String, option: String) throws -> Timestamp {
        guard let time = TimeText.parse(text) else {
            throw ValidationError("\(option): '\(text)' is no time. Write 2026-11-23T14:00:00Z or seconds since 1970.")
        }
        return time
    }

    private static func parseDuration(_ text: String, option: String) throws -> Int64 {
        guard let milliseconds = TimeText.parseDuration(text), milliseconds > 0 else {
            throw ValidationError("\(option): '\(text)' is no duration. Write 90s, 5m or 1h30m.")
        }
        return milliseconds
    }

    private static func seconds(_ timestamp: Timestamp) -> String {
        let milliseconds = timestamp.milliseconds
        let fraction = String(1000 + milliseconds.magnitude % 1000).dropFirst()
        return (milliseconds < 0 ? "-" : "") + "\(milliseconds.magnitude / 1000).\(fraction)"
    }
}
