/// Base64 of RFC 4648 with padding, for basic authorization.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = 0
            for index in 0..<3 { group = group << 8 | (index < count ? Int(bytes[start + index]) : 0) }
            for index in 0..<4 {
                let isPadding = index > count
                result.append(isPadding ? UInt8(ascii: "=") : alphabet[group >> (18 - 6 * index) & 63])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
