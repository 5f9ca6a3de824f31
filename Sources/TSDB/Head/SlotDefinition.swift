import Bytes
import MetricModel

/// The journal's record of which series stand in which slots of a lane: the label pairs once, then the series as their
/// indexes.
///
///     varint pair count, each: varint byte count, pair as in a `LabelSet`
///     varint series count
///     u32 for each series: its tag (`SeriesTable.tag`); not in records of earlier versions, which compute it
///     for each series: varint label count, each: varint index of the pair
///
/// The tags save a start most of its work: no label set is put together again to be hashed. One reader is used for all
/// records of a journal, so that its arrays are made once.
struct SlotDefinition {
    /// The numbers that the table gave the pairs of the record.
    private var pairs: [UInt32] = []
    private var tags: [UInt32] = []
    private var labelCounts: [UInt32] = []
    private var labels: [UInt32] = []
    /// The pair that stood behind each pair the last time: lanes of targets of one kind have the same pairs in the same
    /// order, and comparing bytes takes a third of looking them up.
    private var followers: [UInt32?] = []

    /// The body of a record.
    static func body(of numbers: [UInt32], in table: borrowing SeriesTable) -> [UInt8] {
        var localIndex: [UInt32: UInt64] = [:]
        var pairs: [UInt8] = []
        var sets: [UInt8] = []
        var tags: [UInt8] = []
        tags.reserveCapacity(numbers.count * 4)
        for number in numbers {
            let labelPairs = table.labelPairs(of: number)
            let tag = table.tag(ofPairs: labelPairs)
            for shift in 0..<4 { tags.append(UInt8(truncatingIfNeeded: tag >> UInt32(8 * shift))) }
            VarInt.append(UInt64(labelPairs.count), to: &sets)
            for pair in labelPairs {
                if let known = localIndex[pair] {
                    VarInt.append(known, to: &sets)
                    continue
                }
                let bytes = table.pairs.bytes(of: pair)
                let index = UInt64(localIndex.count)
                localIndex[pair] = index
                VarInt.append(UInt64(bytes.count), to: &pairs)
                pairs.append(contentsOf: bytes)
                VarInt.append(index, to: &sets)
            }
        }
        var body: [UInt8] = []
        body.reserveCapacity(pairs.count + tags.count + sets.count + 20)
        VarInt.append(UInt64(localIndex.count), to: &body)
        body += pairs
        VarInt.append(UInt64(numbers.count), to: &body)
        body += tags
        body += sets
        return body
    }

    /// Reads a body and puts its series into a table; their numbers, nil where the bytes are no record.
    ///
    /// - Parameter hasTags: False for a record of an earlier version.
    mutating func read(_ body: UnsafeRawBufferPointer, hasTags: Bool, into table: inout SeriesTable) -> [UInt32]? {
        var offset = 0
        guard unsafe readPairs(body, at: &offset, into: &table),
            let count = unsafe VarInt.read(body, at: &offset), count <= UInt64(body.count)
        else { return nil }
        let tagStart = offset
        if hasTags {
            guard count * 4 <= UInt64(body.count - offset) else { return nil }
            offset += Int(count) * 4
        }
        guard unsafe readSets(body, at: offset, count: Int(count)) else { return nil }
        tags.removeAll(keepingCapacity: true)
        if hasTags {
            for place in 0..<Int(count) {
                let tag = unsafe body.loadUnaligned(fromByteOffset: tagStart + place * 4, as: UInt32.self)
                tags.append(UInt32(littleEndian: tag))
            }
        } else {
            var start = 0
            for count in labelCounts {
                tags.append(table.tag(ofPairs: labels[start..<start + Int(count)]))
                start += Int(count)
            }
        }
        return table.restore(tags: tags, labelCounts: labelCounts, labels: labels)
    }

    private mutating func readPairs(
        _ body: UnsafeRawBufferPointer, at offset: inout Int, into table: inout SeriesTable
    ) -> Bool {
        guard let count = unsafe VarInt.read(body, at: &offset), count <= UInt64(body.count) else { return false }
        pairs.removeAll(keepingCapacity: true)
        for _ in 0..<count {
            guard let byteCount = unsafe VarInt.read(body, at: &offset), byteCount <= UInt64(body.count - offset)
            else { return false }
            let end = offset + Int(byteCount)
            let guess = pairs.last.flatMap { followers[Int($0)] }
            guard
                let number = unsafe table.restorePair(
                    UnsafeRawBufferPointer(rebasing: body[offset..<end]), guess: guess)
            else { return false }
            if number != guess, let last = pairs.last { followers[Int(last)] = number }
            while followers.count <= Int(number) { followers.append(nil) }
            pairs.append(number)
            offset = end
        }
        return true
    }

    private mutating func readSets(_ body: UnsafeRawBufferPointer, at start: Int, count: Int) -> Bool {
        var offset = start
        labelCounts.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
        // Each takes a byte at least.
        labelCounts.reserveCapacity(count)
        labels.reserveCapacity(body.count - start)
        for _ in 0..<count {
            guard let labelCount = unsafe Self.number(body, at: &offset), Int(labelCount) <= body.count - offset else {
                return false
            }
            labelCounts.append(labelCount)
            for _ in 0..<labelCount {
                guard let pair = unsafe Self.number(body, at: &offset), Int(pair) < pairs.count else { return false }
                labels.append(pairs[Int(pair)])
            }
        }
        return true
    }

    /// A varint below 2^31; nearly all take one byte or two.
    @inline(__always)
    private static func number(_ body: UnsafeRawBufferPointer, at offset: inout Int) -> UInt32? {
        if offset &+ 1 < body.count {
            let first = unsafe UInt32(body[offset])
            if first < 0x80 {
                offset &+= 1
                return first
            }
            let second = unsafe UInt32(body[offset &+ 1])
            if second < 0x80 {
                offset &+= 2
                return first & 0x7f | second &<< 7
            }
        }
        return unsafe VarInt.read(body, at: &offset).flatMap { UInt32(exactly: $0) }
    }
}
