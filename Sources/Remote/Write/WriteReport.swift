import MetricModel
import Storage

/// What a sender is told of series that were not stored: how many of what, and the first by name.
struct WriteReport {
    private static let shownByteLimit = 300
    private static let namedLimit = ReferencedOutcome.namedRefusalLimit

    private(set) var invalidCount = 0
    private var counts = AppendOutcome()
    private var named: [String] = []

    mutating func addInvalid(_ fault: LabelFault, sampleCount: Int) {
        invalidCount += max(1, sampleCount)
        if named.count < Self.namedLimit { named.append("invalid labels: \(fault)") }
    }

    mutating func add(_ outcome: ReferencedOutcome, request: WriteRequest, labels: WireLabels) {
        counts = outcome.counts
        for refusal in outcome.refusals where named.count < Self.namedLimit {
            let set = try? labels.labels(request.labels[refusal.series], of: request, isSeries: true)
            let text = set?.description ?? "a series"
            let shown = text.utf8.count > Self.shownByteLimit ? String(text.prefix(Self.shownByteLimit)) + "…" : text
            named.append("\(refusal.reason.rawValue): \(shown)")
        }
    }

    var text: String {
        let parts: [(Int, String)] = [
            (invalidCount, "with invalid labels"), (counts.outOfOrder, "out of order"),
            (counts.duplicate, "with another value at the same time"), (counts.tooOld, "too old"),
            (counts.tooFarAhead, "too far in the future"), (counts.seriesLimit, "of series beyond the limit"),
        ]
        let told = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return "samples not stored: \(told) (\(counts.appended) stored); " + named.joined(separator: "; ")
    }
}
