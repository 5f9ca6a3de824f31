import MetricModel
import Storage

/// The encoded columns of a stretch of a plan's entries, and what else belongs to these.
struct EncodedStretch: ~Copyable {
    private var encoder = ColumnEncoder()
    private var output = OutputBytes(capacity: 1 << 20)
    /// Those of an entry stand together, in order of time.
    private var columns: [EncodedColumn] = []
    /// The columns of entry `start + i` that were not taken yet.
    private var nextColumn: [UInt32] = []
    private var endColumn: [UInt32] = []
    private var start = 0
    /// The clocks of entries with timestamps of their own.
    var looseClocks: [Int: ClockIdentifier] = [:]
    var histograms: [Int: [HistogramSample]] = [:]

    var bytes: UnsafeRawBufferPointer { unsafe output.bytes }

    /// Forgets everything and makes room for these entries.
    mutating func begin(_ entries: Range<Int>) {
        start = entries.lowerBound
        output.removeAll()
        columns.removeAll(keepingCapacity: true)
        // One for each is the least where the stretch is one slice of time, and growing copies all of them.
        columns.reserveCapacity(entries.count)
        nextColumn = [UInt32](repeating: 0, count: entries.count)
        endColumn = nextColumn
        looseClocks.removeAll(keepingCapacity: true)
        histograms.removeAll(keepingCapacity: true)
    }

    /// Adds the column of an entry in pieces, each without absent values at its ends.
    ///
    /// `values[i]` was taken at tick `firstTick + i`, start timestamps are as many or none.
    mutating func add(
        _ values: UnsafeBufferPointer<Double>, startTimestamps: UnsafeBufferPointer<Int64>, firstTick: Int,
        pieces: [SealingSlices.Piece], entry: Int
    ) {
        nextColumn[entry - start] = UInt32(columns.count)
        for piece in pieces {
            let ticks = (piece.ticks.lowerBound - firstTick)..<(piece.ticks.upperBound - firstTick)
            let present = unsafe TickState.stretch(of: values, in: ticks)
            guard !present.isEmpty else { continue }
            let starts = startTimestamps.count == values.count ? present : 0..<0
            var column = unsafe encoder.encode(
                UnsafeBufferPointer(rebasing: values[present]),
                startTimestamps: UnsafeBufferPointer(rebasing: startTimestamps[starts]),
                firstTick: firstTick + present.lowerBound, into: &output)
            column.slice = UInt16(piece.slice)
            columns.append(column)
        }
        endColumn[entry - start] = UInt32(columns.count)
    }

    /// Whether an entry has anything that was not taken yet.
    func hasSamples(entry: Int) -> Bool {
        nextColumn[entry - start] < endColumn[entry - start]
            || (!histograms.isEmpty && histograms[entry] != nil)
    }

    /// Takes the next column of an entry, nil where it has no further one in this slice.
    mutating func next(ofEntry entry: Int, slice: Int) -> EncodedColumn? {
        let position = Int(nextColumn[entry - start])
        guard position < Int(endColumn[entry - start]), Int(columns[position].slice) == slice else { return nil }
        nextColumn[entry - start] += 1
        return columns[position]
    }
}

/// Where a plan is cut into slices of time: all of its series at the same moments.
struct SealingSlices {
    /// Ticks of a clock that lie in one slice; as many as a column may have at most.
    struct Piece {
        var slice: Int
        var ticks: Range<Int>
    }

    /// A plan over more slices than this has longer ones.
    private static let maximumCount = 4096
    /// The first moment of each slice but the first.
    private var starts: [Int64] = []

    var count: Int { starts.count + 1 }

    init(plan: SealingPlan, range: TimeRange) {
        var first = Int64.max
        var last = Int64.min
        // The mean length of the columns that most samples lie in: one long series among many must not cut all of them.
        var samples = 0.0
        var squares = 0.0
        for lane in plan.rows {
            let ticks = ticks(in: range, of: lane.timestamps)
            guard !ticks.isEmpty else { continue }
            first = min(first, lane.timestamps[ticks.lowerBound])
            last = max(last, lane.timestamps[ticks.upperBound - 1])
            samples += Double(ticks.count * lane.slotCount)
            squares += Double(ticks.count * ticks.count * lane.slotCount)
        }
        for source in plan.loose {
            var lowest = Int64.max
            var highest = Int64.min
            var countOfSlot: [Int] = []
            for slice in source.slices {
                lowest = min(lowest, slice.minimumTimestamp)
                highest = max(highest, slice.maximumTimestamp)
                for slot in slice.slots {
                    if slot >= countOfSlot.count {
                        countOfSlot += [Int](repeating: 0, count: slot + 1)
                    }
                    countOfSlot[slot] += slice.sampleCount(slot: slot)
                }
            }
            guard lowest <= highest else { continue }
            // The part of the samples that lies in the range, as if they were spread evenly.
            let start = max(lowest, range.start.milliseconds)
            let end = min(highest, range.end.milliseconds)
            guard start <= end else { continue }
            first = min(first, start)
            last = max(last, end)
            let share = (Double(end) - Double(start) + 1) / (Double(highest) - Double(lowest) + 1)
            for count in countOfSlot {
                let ticks = Double(count) * share
                samples += ticks
                squares += ticks * ticks
            }
        }
        guard first <= last, samples > 0 else { return }
        var window = SliceWindow()
        let mean = Int((squares / samples).rounded(.up))
        let limit = SegmentFormat.preferredTickCount * Self.maximumCount
        window.note(series: 0, ticks: min(max(1, mean), limit), from: first, to: last)
        starts = Array(window.bounds().dropFirst().dropLast())
    }

    /// The ticks of a clock in a range.
    func ticks(in range: TimeRange, of timestamps: [Int64]) -> Range<Int> {
        let all = 0..<timestamps.count
        let lower = timestamps.firstIndex(notBelow: range.start.milliseconds, in: all)
        let end = range.end.milliseconds
        let upper = end == .max ? all.upperBound : timestamps.firstIndex(notBelow: end + 1, in: all)
        return lower..<max(lower, upper)
    }

    /// The ticks of a clock, slice by slice.
    func pieces(of timestamps: [Int64], in ticks: Range<Int>) -> [Piece] {
        var pieces: [Piece] = []
        var lower = ticks.lowerBound
        for slice in 0..<count where lower < ticks.upperBound {
            let upper =
                slice < starts.count
                ? timestamps.firstIndex(notBelow: starts[slice], in: lower..<ticks.upperBound) : ticks.upperBound
            for start in stride(from: lower, to: upper, by: SegmentFormat.maximumTickCount) {
                let end = min(upper, start + SegmentFormat.maximumTickCount)
                pieces.append(Piece(slice: slice, ticks: start..<end))
            }
            lower = max(lower, upper)
        }
        return pieces
    }
}

/// The clocks of series with timestamps of their own: those with the same times share one.
struct LooseClocks {
    /// What tells most clocks apart.
    private struct Key: Hashable {
        var count: Int
        var first: Int64
        var last: Int64
    }

    private var clocks: [Key: [ClockIdentifier]] = [:]
    private var newest: ClockIdentifier?

    mutating func clock(of timestamps: [Int64], in writer: PartitionWriter) -> ClockIdentifier? {
        guard let first = timestamps.first, let last = timestamps.last else { return nil }
        // Neighbours were sent together.
        if let newest, writer.timestamps(of: newest) == timestamps { return newest }
        let key = Key(count: timestamps.count, first: first, last: last)
        let known = clocks[key]?.first { writer.timestamps(of: $0) == timestamps }
        let clock = known ?? writer.addClock(timestamps)
        if known == nil { clocks[key, default: []].append(clock) }
        newest = clock
        return clock
    }
}
