/// A column in the bytes that it will have in a frame: runs, start timestamps and values, one behind the other.
struct EncodedColumn {
    /// Where its bytes begin in the output that it was written to.
    var position: Int
    var runByteCount: UInt32 = 0
    var startByteCount: UInt32 = 0
    var valueByteCount: UInt32 = 0
    /// The tick of its clock that is its first.
    var firstTick: UInt32
    var tickCount: UInt32
    /// Ticks with a plain value.
    var denseCount: UInt32
    /// Ticks with anything but the absent value.
    var sampleCount: UInt32
    /// Of `ValueColumn`.
    var tag: UInt8 = 0
    /// The slice of time it lies in; for whoever cuts columns.
    var slice: UInt16 = 0
}

/// Turns the values of one series on a stretch of its clock into bytes for a frame.
///
/// It belongs to one thread.
@safe struct ColumnEncoder: ~Copyable {
    private var workspace = ValueColumn.Workspace()
    private var runs: [UInt64] = []
    private var starts: [Int64] = []

    /// Appends a column to `output`: one value or special marker per tick, and as many start timestamps or none.
    mutating func encode(
        _ values: UnsafeBufferPointer<Double>, startTimestamps: UnsafeBufferPointer<Int64>, firstTick: Int,
        into output: inout OutputBytes
    ) -> EncodedColumn {
        let count = values.count
        workspace.reserve(count)
        var column = EncodedColumn(
            position: output.count, firstTick: UInt32(firstTick), tickCount: UInt32(count), denseCount: UInt32(count),
            sampleCount: UInt32(count))
        let isPlain = unsafe TickState.areAllValues(values)
        if !isPlain {
            let denseCount = unsafe TickState.encodeRuns(
                values, dense: workspace.dense, runs: &runs, into: &output)
            column.denseCount = UInt32(denseCount)
            for run in runs where run & 3 == UInt64(TickState.absent.rawValue) {
                column.sampleCount -= UInt32(run >> 2)
            }
            column.runByteCount = UInt32(output.count - column.position)
        }
        if startTimestamps.count == count, count > 0 {
            let before = output.count
            unsafe encodeStarts(startTimestamps, values: values, into: &output)
            column.startByteCount = UInt32(output.count - before)
        }
        let before = output.count
        let dense =
            isPlain
            ? unsafe values : unsafe UnsafeBufferPointer(start: workspace.dense, count: Int(column.denseCount))
        column.tag = unsafe ValueColumn.encode(dense, workspace: &workspace, into: &output)
        column.valueByteCount = UInt32(output.count - before)
        return column
    }

    private mutating func encodeStarts(
        _ startTimestamps: UnsafeBufferPointer<Int64>, values: UnsafeBufferPointer<Double>,
        into output: inout OutputBytes
    ) {
        starts.removeAll(keepingCapacity: true)
        for index in 0..<values.count where unsafe TickState(of: values[index].bitPattern) != .absent {
            starts.append(unsafe startTimestamps[index])
        }
        let count = starts.count
        unsafe starts.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe IntegerColumn.encode(start, count: count, residuals: workspace.residuals, into: &output)
        }
    }
}
