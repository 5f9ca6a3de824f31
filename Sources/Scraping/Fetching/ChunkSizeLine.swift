/// The line before the data of a chunk, `1f4;name=value`, read byte by byte (RFC 9112, 7.1): a target that packs its page
/// sends a handful of chunks a scrape, so nothing is kept of the line but its number.
struct ChunkSizeLine: Sendable {
    /// The size and its extensions.
    private static let limitBytes = 1024
    private static let digitLimit = 15

    private var size = 0
    private var digitCount = 0
    private var byteCount = 0
    private var isBehindDigits = false

    /// Takes the next byte; the size of the chunk when the line ends with it.
    mutating func read(_ byte: UInt8) throws(HTTPResponseError) -> Int? {
        byteCount += 1
        guard byteCount <= Self.limitBytes else { throw .malformed("a chunk's size is too long") }
        switch byte {
        case UInt8(ascii: "\n"):
            guard digitCount > 0 else { throw Self.invalid }
            return size
        case UInt8(ascii: ";"), UInt8(ascii: "\r"), UInt8(ascii: " "), UInt8(ascii: "\t"): isBehindDigits = true
        default:
            if isBehindDigits { return nil }
            guard let digit = Self.digit(byte), digitCount < Self.digitLimit else { throw Self.invalid }
            size = size << 4 | digit
            digitCount += 1
        }
        return nil
    }

    private static var invalid: HTTPResponseError { .malformed("invalid chunk size") }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
