/// The timestamps that many series share, in milliseconds since the epoch, strictly ascending.
///
/// Immutable.
///
/// All series of one target come with the same clock object, so that work that depends on the timestamps alone (the
/// windows of a range function) is done once per clock: compare clocks by identity.
package final class Clock: Sendable {
    package let timestamps: [Int64]
    package init(_ timestamps: [Int64]) { self.timestamps = timestamps }
    package static let empty = Clock([])
}

/// One native histogram at one time.
package struct HistogramSample: Hashable, Sendable {
    package var timestamp: Int64
    package var histogram: NativeHistogram
    /// When the counter began, in milliseconds; 0 is unknown.
    package var startTimestamp: Int64
    package init(timestamp: Int64, histogram: NativeHistogram, startTimestamp: Int64 = 0) {
        self.timestamp = timestamp
        self.histogram = histogram
        self.startTimestamp = startTimestamp
    }
}

/// The samples of one series as columns.
///
/// `values[i]` was taken at `clock.timestamps[clockOffset + i]`. The column is dense: no absent values, staleness markers
/// included. Histogram samples stand in a column of their own, in order of time; no timestamp is in both.
package struct SampleColumns: Sendable {
    package var clock: Clock
    package var clockOffset: Int
    package var values: [Double]
    package var histograms: [HistogramSample]
    /// Start timestamps of `values` (milliseconds, 0 is unknown), same count; empty where none is known.
    package var startTimestamps: [Int64]
    /// False only where it is known that no staleness marker is among the values.
    package var mayHaveStaleMarkers = true
    /// How many of the first values are known not to fall: none is below the one before, staleness markers aside.
    package var risingCount = 0

    package init(
        clock: Clock = .empty, clockOffset: Int = 0, values: [Double] = [], histograms: [HistogramSample] = [],
        startTimestamps: [Int64] = []
    ) {
        self.clock = clock
        self.clockOffset = clockOffset
        self.values = values
        self.histograms = histograms
        self.startTimestamps = startTimestamps
    }

    /// A column with a clock of its own.
    package init(timestamps: [Int64], values: [Double]) {
        self.init(clock: Clock(timestamps), values: values)
    }

    package var isEmpty: Bool { values.isEmpty && histograms.isEmpty }

    /// The time of a float sample.
    package func timestamp(at index: Int) -> Int64 { clock.timestamps[clockOffset + index] }

    /// Empties the columns and keeps their memory.
    package mutating func removeAll() {
        clock = .empty
        clockOffset = 0
        values.removeAll(keepingCapacity: true)
        if !histograms.isEmpty { histograms.removeAll(keepingCapacity: true) }
        if !startTimestamps.isEmpty { startTimestamps.removeAll(keepingCapacity: true) }
        mayHaveStaleMarkers = true
        risingCount = 0
    }
}
