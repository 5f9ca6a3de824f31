import MetricModel
import Storage

/// What a loose lane has of one series, in order of time.
struct LoosePiece {
    var timestamps: [Int64] = []
    var values: [Double] = []
    /// As many as values, or none.
    var startTimestamps: [Int64] = []
    var histograms: [HistogramSample] = []
    /// False only where no staleness marker is among the values.
    var mayHaveStaleMarkers = false

    /// Makes ready for the next series.
    mutating func removeAll() {
        timestamps.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        startTimestamps.removeAll(keepingCapacity: true)
        histograms.removeAll(keepingCapacity: true)
        mayHaveStaleMarkers = false
    }

    mutating func append(_ timestamp: Int64, value: Double, start: Int64) {
        if start != 0, startTimestamps.isEmpty { startTimestamps = [Int64](repeating: 0, count: values.count) }
        if start != 0 || !startTimestamps.isEmpty { startTimestamps.append(start) }
        timestamps.append(timestamp)
        values.append(value)
        mayHaveStaleMarkers = true
    }

    /// Puts late samples where they belong; of several at one time the one that came first stays.
    mutating func sortByTime() {
        if let order = Self.order(of: timestamps) {
            timestamps = order.map { timestamps[$0] }
            values = order.map { values[$0] }
            if !startTimestamps.isEmpty { startTimestamps = order.map { startTimestamps[$0] } }
        }
        if !histograms.isEmpty, let order = Self.order(of: histograms.map(\.timestamp)) {
            histograms = order.map { histograms[$0] }
            histograms.forgetResetHints()
        }
    }

    /// The places of the samples to keep, in order of time; nil where they stand in order already.
    private static func order(of timestamps: [Int64]) -> [Int]? {
        var isInOrder = true
        for index in timestamps.indices.dropFirst() where timestamps[index - 1] >= timestamps[index] {
            isInOrder = false
            break
        }
        if isInOrder { return nil }
        let sorted = timestamps.indices.sorted { (timestamps[$0], $0) < (timestamps[$1], $1) }
        var kept: [Int] = []
        kept.reserveCapacity(sorted.count)
        for place in sorted {
            if let last = kept.last, timestamps[last] == timestamps[place] { continue }
            kept.append(place)
        }
        return kept
    }
}

/// The times that batches may bring.
struct AcceptedTimes {
    /// Some 140,000 years from 1970: what is further away is no time, and differences of two times always fit.
    static let farthest: Int64 = 1 << 52

    /// For samples that are newer than all of their series.
    var oldest = -farthest
    /// For samples that are not; `.max` where none of those are taken.
    var oldestLate = Int64.max
    var newest = farthest

    /// Any time in any order.
    static let any = AcceptedTimes(oldestLate: -farthest)
}

/// The samples of columns, floats and histograms together, in order of time.
struct MergedSamples: Sequence, IteratorProtocol {
    struct Sample {
        var timestamp: Int64
        var value: Double
        var startTimestamp: Int64
        var histogram: NativeHistogram?
    }

    private let columns: SampleColumns
    private var valueIndex = 0
    private var histogramIndex = 0

    init(_ columns: SampleColumns) { self.columns = columns }

    mutating func next() -> Sample? {
        let hasValue = valueIndex < columns.values.count
        let hasHistogram = histogramIndex < columns.histograms.count
        if hasHistogram {
            let sample = columns.histograms[histogramIndex]
            if !hasValue || sample.timestamp < columns.timestamp(at: valueIndex) {
                histogramIndex += 1
                return Sample(
                    timestamp: sample.timestamp, value: 0, startTimestamp: sample.startTimestamp,
                    histogram: sample.histogram)
            }
        }
        guard hasValue else { return nil }
        valueIndex += 1
        let index = valueIndex - 1
        return Sample(
            timestamp: columns.timestamp(at: index), value: columns.values[index],
            startTimestamp: columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[index])
    }
}

extension AppendOutcome {
    /// Counts a refused sample under its reason.
    mutating func count(_ error: AppendError, isSameTime: Bool = false) {
        switch error {
        case .outOfOrder: if isSameTime { duplicate += 1 } else { outOfOrder += 1 }
        case .tooOld: tooOld += 1
        case .tooFarAhead: tooFarAhead += 1
        case .seriesLimit: seriesLimit += 1
        case .unavailable: break
        }
    }
}
