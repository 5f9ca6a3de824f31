import MetricModel

/// Prometheus' hash of a label set, so that `limit_ratio` chooses the same series: XXH64 with seed 0 over each name and
/// value behind its length.
///
/// A length below 255 is one byte, a longer one 255 and three bytes, low byte first (Prometheus,
/// `model/labels/labels_stringlabels.go`). The hash is Y. Collet's (github.com/Cyan4973/xxHash, `doc/xxhash_spec.md`).
enum LabelHash {
    static func hash(_ labels: LabelSet) -> UInt64 {
        var bytes: [UInt8] = []
        var cursor = labels.makeCursor()
        while cursor.next() {
            append(cursor.name, to: &bytes)
            append(cursor.value, to: &bytes)
        }
        return xxh64(bytes)
    }

    private static func append(_ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        let count = text.count
        if count < 255 {
            bytes.append(UInt8(count))
        } else {
            bytes.append(255)
            for shift in [0, 8, 16] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        }
        bytes.append(contentsOf: text)
    }

    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    static func xxh64(_ bytes: [UInt8]) -> UInt64 {
        var position = 0
        var hash: UInt64
        if bytes.count >= 32 {
            var lanes: [UInt64] = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
            while position + 32 <= bytes.count {
                for lane in 0..<4 { lanes[lane] = round(lanes[lane], load64(bytes, position + 8 * lane)) }
                position += 32
            }
            hash = rotate(lanes[0], 1) &+ rotate(lanes[1], 7) &+ rotate(lanes[2], 12) &+ rotate(lanes[3], 18)
            for lane in lanes { hash = (hash ^ round(0, lane)) &* prime1 &+ prime4 }
        } else {
            hash = prime5
        }
        hash = hash &+ UInt64(bytes.count)
        while position + 8 <= bytes.count {
            hash = rotate(hash ^ round(0, load64(bytes, position)), 27) &* prime1 &+ prime4
            position += 8
        }
        if position + 4 <= bytes.count {
            let word = UInt64(load64(bytes, position, count: 4))
            hash = rotate(hash ^ (word &* prime1), 23) &* prime2 &+ prime3
            position += 4
        }
        while position < bytes.count {
            hash = rotate(hash ^ (UInt64(bytes[position]) &* prime5), 11) &* prime1
            position += 1
        }
        hash = (hash ^ (hash >> 33)) &* prime2
        hash = (hash ^ (hash >> 29)) &* prime3
        return hash ^ (hash >> 32)
    }

    private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
        rotate(lane &+ input &* prime2, 31) &* prime1
    }

    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

    private static func load64(_ bytes: [UInt8], _ position: Int, count: Int = 8) -> UInt64 {
        var result: UInt64 = 0
        for index in 0..<count { result |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        return result
    }
}
