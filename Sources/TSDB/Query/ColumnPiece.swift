import MetricModel

/// The samples of a series that one place has: a lane of the head, a partition.
struct ColumnPiece {
    var clock: Clock
    var offset = 0
    /// Dense; `values[i]` was taken at `clock.timestamps[offset + i]`.
    var values: [Double]
    var histograms: [HistogramSample] = []

    var firstTimestamp: Int64 { values.isEmpty ? .max : clock.timestamps[offset] }
    var lastTimestamp: Int64 { values.isEmpty ? .min : clock.timestamps[offset + values.count - 1] }

    /// Cuts the piece to a range of time.
    mutating func clip(to range: TimeRange) {
        let start = range.start.milliseconds
        let end = range.end.milliseconds
        if firstTimestamp < start || lastTimestamp > end, !values.isEmpty {
            let ticks = offset..<offset + values.count
            let lower = clock.timestamps.firstIndex(notBelow: start, in: ticks)
            let upper = end == .max ? ticks.upperBound : clock.timestamps.firstIndex(notBelow: end + 1, in: ticks)
            if lower >= upper {
                values.removeAll(keepingCapacity: true)
            } else {
                values.removeSubrange((upper - offset)...)
                values.removeSubrange(..<(lower - offset))
                offset = lower
            }
        }
        if !histograms.isEmpty {
            histograms.removeAll { !range.contains(Timestamp(milliseconds: $0.timestamp)) }
        }
    }
}

extension [Int64] {
    /// The first index in `bounds` whose element is at least `value`, the upper bound where there is none.
    func firstIndex(notBelow value: Int64, in bounds: Range<Int>) -> Int {
        var lower = bounds.lowerBound
        var upper = bounds.upperBound
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if self[middle] < value { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }
}

/// Pieces of one series put together.
enum PieceMerge {
    /// Fills `columns` with all pieces; where two have a sample at one time, the earlier piece in the list wins.
    static func merge(_ pieces: [ColumnPiece], clocks: ClockCache, into columns: inout SampleColumns) {
        columns.removeAll()
        columns.histograms = mergedHistograms(pieces)
        var filled = pieces.filter { !$0.values.isEmpty }
        guard !filled.isEmpty else { return }
        if filled.count > 1 {
            filled.sort { $0.firstTimestamp < $1.firstTimestamp }
            let isDisjoint = zip(filled, filled.dropFirst()).allSatisfy { $0.lastTimestamp < $1.firstTimestamp }
            if !isDisjoint {
                mergeByTime(pieces.filter { !$0.values.isEmpty }, into: &columns)
                return removeDoubleTimes(&columns)
            }
        }
        if filled.count == 1 {
            columns.clock = filled[0].clock
            columns.clockOffset = filled[0].offset
        } else {
            columns.clock = clocks.joined(filled)
        }
        for piece in filled { columns.values.append(contentsOf: piece.values) }
        removeDoubleTimes(&columns)
    }

    private static func mergeByTime(_ pieces: [ColumnPiece], into columns: inout SampleColumns) {
        var positions = [Int](repeating: 0, count: pieces.count)
        var timestamps: [Int64] = []
        while true {
            var best = -1
            var bestTime = Int64.max
            for (index, piece) in pieces.enumerated() where positions[index] < piece.values.count {
                let time = piece.clock.timestamps[piece.offset + positions[index]]
                if best < 0 || time < bestTime {
                    best = index
                    bestTime = time
                }
            }
            guard best >= 0 else { break }
            if timestamps.last != bestTime {
                timestamps.append(bestTime)
                columns.values.append(pieces[best].values[positions[best]])
            }
            positions[best] += 1
        }
        columns.clock = Clock(timestamps)
    }

    private static func mergedHistograms(_ pieces: [ColumnPiece]) -> [HistogramSample] {
        let filled = pieces.filter { !$0.histograms.isEmpty }
        guard filled.count > 1 else { return filled.first?.histograms ?? [] }
        var merged: [HistogramSample] = []
        for (order, piece) in filled.enumerated() where order >= 0 { merged += piece.histograms }
        // A stable sort keeps the order of the pieces at equal times.
        let sorted = merged.enumerated().sorted {
            ($0.element.timestamp, $0.offset) < ($1.element.timestamp, $1.offset)
        }
        var result: [HistogramSample] = []
        for entry in sorted where result.last?.timestamp != entry.element.timestamp { result.append(entry.element) }
        return result
    }

    /// No time is in both columns: the float wins.
    private static func removeDoubleTimes(_ columns: inout SampleColumns) {
        guard !columns.histograms.isEmpty, !columns.values.isEmpty else { return }
        let timestamps = columns.clock.timestamps
        let ticks = columns.clockOffset..<columns.clockOffset + columns.values.count
        columns.histograms.removeAll { sample in
            let index = timestamps.firstIndex(notBelow: sample.timestamp, in: ticks)
            return index < ticks.upperBound && timestamps[index] == sample.timestamp
        }
    }
}
