import Bytes
import MetricModel
import Remote

/// An answer of the query API, read for showing.
struct QueryAnswer {
    struct Series {
        var labels: [(name: String, value: String)]
        /// Seconds and the value's text as the server wrote it.
        var points: [(seconds: Double, text: String)]

        var metricName: String { labels.first { $0.name == LabelName.metricName }?.value ?? "" }
        func value(of name: String) -> String { labels.first { $0.name == name }?.value ?? "" }

        /// `name{label="value"}`, without the labels named.
        func notation(leavingOut names: Set<String> = []) -> String {
            LabelSet(labels.filter { !names.contains($0.name) }).description
        }
    }

    enum Kind: String { case scalar, string, vector, matrix }

    var kind: Kind
    var series: [Series]
    var warnings: [String]
    var infos: [String]

    init(_ answer: JSONValue) {
        let data = answer["data"]
        kind = Kind(rawValue: data?["resultType"]?.text ?? "") ?? .vector
        warnings = answer["warnings"]?.elements?.compactMap(\.text) ?? []
        infos = answer["infos"]?.elements?.compactMap(\.text) ?? []
        switch kind {
        case .scalar, .string:
            series = [Series(labels: [], points: [data?["result"]].compactMap { $0.flatMap(Self.point) })]
        case .vector, .matrix:
            series = (data?["result"]?.elements ?? []).map(Self.series)
        }
    }

    private static func series(_ value: JSONValue) -> Series {
        let labels = (value["metric"]?.members ?? []).map { (name: $0.name, value: $0.value.text ?? "") }
        let single = [value["value"], value["histogram"]].compactMap { $0 }
        let many = (value["values"]?.elements ?? []) + (value["histograms"]?.elements ?? [])
        return Series(labels: labels, points: (single + many).compactMap(point))
    }

    private static func point(_ value: JSONValue) -> (seconds: Double, text: String)? {
        guard let parts = value.elements, parts.count == 2,
            let seconds = parts[0].text.flatMap({ DecimalParsing.parse($0) })
        else { return nil }
        if let text = parts[1].text { return (seconds, text) }
        let count = parts[1]["count"]?.text ?? "?"
        let sum = parts[1]["sum"]?.text ?? "?"
        return (seconds, "histogram(count \(count), sum \(sum))")
    }
}

/// Comma-separated values (RFC 4180): a column a label, then time and value.
enum CSVOutput {
    static func text(_ answer: QueryAnswer) -> String {
        let names = Set(answer.series.flatMap { $0.labels.map(\.name) }).sorted()
        var result = (names + ["timestamp", "value"]).map(quoted).joined(separator: ",") + "\r\n"
        for series in answer.series {
            let labels = names.map { quoted(series.value(of: $0)) }
            for point in series.points {
                let time = DecimalFormatting.text(point.seconds, style: .plain)
                result += (labels + [time, quoted(point.text)]).joined(separator: ",") + "\r\n"
            }
        }
        return result
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { "\",\r\n".utf8.contains($0) }
        guard needsQuotes else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
