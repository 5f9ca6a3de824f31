import Bytes
import MetricModel
import Storage

/// Exemplars as one blob of `state.sqlite`, in the order in which they came, under the cover of `SealedBlob`.
///
///     count of label sets | length, bytes as in `LabelSet`, of each
///     count of exemplars  | series, labels (numbers of label sets), time (zigzag, from the one before), value (8 bytes)
///
/// Numbers without a width are LEB128.
enum ExemplarBlob {
    static func seal(_ exemplars: [SeriesExemplar]) throws(StorageError) -> [UInt8] {
        var numbers: [LabelSet: UInt64] = [:]
        var sets: [LabelSet] = []
        func number(of labels: LabelSet) -> UInt64 {
            if let known = numbers[labels] { return known }
            numbers[labels] = UInt64(sets.count)
            sets.append(labels)
            return UInt64(sets.count - 1)
        }
        var entries: [UInt8] = []
        VarInt.append(UInt64(exemplars.count), to: &entries)
        var before: Int64 = 0
        for entry in exemplars {
            VarInt.append(number(of: entry.labels), to: &entries)
            VarInt.append(number(of: entry.exemplar.labels), to: &entries)
            VarInt.appendZigzag(entry.timestamp &- before, to: &entries)
            before = entry.timestamp
            for shift in stride(from: 0, to: 64, by: 8) {
                entries.append(UInt8(truncatingIfNeeded: entry.exemplar.value.bitPattern >> UInt64(shift)))
            }
        }
        var content: [UInt8] = []
        VarInt.append(UInt64(sets.count), to: &content)
        for labels in sets {
            VarInt.append(UInt64(labels.encoded.count), to: &content)
            content += labels.encoded
        }
        return try SealedBlob.seal(content + entries, compresses: true)
    }

    static func open(_ blob: UnsafeRawBufferPointer) throws(SegmentDamage) -> [SeriesExemplar] {
        let content = unsafe try SealedBlob.open(blob)
        var offset = 0
        func number() throws(SegmentDamage) -> UInt64 {
            guard let number = VarInt.read(content, at: &offset) else { throw .structure("exemplars") }
            return number
        }
        var sets: [LabelSet] = []
        for _ in 0..<(try number()) {
            let length = try number()
            guard length <= UInt64(content.count - offset) else { throw .structure("exemplar labels") }
            let bytes = Array(content[offset..<offset + Int(length)])
            guard LabelSet.isEncoding(bytes) else { throw .structure("exemplar labels") }
            sets.append(LabelSet(encoded: bytes))
            offset += Int(length)
        }
        var exemplars: [SeriesExemplar] = []
        var timestamp: Int64 = 0
        for _ in 0..<(try number()) {
            let series = try number()
            let labels = try number()
            guard series < UInt64(sets.count), labels < UInt64(sets.count) else { throw .structure("exemplar series") }
            timestamp &+= VarInt.unzigzag(try number())
            guard content.count - offset >= 8 else { throw .structure("exemplar value") }
            var bits: UInt64 = 0
            for index in 0..<8 { bits |= UInt64(content[offset + index]) << UInt64(index * 8) }
            offset += 8
            let exemplar = Exemplar(
                labels: sets[Int(labels)], value: Double(bitPattern: bits), timestampMilliseconds: timestamp)
            exemplars.append(
                SeriesExemplar(labels: sets[Int(series)], exemplar: exemplar, timestamp: timestamp))
        }
        return exemplars
    }
}

extension LabelSet {
    /// Whether bytes from outside are in the layout of a label set: sorted, complete, nothing behind.
    static func isEncoding(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        var before: ArraySlice<UInt8>?
        while offset < bytes.count {
            var texts: [ArraySlice<UInt8>] = []
            for _ in 0..<2 {
                guard let length = VarInt.read(bytes, at: &offset), length <= UInt64(bytes.count - offset) else {
                    return false
                }
                texts.append(bytes[offset..<offset + Int(length)])
                offset += Int(length)
            }
            if let before, !before.lexicographicallyPrecedes(texts[0]) { return false }
            before = texts[0]
        }
        return true
    }
}
