import Bytes
import MetricModel

/// The records of a journal blob, one after the other.
///
///     blob:   u32 'LWJ' + format version, u32 CRC-32C of all that follows, records
///     record: u8 kind, varint byte count of the body, body
///
///     lane    (definitions)  varint lane, u8 0 rows or 1 loose, name in UTF-8
///     slots   (definitions)  varint lane, varint first slot, series without tags (`SlotDefinition`): of earlier versions
///     row     (batches)      varint lane, varint index of the row in its slice, row (`RowFormat`)
///     loose   (batches)      varint lane, varint generation, then until the end: varint slot,
///                            varint samples in the stream before, varint byte count, bytes (`LooseStream`)
///     runs    (batches)      varint lane, varint generation, then runs of slots until the end (`LooseRuns`)
///     cut     (batches)      0, 0: all lanes ended their slices here, streams begin anew
///     series  (definitions)  varint lane, varint first slot, series with tags (`SlotDefinition`)
///
/// The index of a row and the samples before show where something is missing: values are differences, and a gap must
/// not turn into wrong numbers.
enum JournalRecord {
    enum Kind: UInt8 { case lane = 1, slots, row, loose, runs, cut, series }

    static let formatVersion: UInt8 = 1
    static let headerByteCount = 8
    private static let magic: [UInt8] = [UInt8(ascii: "L"), UInt8(ascii: "W"), UInt8(ascii: "J"), formatVersion]

    /// What stands at the start of a blob before its records are added.
    static let emptyHeader: [UInt8] = magic + [0, 0, 0, 0]

    /// Fills in the checksum of a finished blob.
    static func seal(_ blob: inout [UInt8]) {
        let checksum = unsafe blob.withUnsafeBytes { bytes in
            unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[headerByteCount...]))
        }
        for index in 0..<4 { blob[4 + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index)) }
    }

    /// Nil for a sound blob, otherwise what is wrong with it.
    static func fault(in blob: UnsafeRawBufferPointer) -> String? {
        guard blob.count >= headerByteCount else { return "\(blob.count) bytes, too short for a header" }
        for index in 0..<3 where unsafe blob[index] != magic[index] { return "no journal blob" }
        guard unsafe blob[3] == formatVersion else {
            return unsafe "format version \(blob[3]), this program reads \(formatVersion)"
        }
        let stored = UInt32(littleEndian: unsafe blob.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let computed = unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: blob[headerByteCount...]))
        return stored == computed
            ? nil : "checksum \(String(computed, radix: 16)) instead of \(String(stored, radix: 16))"
    }

    /// Appends a record whose body is made of numbers and bytes.
    static func append(
        _ kind: Kind, numbers first: UInt64, _ second: UInt64, bytes: UnsafeRawBufferPointer, to blob: inout [UInt8]
    ) {
        blob.append(kind.rawValue)
        let byteCount = VarInt.byteCount(first) + VarInt.byteCount(second) + bytes.count
        VarInt.append(UInt64(byteCount), to: &blob)
        VarInt.append(first, to: &blob)
        VarInt.append(second, to: &blob)
        unsafe blob.append(contentsOf: bytes)
    }

    /// Calls `body` with kind and content of each record; false where the blob ends inside one.
    static func forEach(
        in blob: UnsafeRawBufferPointer, _ body: (Kind, UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var offset = headerByteCount
        while offset < blob.count {
            guard let kind = unsafe Kind(rawValue: blob[offset]) else { return false }
            offset += 1
            guard let count = unsafe VarInt.read(blob, at: &offset), count <= UInt64(blob.count - offset) else {
                return false
            }
            let end = offset + Int(count)
            unsafe body(kind, UnsafeRawBufferPointer(rebasing: blob[offset..<end]))
            offset = end
        }
        return true
    }

    /// The two numbers that a record's content begins with, the first that of its lane, and what follows them; nil where they
    /// are not whole.
    static func parts(
        of body: UnsafeRawBufferPointer
    ) -> (lane: UInt32, second: UInt64, rest: UnsafeRawBufferPointer)? {
        var offset = 0
        guard let lane = unsafe VarInt.read(body, at: &offset), let second = unsafe VarInt.read(body, at: &offset),
            let number = UInt32(exactly: lane)
        else { return nil }
        return unsafe (number, second, UnsafeRawBufferPointer(rebasing: body[offset...]))
    }
}
