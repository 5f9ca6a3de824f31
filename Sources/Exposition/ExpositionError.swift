package import Bytes

/// What is wrong with an exposed page, and where.
package struct ExpositionError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The last line does not end with a line feed.
        case missingLineFeed
        /// An OpenMetrics page does not end with `# EOF`.
        case missingEndOfFile
        /// An OpenMetrics page goes on after `# EOF`.
        case dataAfterEndOfFile
        /// Something else was to come here; `found` is the byte that came.
        case expected(String, found: UInt8)
        case invalidNumber(String)
        case invalidTimestamp(String)
        case invalidUTF8
        case unknownType(String)
        case unitIsNotASuffix(unit: String, name: String)
        case duplicateLabel(String)
        case missingName
        /// A sample without a time where each needs one.
        case missingTimestamp
        /// A protobuf page that cannot be read; the place is a byte of the page.
        case protobuf(WireReader.Fault)
        /// A native histogram that is none.
        case histogram(HistogramFault)
        case limitExceeded(name: String, limit: Int, value: Int)
    }

    package var reason: Reason
    /// Counted from 1.
    package var line: Int
    /// Bytes into the line, counted from 1.
    package var column: Int

    package var description: String { "line \(line), column \(column): \(reason)" }
}

extension ExpositionError.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missingLineFeed: "the last line does not end with a line feed"
        case .missingEndOfFile: "the page does not end with # EOF"
        case .dataAfterEndOfFile: "the page goes on after # EOF"
        case .expected(let what, let found): "expected \(what), found \(Self.shown(found))"
        case .invalidNumber(let text): "\"\(text)\" is not a number"
        case .invalidTimestamp(let text): "\"\(text)\" is not a timestamp"
        case .invalidUTF8: "the text is not valid UTF-8"
        case .unknownType(let type): "unknown metric type \"\(type)\""
        case .unitIsNotASuffix(let unit, let name): "unit \"\(unit)\" is not a suffix of metric \"\(name)\""
        case .duplicateLabel(let name): "label \"\(name)\" is there twice"
        case .missingName: "the sample has no metric name"
        case .missingTimestamp: "the sample has no timestamp; each needs one here"
        case .protobuf(let fault): fault.description
        case .histogram(let fault): "native histogram: \(fault)"
        case .limitExceeded(let name, let limit, let value): "\(name) is limited to \(limit), here it is \(value)"
        }
    }

    private static func shown(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\n"): "the end of the line"
        case 0x20...0x7e: "\"\(Character(UnicodeScalar(byte)))\""
        default: "byte 0x\(String(byte, radix: 16))"
        }
    }
}

/// An error before its offset is turned into line and column.
struct ScanFailure: Error {
    var reason: ExpositionError.Reason
    var offset: Int

    /// The error with its place in `page`.
    func located(in page: UnsafeRawBufferPointer) -> ExpositionError {
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, page.count) where unsafe page[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        return ExpositionError(reason: reason, line: line, column: offset - lineStart + 1)
    }
}
