import MetricModel
import Storage
import Synchronization

/// The rows of a lane from one row to the next, shared by all queries of that time.
///
/// Numbered from the oldest on. A value behind a reference: what queries hold is one thing to count, not three for each slice.
final class LaneRows: Sendable {
    /// In order of time; none is empty.
    let slices: [Slice]
    /// The number of the first row behind each slice.
    private let ends: [Int]
    let clock: Clock
    private let lastSequence: UInt64
    /// The stretch that was asked for last, and its clock: queries of one time ask for the same.
    private let stretch = Mutex<(rows: Range<Int>, clock: Clock)?>(nil)

    /// - Parameter slices: As the lane has them, the oldest first.
    init(_ slices: [Slice]) {
        self.slices = slices
        var ends: [Int] = []
        ends.reserveCapacity(slices.count)
        var timestamps: [Int64] = []
        timestamps.reserveCapacity(slices.reduce(0) { $0 + $1.rowCount })
        for index in slices.indices {
            timestamps += slices[index].timestamps
            ends.append(timestamps.count)
        }
        self.ends = ends
        clock = Clock(timestamps)
        lastSequence = slices.last?.lastSequence ?? 0
    }

    /// The rows that a view sees here, and not in partitions, and that lie in a range of time.
    func wanted(in range: TimeRange, at position: ViewPosition) -> Range<Int> {
        let seen = seen(at: position)
        let timestamps = clock.timestamps
        let first = timestamps.firstIndex(notBelow: range.start.milliseconds, in: seen)
        let end =
            range.end.milliseconds == .max
            ? seen.upperBound : timestamps.firstIndex(notBelow: range.end.milliseconds + 1, in: seen)
        return first..<max(first, end)
    }

    /// A clock of some of the rows alone.
    func clock(of rows: Range<Int>) -> Clock {
        if rows == clock.timestamps.indices { return clock }
        return stretch.withLock { stretch in
            if let known = stretch, known.rows == rows { return known.clock }
            let made = Clock(Array(clock.timestamps[rows]))
            stretch = (rows, made)
            return made
        }
    }

    private func seen(at position: ViewPosition) -> Range<Int> {
        var first = 0
        // The oldest are sealed first.
        for index in slices.indices {
            guard slices[index].sealedEpoch <= position.epoch else { break }
            first = ends[index]
        }
        var end = clock.timestamps.count
        if lastSequence > position.sequence {
            for index in slices.indices.reversed() {
                let missing = slices[index].rowCount - slices[index].visibleRowCount(at: position.sequence)
                end -= missing
                if missing < slices[index].rowCount { break }
            }
        }
        return first..<max(first, end)
    }

    /// Whether a row stands in a slice with floats alone.
    func isPlain(at row: Int) -> Bool {
        var slice = 0
        while ends[slice] <= row { slice += 1 }
        return !slices[slice].hasHistograms && !slices[slice].hasStarts
    }

    static let damage = StorageError.corrupt(path: "memory", what: "a row of the head cannot be decoded")

    /// Adds rows of the slots of `columns` to it.
    ///
    /// - Parameter quota: What slices may keep of the columns; nil where they keep none of these.
    func decode(
        _ rows: Range<Int>, into columns: inout SliceColumns, keptWithin quota: ByteQuota?
    ) throws(StorageError) {
        let isSound = forEachPart(of: rows) { slice, part in
            if let quota,
                let isSound = slices[slice].kept?.append(part, of: slices[slice], to: &columns, within: quota)
            {
                return isSound
            }
            return columns.append(slices[slice], rows: part)
        }
        guard isSound else { throw Self.damage }
    }

    /// Calls `body` with the number of each slice in which some of the rows stand, and which of its rows they are; ends early
    /// where it answers false, and answers whether it did not.
    ///
    /// A slice is several references: it is looked at where it stands.
    func forEachPart(of rows: Range<Int>, _ body: (Int, Range<Int>) -> Bool) -> Bool {
        var start = 0
        for index in slices.indices {
            let end = ends[index]
            if start >= rows.upperBound { break }
            if end > rows.lowerBound {
                let part = max(start, rows.lowerBound) - start..<min(end, rows.upperBound) - start
                guard body(index, part) else { return false }
            }
            start = end
        }
        return true
    }
}
