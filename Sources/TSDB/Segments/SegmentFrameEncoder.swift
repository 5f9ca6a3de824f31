import Glibc

/// Writes the columns of up to 128 neighbouring series as one run of bytes for zstd.
///
///     varint   number of columns
///     varint   the clock offset that most columns have
///     varint   the tick count that most columns have
///     bytes    one shape per column:
///                bit 0     the series is not the one after that of the column before
///                bit 1, 2  clock: 0 the one after that of the column before, 1 the same, 2 another
///                bit 3     the clock offset is not the common one
///                bit 4     the tick count is not the common one
///                bit 5     there are runs: not every tick has a value (`TickState`)
///                bit 6     there are start timestamps
///     bytes    one tag per column (`ValueColumn`)
///     details  for each column, what its shape announces, in this order:
///                varint    series - series of the column before (the first: - first series of the frame)
///                zigzag    clock - clock of the column before (the first: - 0)
///                zigzag    clock offset - common clock offset
///                zigzag    tick count - common tick count
///                runs      as `TickState` draws them
///                varint    bytes of the start timestamps
///                varint    bytes of the values, unless the tag has no payload
///     payload  for each column: start timestamps (`IntegerColumn`, one per sample), values
///
/// In a usual frame all shapes are zero, so zstd makes next to nothing of them.
@safe struct SegmentFrameEncoder: ~Copyable {
    private struct Column {
        var series: UInt32
        var clock: UInt32
        var clockOffset: Int
        var tickCount: Int
        var tag: UInt8
        var runs: Range<Int>
        var startBytes: Int
        var valueBytes: Int
    }

    static let noSeriesStep: UInt8 = 1
    static let sameClock: UInt8 = 1 << 1
    static let otherClock: UInt8 = 2 << 1
    static let clockMask: UInt8 = 3 << 1
    static let ownOffset: UInt8 = 1 << 3
    static let ownCount: UInt8 = 1 << 4
    static let hasRuns: UInt8 = 1 << 5
    static let hasStarts: UInt8 = 1 << 6

    private var columns: [Column] = []
    private var columnEncoder = ColumnEncoder()
    private var scratch = OutputBytes()
    private var runBytes = OutputBytes()
    private var payload = OutputBytes(capacity: 64 << 10)
    private var frame = OutputBytes(capacity: 64 << 10)
    /// The values of the column before that has some of its own, as they stand in `payload`.
    private var previousValues = 0..<0
    private var previousTag: UInt8 = 0
    private var previousDenseCount: UInt32 = 0

    var columnCount: Int { columns.count }

    /// Starts a new frame.
    mutating func removeAll() {
        columns.removeAll(keepingCapacity: true)
        runBytes.removeAll()
        payload.removeAll()
        previousDenseCount = 0
    }

    /// Adds a column: one value or special marker per tick, and as many start timestamps or none.
    mutating func add(
        series: UInt32, clock: UInt32, clockOffset: Int, values: UnsafeBufferPointer<Double>,
        startTimestamps: UnsafeBufferPointer<Int64>
    ) {
        scratch.removeAll()
        let column = unsafe columnEncoder.encode(
            values, startTimestamps: startTimestamps, firstTick: clockOffset, into: &scratch)
        unsafe add(series: series, clock: clock, column: column, of: scratch.bytes)
    }

    /// Adds a column that is encoded already; its bytes stand in `bytes`.
    ///
    /// Columns come in order of series, then of clock offset or clock.
    mutating func add(series: UInt32, clock: UInt32, column: EncodedColumn, of bytes: UnsafeRawBufferPointer) {
        let starts = column.position + Int(column.runByteCount)
        let values = starts + Int(column.startByteCount)
        let end = values + Int(column.valueByteCount)
        let runStart = runBytes.count
        unsafe runBytes.append(UnsafeRawBufferPointer(rebasing: bytes[column.position..<starts]))
        unsafe payload.append(UnsafeRawBufferPointer(rebasing: bytes[starts..<values]))
        var added = Column(
            series: series, clock: clock, clockOffset: Int(column.firstTick), tickCount: Int(column.tickCount),
            tag: column.tag, runs: runStart..<runBytes.count, startBytes: Int(column.startByteCount), valueBytes: 0)
        let content = unsafe UnsafeRawBufferPointer(rebasing: bytes[values..<end])
        if unsafe isPrevious(column, content) {
            added.tag = ValueColumn.tag(.sameAsPrevious)
        } else {
            previousValues = payload.count..<payload.count + content.count
            previousTag = column.tag
            previousDenseCount = column.denseCount
            added.valueBytes = content.count
            unsafe payload.append(content)
        }
        columns.append(added)
    }

    /// Whether a column has the values of the one before: what is written is the same exactly where the bits are.
    private func isPrevious(_ column: EncodedColumn, _ content: UnsafeRawBufferPointer) -> Bool {
        guard column.denseCount > 0, column.denseCount == previousDenseCount, column.tag == previousTag,
            content.count == previousValues.count
        else { return false }
        let previous = unsafe UnsafeRawBufferPointer(rebasing: payload.bytes[previousValues])
        guard let left = previous.baseAddress, let right = content.baseAddress else { return true }
        return unsafe memcmp(left, right, content.count) == 0
    }

    /// Lends the finished frame, not compressed; `firstSeries` is the one that the reader will know.
    mutating func finish(firstSeries: UInt32) -> UnsafeRawBufferPointer {
        let commonOffset = majority(\.clockOffset)
        let commonCount = majority(\.tickCount)
        frame.removeAll()
        frame.append(varint: UInt64(columns.count))
        frame.append(varint: UInt64(commonOffset))
        frame.append(varint: UInt64(commonCount))
        var previous = (series: Int64(firstSeries) - 1, clock: Int64(-1))
        for column in columns {
            frame.append(shape(of: column, previous: previous, commonOffset: commonOffset, commonCount: commonCount))
            previous = (Int64(column.series), Int64(column.clock))
        }
        for column in columns { frame.append(column.tag) }
        previous = (Int64(firstSeries) - 1, -1)
        for column in columns {
            let shape = shape(of: column, previous: previous, commonOffset: commonOffset, commonCount: commonCount)
            if shape & Self.noSeriesStep != 0 { frame.append(varint: UInt64(Int64(column.series) - previous.series)) }
            if shape & Self.clockMask == Self.otherClock { frame.append(zigzag: Int64(column.clock) - previous.clock) }
            if shape & Self.ownOffset != 0 { frame.append(zigzag: Int64(column.clockOffset - commonOffset)) }
            if shape & Self.ownCount != 0 { frame.append(zigzag: Int64(column.tickCount - commonCount)) }
            if shape & Self.hasRuns != 0 {
                unsafe frame.append(UnsafeRawBufferPointer(rebasing: runBytes.bytes[column.runs]))
            }
            if shape & Self.hasStarts != 0 { frame.append(varint: UInt64(column.startBytes)) }
            if SegmentFrameEncoder.hasPayload(tag: column.tag) { frame.append(varint: UInt64(column.valueBytes)) }
            previous = (Int64(column.series), Int64(column.clock))
        }
        unsafe frame.append(payload.bytes)
        return unsafe frame.bytes
    }

    static func hasPayload(tag: UInt8) -> Bool {
        tag != ValueColumn.tag(.sameAsPrevious) && tag != ValueColumn.tag(.empty)
    }

    private func shape(
        of column: Column, previous: (series: Int64, clock: Int64), commonOffset: Int, commonCount: Int
    ) -> UInt8 {
        var shape: UInt8 = 0
        if Int64(column.series) != previous.series + 1 { shape |= Self.noSeriesStep }
        if Int64(column.clock) == previous.clock {
            shape |= Self.sameClock
        } else if Int64(column.clock) != previous.clock + 1 {
            shape |= Self.otherClock
        }
        if column.clockOffset != commonOffset { shape |= Self.ownOffset }
        if column.tickCount != commonCount { shape |= Self.ownCount }
        if !column.runs.isEmpty { shape |= Self.hasRuns }
        if column.startBytes > 0 { shape |= Self.hasStarts }
        return shape
    }

    /// The value that more than half of the columns have, or any where there is none (Boyer and Moore 1981).
    private func majority(_ value: (Column) -> Int) -> Int {
        var candidate = 0
        var weight = 0
        for column in columns {
            let found = value(column)
            if weight == 0 {
                candidate = found
                weight = 1
            } else {
                weight += found == candidate ? 1 : -1
            }
        }
        return candidate
    }
}
