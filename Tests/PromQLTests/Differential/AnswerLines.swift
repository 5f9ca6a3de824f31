import MetricModel
import PromQL

/// Answers to range queries as text, a line for each series and each warning.
enum AnswerLines {
    /// Everything of an answer that a reader can see, values as bits.
    static func of(_ result: QueryResult, showsResetHints: Bool = true) -> [String] {
        guard case .matrix(let series) = result.value else { return ["no matrix"] }
        return series.map { next in
            let histograms = next.histograms.map { sample in
                var histogram = sample.histogram
                if !showsResetHints { histogram.forgetResetHint() }
                return "\(sample.timestamp) \(histogram)"
            }
            return "\(next.labels) \(next.timestamps) \(next.values) \(next.values.map(\.bitPattern)) \(histograms)"
        } + result.warnings + result.infos
    }

    /// Where one answer differs from the other; nil for nowhere.
    static func difference(_ found: [String], _ wanted: [String]) -> String? {
        if found == wanted { return nil }
        let unlike = zip(found, wanted).first { $0 != $1 }
        return "\(found.count) lines, not \(wanted.count); \(unlike?.0 ?? "-")\n  not \(unlike?.1 ?? "-")"
    }
}
