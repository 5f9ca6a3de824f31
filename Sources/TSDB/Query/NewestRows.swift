import MetricModel
import Storage

/// Finds the newest rows of the lanes of a request, and has the bits that were copied out of them.
struct NewestRows: ~Copyable {
    /// Bits of wanted slots, lane by lane in the order of the slots, as each `NewestRow` says.
    private(set) var copied: [UInt64] = []
    private var columns = SliceColumns()
    /// What the columns take, as long as rows are looked for.
    private var columnBytes = 0
    private var meanwhile: HeldMemory

    /// What a slot takes in a list that grows by doubling.
    static let bytesPerSlot = 16

    init(beside held: borrowing HeldMemory) { meanwhile = held.beside() }

    /// The bits of a slot in a row that was found here; those of the absent value where the row has none for it.
    func bits(of slot: Int, at place: Int, in row: NewestRow) -> UInt64 {
        row.bits(of: UInt32(slot), at: UInt32(place), in: copied)
    }

    /// The newest row of a lane in the range of a request; nil where its rows are to be read as those of any range, because
    /// there is none, there may be histograms or start timestamps, or there is no room to decode one.
    ///
    /// Mostly that is the lane's newest row, whose values the writer has. Where others came behind the range or since the view
    /// was made, the rows of one slice up to it are decoded.
    mutating func find(
        in lane: Lane, slots: [Int], for view: borrowing ViewReading
    ) throws(StorageError) -> NewestRow? {
        if let row = lane.newestRow(
            seenAt: view.position, in: view.request.range, slots: slots, copyingTo: &copied)
        {
            return row
        }
        let rows = lane.rows()
        let wanted = rows.wanted(in: view.request.range, at: view.position)
        guard let last = wanted.last, rows.isPlain(at: last) else { return nil }
        let bytes = SliceColumns.byteCount(slots: slots.count, rowCount: 1)
        if bytes > columnBytes {
            guard meanwhile.takeAtOnce(bytes - columnBytes) else { return nil }
            columnBytes = bytes
        }
        columns.restart(slots: slots, rowCount: 1)
        // Who asks for no values leaves the room to those who do.
        let quota = view.request.needsValues ? view.head.columnsQuota : nil
        try rows.decode(last..<last + 1, into: &columns, keptWithin: quota)
        let row = NewestRow(timestamp: rows.clock.timestamps[last], copiedFrom: copied.count)
        copied.append(contentsOf: columns.values[..<slots.count].lazy.map(\.bitPattern))
        return row
    }
}
