internal import Bytes
internal import MetricModel

/// Reads the lines of a page strictly, in one direction, without making strings before they are needed.
///
/// The content that it walks is empty or ends with a line feed. So a loop that stops at a line feed needs no other end,
/// and no byte behind `content` is ever read: each step looks at a byte only after all bytes before it were none.
@safe struct LineScanner: ~Copyable {
    static let lineFeed = UInt8(ascii: "\n")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")

    let content: UnsafeRawBufferPointer
    let format: ExpositionFormat
    let limits: ExpositionLimits
    var offset = 0
    /// The type that the last TYPE line declared; it says whether `le` and `quantile` are numbers.
    var currentType = MetricMetadata.MetricType.unknown
    var labels = LabelScratch()

    /// Takes the page apart from its trailer.
    init(page: UnsafeRawBufferPointer, format: ExpositionFormat, limits: ExpositionLimits) throws(ScanFailure) {
        let end = unsafe try Self.contentEnd(page, format: format, limits: limits)
        unsafe content = unsafe UnsafeRawBufferPointer(rebasing: page[..<end])
        self.format = format
        self.limits = limits
    }

    private static func contentEnd(
        _ page: UnsafeRawBufferPointer, format: ExpositionFormat, limits: ExpositionLimits
    ) throws(ScanFailure) -> Int {
        guard page.count <= limits.pageBytes else {
            throw ScanFailure(
                reason: .limitExceeded(name: "pageBytes", limit: limits.pageBytes, value: page.count), offset: 0)
        }
        guard format == .text else { return unsafe try trailerStart(page) }
        if let last = unsafe page.last, last != lineFeed {
            throw ScanFailure(reason: .missingLineFeed, offset: page.count)
        }
        return page.count
    }

    /// Where the final `# EOF` of an OpenMetrics page begins.
    private static func trailerStart(_ page: UnsafeRawBufferPointer) throws(ScanFailure) -> Int {
        let end = unsafe page.last == .some(lineFeed) ? page.count - 1 : page.count
        let start = end - 5
        let isTrailer =
            unsafe start >= 0 && page[start..<end].elementsEqual("# EOF".utf8)
            && (start == 0 || page[start - 1] == lineFeed)
        guard isTrailer else { throw ScanFailure(reason: .missingEndOfFile, offset: page.count) }
        return start
    }

    var isAtEnd: Bool { unsafe offset >= content.count }
    var current: UInt8 { unsafe content[offset] }

    func failure(_ reason: ExpositionError.Reason, at place: Int? = nil) -> ScanFailure {
        ScanFailure(reason: reason, offset: place ?? offset)
    }

    func expected(_ what: String) -> ScanFailure { failure(.expected(what, found: current)) }

    func text(_ range: Range<Int>) -> String { unsafe String(decoding: content[range], as: UTF8.self) }

    /// A piece of the page for messages.
    func excerpt(_ range: Range<Int>) -> String {
        range.count <= 64 ? text(range) : text(range.lowerBound..<range.lowerBound + 64) + "…"
    }

    /// Holds the line that begins here against the limit.
    func checkLineLength() throws(ScanFailure) {
        let end = unsafe ByteScan.firstIndex(of: Self.lineFeed, in: content, from: offset) ?? content.count
        guard end - offset <= limits.lineBytes else {
            throw failure(.limitExceeded(name: "lineBytes", limit: limits.lineBytes, value: end - offset))
        }
    }

    @inline(__always)
    mutating func skip(_ classes: UInt8) {
        while ByteClass.table[Int(current)] & classes != 0 { offset += 1 }
    }

    /// Moves over what may stand between the parts of a line: any blanks in text, nothing in OpenMetrics.
    mutating func skipBlanks() {
        if format == .text { skip(ByteClass.blank) }
    }

    /// Moves over a legacy name, for which colons are allowed or not; nil where none begins here.
    mutating func legacyName(allowsColon: Bool) -> Range<Int>? {
        let start = offset
        let letters = ByteClass.letter | (allowsColon ? ByteClass.colon : 0)
        guard ByteClass.table[Int(current)] & letters != 0 else { return nil }
        skip(letters | ByteClass.digit)
        return start..<offset
    }

    /// Moves over a quoted string that begins here; the range lies between the quotes, escapes as they are.
    mutating func quotedString() throws(ScanFailure) -> Range<Int> {
        offset += 1
        let start = offset
        while true {
            switch current {
            case Self.quote:
                offset += 1
                return start..<offset - 1
            case Self.backslash:
                offset += 1
                guard current != Self.lineFeed else { throw expected("an escaped character") }
                offset += 1
            case Self.lineFeed: throw expected("a closing quote")
            default: offset += 1
            }
        }
    }

    /// The end of the word that begins here: a blank or the end of the line.
    func wordEnd() -> Int {
        var end = offset
        while unsafe content[end] != Self.lineFeed, unsafe ByteClass.table[Int(content[end])] & ByteClass.blank == 0 {
            end += 1
        }
        return end
    }

    /// Checks that a range is UTF-8.
    func checkUTF8(_ range: Range<Int>) throws(ScanFailure) {
        if let invalid = unsafe UTF8Check.firstInvalid(in: content, range) {
            throw failure(.invalidUTF8, at: invalid)
        }
    }

    /// What a quoted or help text means, with `\\`, `\n` and, where `unescapesQuotes`, `\"` replaced; others stay.
    func unescaped(_ range: Range<Int>, unescapesQuotes: Bool) -> String {
        var bytes: [UInt8] = []
        unsafe EscapedText.append(content, range, unescapesQuotes: unescapesQuotes, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The escapes of both text formats.
enum EscapedText {
    /// Appends the meaning of a range: a backslash before anything but `\`, `n` and `"` is itself, as in Prometheus.
    static func append(
        _ content: UnsafeRawBufferPointer, _ range: Range<Int>, unescapesQuotes: Bool = true, to bytes: inout [UInt8]
    ) {
        let part = unsafe UnsafeRawBufferPointer(rebasing: content[range])
        guard unsafe ByteScan.firstIndex(of: LineScanner.backslash, in: part) != nil else {
            unsafe bytes.append(contentsOf: part)
            return
        }
        var index = 0
        while index < part.count {
            let byte = unsafe part[index]
            index += 1
            guard byte == LineScanner.backslash, index < part.count else {
                bytes.append(byte)
                continue
            }
            let escaped = unsafe part[index]
            switch escaped {
            case UInt8(ascii: "n"): bytes.append(LineScanner.lineFeed)
            case LineScanner.backslash: bytes.append(escaped)
            case LineScanner.quote where unescapesQuotes: bytes.append(escaped)
            default:
                bytes.append(byte)
                bytes.append(escaped)
            }
            index += 1
        }
    }
}
