import Bytes
import MetricModel
import Storage

/// Start timestamps of the rows of a slice: what a row says where it differs from the row before.
///
///     payload | histograms | starts | u32 byte count of `starts`       where flag 8 is set
///     starts: varint how many slots, then for each, ascending: varint slot - the one before, zigzag start - the one before
///
/// A key row is written against "unknown" (0) in every slot, so a slice can be read alone.
enum RowStarts {
    /// What a row has to say, empty where nothing changed; `known` follows.
    ///
    /// A slot without a sample keeps what is known of it.
    static func section(
        _ starts: [Int64], values: [Double], histograms: [SlotHistogram] = [], isKey: Bool, known: inout [Int64]
    ) -> [UInt8] {
        if isKey { for slot in known.indices { known[slot] = 0 } }
        while known.count < values.count { known.append(0) }
        // Few rows forget a start, and none needs the list else.
        lazy var histogramSlots = Set(histograms.map(\.slot))
        var bytes: [UInt8] = []
        var count: UInt64 = 0
        var lastSlot = 0
        var lastStart: Int64 = 0
        for slot in values.indices {
            let start = starts.isEmpty ? 0 : starts[slot]
            guard start != known[slot] else { continue }
            let hasNoFloat = SpecialValue.isAbsent(values[slot]) || SpecialValue.isStale(values[slot])
            if start == 0, hasNoFloat, !histogramSlots.contains(slot) { continue }
            VarInt.append(UInt64(slot - lastSlot), to: &bytes)
            VarInt.appendZigzag(start &- lastStart, to: &bytes)
            (lastSlot, lastStart) = (slot, start)
            known[slot] = start
            count += 1
        }
        guard count > 0 else { return [] }
        var section: [UInt8] = []
        VarInt.append(count, to: &section)
        section += bytes
        let length = UInt32(section.count)
        for index in 0..<4 { section.append(UInt8(truncatingIfNeeded: length >> UInt32(8 * index))) }
        return section
    }

    /// A row without its starts.
    static func rest(of row: UnsafeRawBufferPointer, header: RowHeader) -> UnsafeRawBufferPointer? {
        guard header.hasStarts else { return unsafe row }
        guard row.count >= 4 else { return nil }
        let length = Int(UInt32(littleEndian: unsafe row.loadUnaligned(fromByteOffset: row.count - 4, as: UInt32.self)))
        guard length <= row.count - 4 else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: row[..<(row.count - 4 - length)])
    }

    /// Calls `body` with each change of a row; false where its bytes are damaged.
    static func forEach(
        in row: UnsafeRawBufferPointer, header: RowHeader, _ body: (_ slot: Int, _ start: Int64) -> Void
    ) -> Bool {
        guard let rest = unsafe rest(of: row, header: header) else { return false }
        let section = unsafe UnsafeRawBufferPointer(rebasing: row[rest.count..<(row.count - 4)])
        var offset = 0
        guard let count = unsafe VarInt.read(section, at: &offset), count <= UInt64(RowFormat.slotLimit) else {
            return false
        }
        var slot: UInt64 = 0
        var start: Int64 = 0
        for _ in 0..<count {
            guard let gap = unsafe VarInt.read(section, at: &offset), gap <= UInt64(RowFormat.slotLimit),
                let difference = unsafe VarInt.readZigzag(section, at: &offset)
            else { return false }
            slot += gap
            start &+= difference
            guard slot < UInt64(header.slotCount) else { return false }
            body(Int(slot), start)
        }
        return true
    }
}

/// Start timestamps of all slots over the wanted rows of several slices, as runs.
struct StartRuns: Sendable {
    private var runs: [Int: [(row: Int, start: Int64)]] = [:]
    private var rowCount = 0

    var isEmpty: Bool { runs.isEmpty }

    /// Adds the wanted rows of a slice behind those before; false where bytes are damaged.
    mutating func append(_ slice: Slice, rows: Range<Int>) -> Bool {
        defer { rowCount += rows.count }
        // What the slice before said holds no longer: this one's key row says all.
        var current: [Int: Int64] = [:]
        for (slot, known) in runs where known.last?.start != 0 { current[slot] = 0 }
        var isSound = true
        unsafe slice.forEachRow(first: rows.upperBound) { index, row in
            if let header = unsafe RowHeader(row), header.hasStarts {
                isSound = unsafe RowStarts.forEach(in: row, header: header) { current[$0] = $1 }
            }
            if isSound, index >= rows.lowerBound, !current.isEmpty {
                for (slot, start) in current { note(start, slot: slot, row: rowCount + index - rows.lowerBound) }
                current.removeAll(keepingCapacity: true)
            }
            return isSound
        }
        return isSound
    }

    private mutating func note(_ start: Int64, slot: Int, row: Int) {
        guard (runs[slot]?.last?.start ?? 0) != start else { return }
        runs[slot, default: []].append((row, start))
    }

    /// The start of a slot's sample in a row, 0 where it is unknown.
    func start(slot: Int, row: Int) -> Int64 { runs[slot]?.last { $0.row <= row }?.start ?? 0 }

    /// The starts of a slot in rows one after the other; empty where none is known.
    func starts(slot: Int, rows: Range<Int>) -> [Int64] {
        guard let own = runs[slot] else { return [] }
        var result = [Int64](repeating: 0, count: rows.count)
        for (index, run) in own.enumerated() {
            let end = index + 1 < own.count ? own[index + 1].row : rows.upperBound
            let covered = max(run.row, rows.lowerBound)..<max(max(run.row, rows.lowerBound), min(end, rows.upperBound))
            for row in covered { result[row - rows.lowerBound] = run.start }
        }
        return result
    }
}
