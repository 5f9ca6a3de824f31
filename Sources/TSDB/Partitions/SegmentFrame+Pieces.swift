import MetricModel

extension SegmentFrame {
    /// Adds the samples of a column that lie in the query's view of its clock.
    ///
    /// Where the column is damaged nothing of it is added.
    /// - Parameter needsValues: False lets ones stand for plain values, which are not decoded then.
    mutating func append(
        _ index: Int, on view: PartitionClocks.View, to pieces: inout ColumnPieces, shared: ClockCache,
        needsValues: Bool = true
    ) throws(SegmentDamage) {
        let column = columns[index]
        guard let ticks = try ticks(of: column, in: view) else { return }
        let wanted = ticks.lowerBound - column.clockOffset..<ticks.upperBound - column.clockOffset
        if column.isDense, !needsValues {
            pieces.append(
                ones: wanted.count, clock: view.clock, offset: ticks.lowerBound - view.firstTick, isFromHead: false)
        } else {
            let isSound = unsafe pieces.append(
                tickCount: column.isDense ? wanted.count : column.tickCount,
                wanted: column.isDense ? 0..<wanted.count : wanted, clock: view.clock,
                offset: ticks.lowerBound - view.firstTick, isPlain: column.isDense, isFromHead: false, shared: shared
            ) { target in
                if column.isDense { return unsafe decodeDense(column, wanted, into: target) }
                if needsValues { return unsafe decode(column, into: target) }
                unsafe mark(column, into: target)
                return .unknown
            }
            guard isSound else { throw .structure("values") }
        }
        if column.hasStarts { try noteStarts(index, ticks: ticks, view: view, in: &pieces) }
    }

    /// The ticks of the file's clock that lie in a column and in the query's view of the clock; nil where there are none.
    private func ticks(
        of column: Column, in view: PartitionClocks.View
    ) throws(SegmentDamage) -> Range<Int>? {
        let columnEnd = column.clockOffset + column.tickCount
        guard columnEnd <= view.tickCount else { throw .structure("clock reference") }
        let lower = max(column.clockOffset, view.firstTick)
        let upper = min(columnEnd, view.firstTick + view.count)
        return lower < upper ? lower..<upper : nil
    }

    /// Takes the newest sample of a column that lies in the query's view of its clock, where it is newer than what is known.
    ///
    /// - Parameter needsValue: False lets one stand for a plain value.
    mutating func takeNewest(
        _ index: Int, on view: PartitionClocks.View, needsValue: Bool, into newest: inout NewestFloat
    ) throws(SegmentDamage) {
        let column = columns[index]
        guard let ticks = try ticks(of: column, in: view) else { return }
        let timestamps = view.clock.timestamps
        let last = timestamps[ticks.upperBound - 1 - view.firstTick]
        guard last > newest.timestamp else { return }
        if column.isDense {
            var value = 1.0
            let place = ticks.upperBound - 1 - column.clockOffset
            if needsValue {
                let order = unsafe decodeDense(column, place..<place + 1, into: &value)
                guard order != nil else { throw .structure("values") }
            }
            return newest.take(value, at: last)
        }
        var values = takeScratch(count: column.tickCount)
        defer { keepScratch(&values) }
        let isSound = unsafe values.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return true }
            if needsValue { return unsafe decode(column, into: start) != nil }
            unsafe mark(column, into: start)
            return true
        }
        guard isSound else { throw .structure("values") }
        guard let tick = ticks.last(where: { !SpecialValue.isAbsent(values[$0 - column.clockOffset]) }) else { return }
        newest.take(values[tick - column.clockOffset], at: timestamps[tick - view.firstTick])
    }

    /// Adds the start timestamps of those samples of a column that lie in `ticks` of the file's clock.
    private mutating func noteStarts(
        _ index: Int, ticks: Range<Int>, view: PartitionClocks.View, in pieces: inout ColumnPieces
    ) throws(SegmentDamage) {
        let starts = try startTimestamps(index)
        let offset = columns[index].clockOffset
        let values = try values(index)
        var next = 0
        var found: [Int64] = []
        var timestamps: [Int64] = []
        for (position, value) in values.enumerated() where !SpecialValue.isAbsent(value) {
            defer { next += 1 }
            guard ticks.contains(offset + position), next < starts.count else { continue }
            found.append(starts[next])
            timestamps.append(view.clock.timestamps[offset + position - view.firstTick])
        }
        pieces.note(starts: found, of: timestamps)
    }

    /// A value or a special marker for each tick of a column.
    mutating func values(_ index: Int) throws(SegmentDamage) -> [Double] {
        let column = columns[index]
        var isSound = column.tickCount == 0
        let values = unsafe [Double](unsafeUninitializedCapacity: column.tickCount) { buffer, initialized in
            guard let start = buffer.baseAddress, unsafe decode(column, into: start) != nil else { return }
            isSound = true
            initialized = column.tickCount
        }
        guard isSound else { throw .structure("values") }
        return values
    }
}
