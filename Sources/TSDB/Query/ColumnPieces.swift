internal import CColumns
import MetricModel

/// The samples of one series as they are found, piece after piece, the values of all pieces in one run of memory.
///
/// A reader has one and uses it again for each series. The values end up in the caller's columns without a copy where the
/// pieces follow each other in time, which is what they nearly always do.
struct ColumnPieces {
    /// What one place has: a lane of the head, segments of a partition on one clock.
    struct Piece {
        /// The value at `values[start]` was taken at `clock.timestamps[offset]`.
        var clock: Clock
        var offset: Int
        /// Where the piece stands in `values`; dense.
        var start: Int
        var count: Int
        /// Of two samples at one time that of the head is taken, then that of the piece found first.
        var isFromHead = false

        var end: Int { start + count }
        var firstTimestamp: Int64 { clock.timestamps[offset] }
        var lastTimestamp: Int64 { clock.timestamps[offset + count - 1] }
    }

    private(set) var values: [Double] = []
    /// None of them is empty.
    private(set) var pieces = PieceList()
    /// A list for each place that has any, in order of time.
    private(set) var histograms: [[HistogramSample]] = []
    /// Start timestamps by the times of their samples; few series have any.
    private var starts: [Int64: Int64] = [:]
    /// False only where no staleness marker is among the values.
    private(set) var mayHaveStaleMarkers = false
    /// How many of the first values are known not to fall, staleness markers aside.
    private var risingCount = 0

    /// Makes ready for the next series.
    ///
    /// - Parameter sampleCount: How many samples it may have.
    mutating func removeAll(reserving sampleCount: Int = 0) {
        values.removeAll(keepingCapacity: true)
        if sampleCount > 0 { values.reserveCapacity(sampleCount) }
        pieces.removeAll()
        if !histograms.isEmpty { histograms.removeAll(keepingCapacity: true) }
        if !starts.isEmpty { starts.removeAll(keepingCapacity: true) }
        mayHaveStaleMarkers = false
        risingCount = 0
    }

    var isEmpty: Bool { pieces.isEmpty && histograms.isEmpty }

    // MARK: Adding

    /// Adds the histograms that one place has.
    mutating func append(histograms samples: [HistogramSample]) {
        if !samples.isEmpty { histograms.append(samples) }
    }

    /// Notes start timestamps of samples, as many as these or none; where a time comes again the later ones count.
    mutating func note(starts new: [Int64], of timestamps: [Int64]) {
        for (start, timestamp) in zip(new, timestamps) where start != 0 { starts[timestamp] = start }
    }

    /// Adds the one sample of a clock with one tick.
    mutating func append(bits: UInt64, clock: Clock) {
        if bits == SpecialValue.staleBits { mayHaveStaleMarkers = true }
        values.append(Double(bitPattern: bits))
        addPiece(on: clock, offset: 0, start: values.count - 1, count: 1, isFromHead: true)
    }

    /// Adds ones for samples whose values nobody looks at.
    mutating func append(ones count: Int, clock: Clock, offset: Int, isFromHead: Bool) {
        let start = values.count
        values.append(addingCapacity: count) { $0.append(repeating: 1, count: count) }
        addPiece(on: clock, offset: offset, start: start, count: count, isFromHead: isFromHead)
    }

    /// Adds values that are dense already.
    mutating func append(
        _ dense: [Double], clock: Clock, offset: Int = 0, isFromHead: Bool, mayHaveStaleMarkers isMarked: Bool = true
    ) {
        guard !dense.isEmpty else { return }
        let start = values.count
        values.append(contentsOf: dense)
        if isMarked { mayHaveStaleMarkers = true }
        addPiece(on: clock, offset: offset, start: start, count: dense.count, isFromHead: isFromHead)
    }

    /// Adds a value or a special marker for each of `tickCount` ticks, which `decode` writes unless it answers nil, and
    /// keeps those of `wanted`; the first of these was taken at `clock.timestamps[offset]`.
    ///
    /// Absent values are left out: at the ends by the offset, in the middle by a clock that series with the same gaps
    /// share.
    /// - Parameter isPlain: There are neither absent values nor staleness markers.
    mutating func append(
        tickCount: Int, wanted: Range<Int>, clock: Clock, offset: Int, isPlain: Bool, isFromHead: Bool,
        shared: ClockCache, _ decode: (UnsafeMutablePointer<Double>) -> ValueOrder?
    ) -> Bool {
        let start = values.count
        var order: ValueOrder?
        values.append(addingCapacity: tickCount) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
                guard let target = buffer.baseAddress else { return }
                order = unsafe decode(target)
                initialized = order != nil ? tickCount : 0
            }
        }
        guard let order else { return false }
        if wanted.upperBound < tickCount { values.removeSubrange((start + wanted.upperBound)...) }
        if wanted.lowerBound > 0 { values.removeSubrange(start..<start + wanted.lowerBound) }
        take(
            from: start, order, clock: clock, offset: offset, isPlain: isPlain, isFromHead: isFromHead, shared: shared)
        return true
    }

    /// Adds a value or a special marker for each tick of a clock of the head.
    ///
    /// - Parameter isPlain: There are neither absent values nor staleness markers.
    mutating func append(
        headColumn column: UnsafeBufferPointer<Double>, clock: Clock, isPlain: Bool, shared: ClockCache
    ) {
        let start = values.count
        unsafe values.append(contentsOf: column)
        take(from: start, .unknown, clock: clock, offset: 0, isPlain: isPlain, isFromHead: true, shared: shared)
    }

    /// Makes a piece of the newest values, which may have special markers among them.
    private mutating func take(
        from start: Int, _ order: ValueOrder, clock: Clock, offset: Int, isPlain: Bool, isFromHead: Bool,
        shared: ClockCache
    ) {
        if !isPlain {
            let special = SpecialCounts(values[start...])
            if special.stale > 0 { mayHaveStaleMarkers = true }
            if special.absent > 0 {
                var piece = Piece(
                    clock: clock, offset: offset, start: start, count: values.count - start, isFromHead: isFromHead)
                guard leaveAbsentOut(&piece, count: special.absent, shared: shared) else { return }
                noteOrder(order, from: start)
                return addPiece(
                    on: piece.clock, offset: piece.offset, start: start, count: piece.count, isFromHead: isFromHead)
            }
        }
        noteOrder(order, from: start)
        addPiece(on: clock, offset: offset, start: start, count: values.count - start, isFromHead: isFromHead)
    }

    /// Notes what is known of the values from `start` on.
    private mutating func noteOrder(_ order: ValueOrder, from start: Int) {
        if order == .rising, risingCount == start, start == 0 || values[start - 1] <= values[start] {
            risingCount = values.count
        }
    }

    /// A piece that goes on where the last one ended becomes part of it.
    private mutating func addPiece(on clock: Clock, offset: Int, start: Int, count: Int, isFromHead: Bool) {
        let last = pieces.count - 1
        if last >= 0, pieces[last].offset + pieces[last].count == offset, pieces[last].clock === clock {
            pieces.extend(at: last, by: count)
        } else {
            pieces.append(on: clock, offset: offset, start: start, count: count, isFromHead: isFromHead)
        }
    }

    /// Makes the newest values, which belong to `piece` and of which some are absent, dense; false where nothing remains.
    private mutating func leaveAbsentOut(_ piece: inout Piece, count absentCount: Int, shared: ClockCache) -> Bool {
        let ticks = piece.start..<piece.end
        let absentBits = SpecialValue.absentBits
        guard let first = values[ticks].firstIndex(where: { $0.bitPattern != absentBits }),
            let last = values[ticks].lastIndex(where: { $0.bitPattern != absentBits })
        else {
            values.removeSubrange(piece.start...)
            return false
        }
        values.removeSubrange((last + 1)...)
        values.removeSubrange(piece.start..<first)
        piece.offset += first - piece.start
        let span = last - first + 1
        piece.count = ticks.count - absentCount
        if piece.count == span { return true }
        var presence = [UInt64](repeating: 0, count: (span + 63) >> 6)
        var kept = piece.start
        for index in 0..<span {
            let value = values[piece.start + index]
            if value.bitPattern == absentBits { continue }
            presence[index >> 6] |= 1 << UInt64(index & 63)
            values[kept] = value
            kept += 1
        }
        values.removeSubrange(kept...)
        piece.clock = shared.thinned(piece.clock, offset: piece.offset, count: span, presence: presence)
        piece.offset = 0
        return true
    }

    // MARK: Taking

    /// The time of the newest sample, `.min` where there is none.
    var newestTimestamp: Int64 {
        let floats = pieces.reduce(Int64.min) { max($0, $1.lastTimestamp) }
        return histograms.reduce(floats) { max($0, $1.last?.timestamp ?? .min) }
    }

    /// The newest float; of two at one time that of the piece found first.
    var newestFloat: NewestFloat {
        var newest = NewestFloat()
        for piece in pieces { newest.take(values[piece.end - 1], at: piece.lastTimestamp) }
        return newest
    }

    /// Fills `columns` with all pieces; what stands here afterwards is of no use.
    ///
    /// - Parameter joins: The clocks that the reader has joined before; series of one target follow each other.
    mutating func take(into columns: inout SampleColumns, joins: inout JoinedClocks) {
        guard !pieces.isEmpty else {
            columns.removeAll()
            columns.histograms = PieceMerge.histograms(histograms)
            return
        }
        if !columns.histograms.isEmpty || !histograms.isEmpty { columns.histograms = PieceMerge.histograms(histograms) }
        if !columns.startTimestamps.isEmpty { columns.startTimestamps.removeAll(keepingCapacity: true) }
        columns.mayHaveStaleMarkers = mayHaveStaleMarkers
        var isInOrder = true
        for index in 1..<max(pieces.count, 1) where pieces[index - 1].lastTimestamp >= pieces[index].firstTimestamp {
            isInOrder = false
        }
        columns.clockOffset = 0
        if !isInOrder {
            columns.values.removeAll(keepingCapacity: true)
            columns.risingCount = 0
            PieceMerge.byTime(self, into: &columns)
        } else {
            swap(&values, &columns.values)
            columns.risingCount = risingCount
            if pieces.count == 1 {
                if columns.clock !== pieces[0].clock { columns.clock = pieces[0].clock }
                columns.clockOffset = pieces[0].offset
            } else {
                columns.clock = joins.clock(of: pieces)
            }
        }
        if !columns.histograms.isEmpty { PieceMerge.removeDoubleTimes(&columns) }
        if !starts.isEmpty {
            for index in columns.values.indices {
                columns.startTimestamps.append(starts[columns.timestamp(at: index)] ?? 0)
            }
        }
    }
}

/// Pieces in the order in which they were found.
///
/// Emptied it keeps its places, with their clocks: the piece of the next series is nearly always on the clock of the one before,
/// and takes its place without a reference counted.
struct PieceList: RandomAccessCollection {
    private var places: [ColumnPieces.Piece] = []
    private(set) var endIndex = 0

    var startIndex: Int { 0 }

    subscript(index: Int) -> ColumnPieces.Piece {
        _read {
            precondition(index < endIndex, "no such piece")
            yield places[index]
        }
    }

    mutating func removeAll() { endIndex = 0 }

    mutating func append(on clock: Clock, offset: Int, start: Int, count: Int, isFromHead: Bool) {
        if endIndex == places.count {
            places.append(
                ColumnPieces.Piece(clock: clock, offset: offset, start: start, count: count, isFromHead: isFromHead))
        } else {
            if places[endIndex].clock !== clock { places[endIndex].clock = clock }
            places[endIndex].offset = offset
            places[endIndex].start = start
            places[endIndex].count = count
            places[endIndex].isFromHead = isFromHead
        }
        endIndex += 1
    }

    /// Makes a piece longer.
    mutating func extend(at index: Int, by count: Int) {
        precondition(index < endIndex, "no such piece")
        places[index].count += count
    }
}

/// Pieces of one series that overlap in time.
enum PieceMerge {
    /// Takes the samples of all pieces in order of time, one for each time.
    static func byTime(_ found: borrowing ColumnPieces, into columns: inout SampleColumns) {
        let pieces = found.pieces.filter(\.isFromHead) + found.pieces.filter { !$0.isFromHead }
        let values = found.values
        var positions = [Int](repeating: 0, count: pieces.count)
        var timestamps: [Int64] = []
        while true {
            var best = -1
            var bestTime = Int64.max
            for (index, piece) in pieces.enumerated() where positions[index] < piece.count {
                let time = piece.clock.timestamps[piece.offset + positions[index]]
                if best < 0 || time < bestTime {
                    best = index
                    bestTime = time
                }
            }
            guard best >= 0 else { break }
            if timestamps.last != bestTime {
                timestamps.append(bestTime)
                columns.values.append(values[pieces[best].start + positions[best]])
            }
            positions[best] += 1
        }
        columns.clock = Clock(timestamps)
    }

    /// Takes the histograms of all lists in order of time, one for each time, that of the first list that has it.
    ///
    /// Where lists do not follow each other, what was noted of resets is forgotten: another sample stands before.
    /// - Parameters:
    ///   - lists: None of them is empty.
    ///   - areOfOnePlace: The first of a list goes on from the last one of the list before. Else something late may lie between
    ///     them, in a place of its own, and what was noted of the first is forgotten.
    static func histograms(_ lists: [[HistogramSample]], areOfOnePlace: Bool = false) -> [HistogramSample] {
        guard lists.count > 1 else { return lists.first ?? [] }
        let isInTurn = zip(lists, lists.dropFirst()).allSatisfy { before, after in
            (before.last?.timestamp ?? .min) < (after.first?.timestamp ?? .max)
        }
        guard isInTurn else { return sorted(lists) }
        var result: [HistogramSample] = []
        for list in lists {
            let start = result.count
            result += list
            if start > 0, !areOfOnePlace { result[start].histogram.forgetResetHint() }
        }
        return result
    }

    private static func sorted(_ lists: [[HistogramSample]]) -> [HistogramSample] {
        // A stable sort keeps the order of the lists at equal times.
        let sorted = lists.flatMap { $0 }.enumerated().sorted {
            ($0.element.timestamp, $0.offset) < ($1.element.timestamp, $1.offset)
        }
        var result: [HistogramSample] = []
        for entry in sorted where result.last?.timestamp != entry.element.timestamp { result.append(entry.element) }
        result.forgetResetHints()
        return result
    }

    /// No time is in both columns: the float wins.
    static func removeDoubleTimes(_ columns: inout SampleColumns) {
        guard !columns.histograms.isEmpty, !columns.values.isEmpty else { return }
        let timestamps = columns.clock.timestamps
        let ticks = columns.clockOffset..<columns.clockOffset + columns.values.count
        columns.histograms.removeAll { sample in
            let index = timestamps.firstIndex(notBelow: sample.timestamp, in: ticks)
            return index < ticks.upperBound && timestamps[index] == sample.timestamp
        }
    }
}

/// How many values of a column are no plain values.
struct SpecialCounts {
    private(set) var absent = 0
    private(set) var stale = 0

    /// Whether all values are plain.
    static func areNone(in values: [Double]) -> Bool {
        unsafe values.isEmpty || ccolumns_count_special(values, values.count) == 0
    }

    init(_ column: ArraySlice<Double>) {
        unsafe column.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            let special = unsafe ccolumns_count_special(start, values.count)
            guard special > 0 else { return }
            let staleBits = SpecialValue.staleBits
            for index in 0..<values.count where unsafe values[index].bitPattern == staleBits { stale += 1 }
            absent = special - stale
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
