import MetricModel
import Storage

/// Finds the newest rows of the lanes of a selection, and has the bits that were copied out of them.
struct NewestRows {
    /// Bits of few slots, lane by lane; nil where a row's bits always stand alone.
    private(set) var copied: [UInt64]?
    private var columns = SliceColumns()
    private var columnBytes = 0

    /// - Parameter copies: False where whoever reads a row does not know the places of its slots among those wanted.
    init(copies: Bool) { copied = copies ? [] : nil }

    /// The bits of a slot in a row that was found here; those of the absent value where the row has none for it.
    func bits(of slot: Int, at place: Int, in row: NewestRow) -> UInt64 {
        row.bits(of: slot, at: place, in: copied ?? [])
    }

    /// The newest row of a lane in the range of a request, nil where it has none or may have histograms or start timestamps.
    ///
    /// Mostly that is the lane's newest row, whose values the writer has. Where others came behind the range or since the view
    /// was made, the rows of one slice up to it are decoded.
    mutating func find(
        in lane: Lane, slots: [Int], for view: borrowing ViewReading, _ held: inout HeldMemory
    ) throws(StorageError) -> NewestRow? {
        let position = view.position
        let newest = lane.newestRow(
            sequence: position.sequence, epoch: position.epoch, slots: slots, copyingTo: &copied)
        if let newest, view.request.range.contains(Timestamp(milliseconds: newest.timestamp)) {
            if newest.sharedByteCount > 0 { try held.take(newest.sharedByteCount) }
            return newest
        }
        let rows = lane.rows()
        let wanted = rows.wanted(in: view.request.range, at: position)
        guard let last = wanted.last, rows.isPlain(at: last) else { return nil }
        let bytes = SliceColumns.byteCount(slots: slots.count, rowCount: 1)
        try held.take(max(0, bytes - columnBytes))
        columnBytes = max(columnBytes, bytes)
        columns.restart(slots: slots, rowCount: 1)
        guard rows.decode(last..<last + 1, into: &columns, keptWithin: view.head.columnsQuota) else {
            throw .corrupt(path: "memory", what: "a row of the head cannot be decoded")
        }
        return try take(timestamp: rows.clock.timestamps[last], slots, &held)
    }

    /// Makes a row of what was decoded.
    private mutating func take(
        timestamp: Int64, _ slots: [Int], _ held: inout HeldMemory
    ) throws(StorageError) -> NewestRow {
        if let start = copied?.count {
            copied?.append(contentsOf: columns.values[..<slots.count].lazy.map(\.bitPattern))
            return NewestRow(timestamp: timestamp, copiedFrom: start)
        }
        var bits = [UInt64](repeating: SpecialValue.absentBits, count: 1 + (slots.last ?? -1))
        for (place, slot) in slots.enumerated() { bits[slot] = columns.values[place].bitPattern }
        let row = NewestRow(timestamp: timestamp, bits: bits)
        try held.take(row.sharedByteCount)
        return row
    }
}
