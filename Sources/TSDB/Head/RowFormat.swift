/// A row: one scrape of one source, as it stands in memory and in the journal.
///
///     +---------------+-------------------------+----------------+
///     | u32 byteCount | u24 slotCount, u8 flags | i64 timestamp  |
///     +---------------+-------------------------+----------------+
///     | u64 per 64 slots: which of them changed since the row before       |
///     | u16 or u32 per 64 slots: where their values start in the payload   |
///     | payload: the changed values in order of slot (`ValueCodec`)        |
///     | histograms, where flag 2 is set: bytes, then for each              |
///     |   (u32 slot, u32 offset, u32 byteCount), then u32 how many         |
///     | start timestamps, where flag 8 is set (`RowStarts`)                |
///     +--------------------------------------------------------------------+
///
/// All numbers are little endian; `byteCount` counts the whole row. The first row of a slice is a key row (flag 1): it is
/// written against "no sample, no decimals" in every slot. A slot behind `slotCount` had no sample.
enum RowFormat {
    static let headerByteCount = 16
    static let slotLimit = 1 << 24
    static let keyFlag: UInt8 = 1
    static let histogramFlag: UInt8 = 2
    static let wideFlag: UInt8 = 4
    static let startFlag: UInt8 = 8
    static let histogramEntryByteCount = 12
    /// Up to here a payload stays below 64 KB whatever the values are.
    static let narrowSlotLimit = 65535 / ValueCodec.maximumByteCount

    static func pageCount(slots: Int) -> Int { (slots + 63) >> 6 }

    /// Bytes that a row without histograms can take at most.
    static func maximumByteCount(slots: Int) -> Int {
        headerByteCount + pageCount(slots: slots) * 12 + slots * ValueCodec.maximumByteCount + 8
    }
}

/// The fields of a row's head, checked against the bytes that are there.
@safe struct RowHeader {
    let byteCount: Int
    let slotCount: Int
    let flags: UInt8
    let timestamp: Int64

    /// Nil where the bytes cannot be a row.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= RowFormat.headerByteCount else { return nil }
        byteCount = Int(UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)))
        let slotsAndFlags = UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        slotCount = Int(slotsAndFlags & 0xff_ffff)
        flags = UInt8(slotsAndFlags >> 24)
        timestamp = Int64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self))
        guard byteCount <= bytes.count, byteCount >= payloadStart else { return nil }
    }

    var isKey: Bool { flags & RowFormat.keyFlag != 0 }
    var hasHistograms: Bool { flags & RowFormat.histogramFlag != 0 }
    var hasStarts: Bool { flags & RowFormat.startFlag != 0 }
    var isWide: Bool { flags & RowFormat.wideFlag != 0 }
    var pageCount: Int { RowFormat.pageCount(slots: slotCount) }
    var payloadStart: Int { RowFormat.headerByteCount + pageCount * (isWide ? 12 : 10) }
}

/// Memory in which one row is put together; taken from a pool, so that sources do not hold one each.
///
/// One append at a time owns it; the pool hands it over under its lock.
@safe final class RowScratch: @unchecked Sendable {  // protected by its owner, see above
    private(set) var capacity = 0
    private(set) var memory: UnsafeMutableRawPointer

    init() { unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8) }
    deinit { unsafe memory.deallocate() }

    /// Makes room; what was there is lost.
    func reserve(_ byteCount: Int) {
        guard byteCount > capacity else { return }
        unsafe memory.deallocate()
        capacity = byteCount + byteCount / 2
        unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    }
}
