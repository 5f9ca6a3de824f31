import MetricModel
import Synchronization

/// The bytes that one query holds, counted before they are taken.
///
/// Safe on several threads.
final class MemoryAccount: Sendable {
    private let used = Atomic<Int>(0)
    private let highest = Atomic<Int>(0)
    let limitBytes: Int

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// The most bytes that were held at a time.
    var peakBytes: Int { highest.load(ordering: .relaxed) }

    /// Counts bytes that are about to be taken; where they go beyond the limit nothing is counted.
    func reserve(_ byteCount: Int) throws(QueryError) {
        let after = used.add(byteCount, ordering: .relaxed).newValue
        guard after <= limitBytes else {
            used.subtract(byteCount, ordering: .relaxed)
            throw .tooManyBytes(wanted: after, maximum: limitBytes)
        }
        _ = highest.max(after, ordering: .relaxed)
    }

    /// Gives reserved bytes back.
    func release(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}

/// What an operator holds: samples as Prometheus counts them, and bytes.
struct QueryCost {
    var samples = 0
    var bytes = 0

    static func + (left: QueryCost, right: QueryCost) -> QueryCost {
        QueryCost(samples: left.samples + right.samples, bytes: left.bytes + right.bytes)
    }

    static func += (left: inout QueryCost, right: QueryCost) { left = left + right }
}

extension StepSeries {
    /// Bytes of a series beside its values: itself and the heads of its arrays.
    static let overheadBytes = 160

    /// What keeping the series costs.
    var cost: QueryCost {
        let samples = sampleCost
        let histogramSamples = histograms.isEmpty ? 0 : samples - floatCount
        return QueryCost(
            samples: samples,
            bytes: Self.overheadBytes + values.count * 8 + labels.encoded.count + histogramSamples * 16)
    }
}
