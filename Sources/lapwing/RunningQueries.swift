import Bytes
import Remote

/// `lapwing query --running` and `--stop`: the queries of a server, and the end of one.
struct RunningQueries {
    let client: APIClient
    var showsJSON = false

    func run(stop: UInt64?) async throws {
        do {
            if showsJSON {
                let path = "/api/v1/status/queries" + (stop.map { "/\($0)" } ?? "")
                let (status, body) = try await client.post(path, form: [])
                StandardStream.write(body)
                StandardStream.write("\n")
                if status >= 400 { throw ExitStatus.failure }
            } else if let stop {
                _ = try await client.ask("/api/v1/status/queries/\(stop)", form: [])
                StandardStream.write("query \(stop) was told to end\n")
            } else {
                StandardStream.write(Self.text(try await client.ask("/api/v1/status/queries", form: [])))
            }
        } catch let error as APIClientError {
            StandardStream.error("lapwing: " + error.description)
            if case .refused = error { throw ExitStatus.failure }
            throw ExitStatus.unreachable
        }
    }

    /// Characters of who asks that are shown.
    private static let agentLimit = 40

    /// A line for each query and one with the numbers.
    static func text(_ answer: JSONValue) -> String {
        let data = answer["data"]
        var rows = [["ID", "STATE", "AGE", "READ", "OF ABOUT", "MEMORY", "USER AGENT", "QUERY"]]
        for query in data?["queries"]?.elements ?? [] {
            func number(_ name: String) -> Double { query[name]?.number ?? 0 }
            rows.append([
                query["id"]?.text ?? "", query["state"]?.text ?? "", Quantity.seconds(number("age")),
                Quantity.count(number("samplesRead")),
                // What the selectors will read that are still to come is not in it.
                (query["estimateIsWhole"]?.flag == true ? "" : ">= ") + Quantity.count(number("estimatedSamples")),
                Quantity.bytes(number("memoryBytes")), String((query["userAgent"]?.text ?? "").prefix(agentLimit)),
                (query["query"]?.text ?? "").split(separator: "\n").joined(separator: " "),
            ])
        }
        let limits = data?["limits"]
        func shown(_ value: JSONValue?) -> String { Quantity.count(value?.number ?? 0) }
        let summary =
            "\(shown(data?["running"])) of \(shown(limits?["concurrency"])) run, \(shown(data?["waiting"])) of "
            + "\(shown(limits?["queue"])) wait, \(shown(data?["sending"])) are being answered, \(Quantity.bytes(data?["memoryBytes"]?.number ?? 0)) of "
            + "\(Quantity.bytes(limits?["memoryBytes"]?.number ?? 0)) are held\n"
        return (rows.count > 1 ? PlanOutput.layOut(rows, rightAligned: []) : "") + summary
    }
}

/// A plan with what each part took: the parts of a part stand below it, set in.
enum PlanOutput {
    /// - Parameter width: Columns of the terminal, at which lines are cut; nil where they may be as long as they like.
    static func text(_ plan: JSONValue, width: Int?) -> String {
        var rows = [["TIME", "SERIES", "SAMPLES", "READ", "BYTES OUT", "PART"]]
        add(plan, level: 0, to: &rows)
        let text = layOut(rows, rightAligned: [0, 1, 2, 3, 4])
        guard let width else { return text }
        return text.split(separator: "\n").map { line in
            (line.count > width ? line.prefix(max(1, width - 1)) + "…" : line) + "\n"
        }.joined()
    }

    private static func add(_ node: JSONValue, level: Int, to rows: inout [[String]]) {
        func number(_ name: String) -> Double { node[name]?.number ?? 0 }
        let expression = (node["expression"]?.text ?? "").split(separator: "\n").joined(separator: " ")
        let isRepeated = node["repeated"]?.flag ?? false
        rows.append([
            Quantity.seconds(number("seconds")), Quantity.count(number("series")), Quantity.count(number("samples")),
            Quantity.count(number("samplesRead")), Quantity.bytes(number("bytes")),
            String(repeating: "  ", count: level) + expression + (isRepeated ? "  (once for all steps)" : ""),
        ])
        for child in node["children"]?.elements ?? [] { add(child, level: level + 1, to: &rows) }
    }

    /// Columns of a width, some aligned to the right.
    static func layOut(_ rows: [[String]], rightAligned: Set<Int>) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += rightAligned.contains(column) ? padding + cell : cell + padding
                if column < row.count - 1 { line += "  " }
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// Quantities as people read them.
enum Quantity {
    static func count(_ value: Double) -> String {
        var digits = String(Int(value.rounded()))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    static func bytes(_ value: Double) -> String {
        var value = value
        for unit in ["B", "kB", "MB"] {
            if value < 1000 { return "\(rounded(value)) \(unit)" }
            value /= 1000
        }
        return "\(rounded(value)) GB"
    }

    static func seconds(_ value: Double) -> String {
        if value < 0.001 { return "\(rounded(value * 1e6)) us" }
        if value < 1 { return "\(rounded(value * 1e3)) ms" }
        return "\(rounded(value)) s"
    }

    /// One decimal below ten, none from there on.
    private static func rounded(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths >= 100 || tenths % 10 == 0 ? String(Int(value.rounded())) : "\(tenths / 10).\(tenths % 10)"
    }
}

extension JSONValue {
    fileprivate var number: Double? { text.flatMap { DecimalParsing.parse($0) } }

    fileprivate var flag: Bool? {
        if case .boolean(let value) = self { value } else { nil }
    }
}
