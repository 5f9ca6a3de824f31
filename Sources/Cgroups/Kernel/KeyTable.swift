/// Finds the column for a key of a flat keyed file (`memory.stat`, `cpu.stat`, ...), by the key's 64-bit hash.
///
/// The hash is computed while the key's end is looked for, so a line costs one pass over its bytes. Two keys of one
/// hash are not told apart; the keys are the kernel's, and the tests hold that ours do not collide.
struct KeyTable {
    struct Entry {
        var hash: UInt64
        var field: Field
        var multiplier: UInt64
    }

    private static let bucketCount = 128
    private var buckets: [Entry]
    /// All fields that the file can give.
    let fields: FieldSet

    /// A table of keys, their fields, and the factor that brings the file's unit to the field's.
    init(_ keys: [(String, Field, UInt64)]) {
        let vacant = Entry(hash: 0, field: .lastSeen, multiplier: 0)
        var filled = [Entry](repeating: vacant, count: Self.bucketCount)
        for (key, field, multiplier) in keys {
            var hash = Self.seed
            for byte in key.utf8 { hash = Self.mix(hash, byte) }
            var bucket = Int(truncatingIfNeeded: hash >> 32) & (Self.bucketCount - 1)
            while filled[bucket].hash != 0 { bucket = (bucket + 1) & (Self.bucketCount - 1) }
            filled[bucket] = Entry(hash: hash, field: field, multiplier: multiplier)
        }
        buckets = filled
        fields = FieldSet(keys.map { $0.1 })
    }

    /// Puts the numbers of all known keys into the row that begins at index `row` and says which fields were there.
    ///
    /// Lines that are not `key number` are passed over, as are unknown keys; known keys whose number does not fit 64
    /// bits in the field's unit are counted as malformed and left out.
    func parse(
        _ bytes: Span<UInt8>, into values: inout [UInt64], at row: Int, malformed: inout UInt64
    ) -> FieldSet {
        var found = FieldSet(rawValue: 0)
        var position = 0
        while position < bytes.count {
            var hash = Self.seed
            while position < bytes.count {
                let byte = bytes[position]
                if byte <= KernelText.space { break }
                hash = Self.mix(hash, byte)
                position &+= 1
            }
            guard position < bytes.count else { break }
            if bytes[position] == KernelText.space {
                position &+= 1
                if let entry = entry(for: hash) {
                    let number = KernelText.number(bytes, at: &position)?
                        .multipliedReportingOverflow(by: entry.multiplier)
                    if let number, !number.overflow {
                        values[row + Int(entry.field.rawValue)] = number.partialValue
                        found.formUnion(entry.field.bit)
                    } else {
                        malformed &+= 1
                    }
                }
            }
            KernelText.skipLine(bytes, at: &position)
        }
        return found
    }

    private func entry(for hash: UInt64) -> Entry? {
        var bucket = Int(truncatingIfNeeded: hash >> 32) & (Self.bucketCount - 1)
        while buckets[bucket].hash != 0 {
            if buckets[bucket].hash == hash { return buckets[bucket] }
            bucket = (bucket + 1) & (Self.bucketCount - 1)
        }
        return nil
    }

    /// FNV-1a with 64 bits begins with this number.
    ///
    /// See http://www.isthe.com/chongo/tech/comp/fnv/.
    private static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    private static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
}
