/// Names and values as bytes for a column of a database, checked when they are read back.
///
/// For each pair, in order of name: LEB128 length, name, LEB128 length, value.
package enum PairsBlob {
    package static func encode(_ pairs: some Sequence<(name: String, value: String)>) -> [UInt8] {
        var bytes: [UInt8] = []
        for pair in pairs.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            append(pair.name, to: &bytes)
            append(pair.value, to: &bytes)
        }
        return bytes
    }

    package static func encode(_ values: [String: String]) -> [UInt8] {
        encode(values.map { (name: $0.key, value: $0.value) })
    }

    /// Nil where the bytes are not what `encode` writes.
    package static func decode(_ bytes: [UInt8]) -> [String: String]? {
        var result: [String: String] = [:]
        var position = 0
        while position < bytes.count {
            guard let name = take(bytes, &position), let value = take(bytes, &position) else { return nil }
            result[name] = value
        }
        return result
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        var length = text.utf8.count
        while length >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        bytes.append(UInt8(length))
        bytes.append(contentsOf: text.utf8)
    }

    private static func take(_ bytes: [UInt8], _ position: inout Int) -> String? {
        var length = 0
        var shift = 0
        while true {
            guard position < bytes.count, shift < 35 else { return nil }
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        guard length <= bytes.count - position else { return nil }
        defer { position += length }
        return String(decoding: bytes[position..<position + length], as: UTF8.self)
    }
}
