import Bytes
import MetricModel

/// Writes JSON into bytes, in the exact forms of Prometheus' API.
///
/// Commas are the writer's work.
///
/// It knows no tree: call what is to come next. Nesting is the caller's to close.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    /// Whether the next value or key must be set off from the one before.
    private var needsComma = false
    private var pointStarts = PointStarts()

    init(reservingBytes count: Int = 1024) { bytes.reserveCapacity(count) }

    /// Makes room for so many bytes more, about.
    mutating func reserve(_ count: Int) { bytes.reserveCapacity(bytes.count + count) }

    /// Takes what was written so far and goes on from there; the comma is remembered.
    mutating func takeBytes() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    // MARK: Structure

    mutating func beginObject() { open(UInt8(ascii: "{")) }
    mutating func endObject() { close(UInt8(ascii: "}")) }
    mutating func beginArray() { open(UInt8(ascii: "[")) }
    mutating func endArray() { close(UInt8(ascii: "]")) }

    mutating func key(_ name: String) {
        separate()
        appendQuoted(name, escapingMarkup: false)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func object(_ content: (inout JSONWriter) -> Void) {
        beginObject()
        content(&self)
        endObject()
    }

    mutating func array<Element>(of elements: some Sequence<Element>, _ each: (inout JSONWriter, Element) -> Void) {
        beginArray()
        for element in elements { each(&self, element) }
        endArray()
    }

    // MARK: Values

    /// A string in which `<`, `>` and `&` are escaped too, as everywhere but in label objects.
    mutating func string(_ text: String) { value { $0.appendQuoted(text, escapingMarkup: true) } }

    mutating func integer(_ number: some BinaryInteger) { value { $0.bytes.append(contentsOf: String(number).utf8) } }

    mutating func boolean(_ flag: Bool) { value { $0.bytes.append(contentsOf: (flag ? "true" : "false").utf8) } }

    mutating func null() { value { $0.bytes.append(contentsOf: "null".utf8) } }

    /// A JSON number; JSON has no NaN and no infinities, they become 0.
    mutating func number(_ number: Double) {
        value { DecimalFormatting.append(number.isFinite ? number : 0, style: .sample, to: &$0.bytes) }
    }

    /// A sample's value: a string.
    mutating func sampleValue(_ number: Double, style: DecimalFormatting.Style = .sample) {
        value { writer in
            writer.bytes.append(UInt8(ascii: "\""))
            DecimalFormatting.append(number, style: style, to: &writer.bytes)
            writer.bytes.append(UInt8(ascii: "\""))
        }
    }

    /// Milliseconds as seconds: no fraction when it is zero, else exactly three digits.
    mutating func timestamp(milliseconds: Int64) {
        value { writer in
            writer.bytes.append(addingCapacity: Self.timestampByteCount) { output in
                unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                    guard let start = buffer.baseAddress else { return }
                    count = unsafe TimeDigits.writeAlone(milliseconds, at: start) - start
                }
            }
        }
    }

    /// `[time,"value"]` of each sample: what long answers are made of, so it is written without looking at the room for
    /// each byte.
    mutating func points(_ timestamps: [Int64], _ values: [Double]) {
        let count = min(timestamps.count, values.count)
        let samples = DecimalFormatting.SampleWriter()
        guard pointStarts.know(timestamps) else {
            var times = TimeDigits()
            return unsafe points(count) { place, start in
                unsafe samples.write(values[place], at: PointStarts.write(timestamps[place], at: start, &times))
            }
        }
        let starts = pointStarts
        unsafe points(count) { place, start in unsafe samples.write(values[place], at: starts.copy(place, at: start)) }
    }

    /// Points, of which `write` writes all up to the end of the value.
    @inline(__always)
    private mutating func points(
        _ count: Int, _ write: (Int, UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
    ) {
        var index = 0
        while index < count {
            let end = min(index + Self.pointsAtATime, count)
            separate()
            bytes.append(addingCapacity: (end - index) * Self.pointByteCount) { output in
                unsafe output.withUnsafeMutableBufferPointer { buffer, byteCount in
                    guard let start = buffer.baseAddress else { return }
                    var cursor = unsafe start
                    for place in index..<end {
                        unsafe cursor = write(place, cursor)
                        unsafe UnsafeMutableRawPointer(cursor).storeBytes(of: Self.pointEnd, as: UInt32.self)
                        unsafe cursor += 3
                    }
                    // The last one's comma is the next value's business.
                    byteCount = unsafe cursor - start - 1
                }
            }
            needsComma = true
            index = end
        }
    }

    private static let pointsAtATime = 256
    private static let timestampByteCount = TimeDigits.maximumByteCount
    /// What stands before a value, the value, and what stands behind it.
    private static let pointByteCount = PointStarts.byteCount + DecimalFormatting.maximumByteCount + 4
    /// `"],` and a byte more, the first in the lowest.
    private static let pointEnd = (0x002c_5d22 as UInt32).littleEndian

    /// An object of label names and values, markup as it is.
    mutating func labels(_ labels: LabelSet) {
        separate()
        if !appendPlain(labels) { appendEscaped(labels) }
        needsComma = true
    }

    /// Appends labels that need no escapes; false where some may, and nothing was appended.
    private mutating func appendPlain(_ labels: LabelSet) -> Bool {
        let before = bytes.count
        bytes.append(addingCapacity: PlainLabels.room(forBytes: labels.encoded.count)) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, byteCount in
                unsafe labels.encoded.withUnsafeBytes { encoded in
                    guard let start = UnsafeMutableRawPointer(buffer.baseAddress),
                        let end = unsafe PlainLabels.write(encoded, at: start)
                    else { return }
                    byteCount = unsafe end - start
                }
            }
        }
        return bytes.count > before
    }

    private mutating func appendEscaped(_ labels: LabelSet) {
        bytes.append(UInt8(ascii: "{"))
        var cursor = labels.makeCursor()
        while cursor.next() {
            separate()
            unsafe cursor.name.withUnsafeBufferPointer { unsafe appendQuoted($0, escapingMarkup: false) }
            bytes.append(UInt8(ascii: ":"))
            unsafe cursor.value.withUnsafeBufferPointer { unsafe appendQuoted($0, escapingMarkup: false) }
            needsComma = true
        }
        bytes.append(UInt8(ascii: "}"))
    }

    // MARK: Pieces

    private mutating func value(_ write: (inout JSONWriter) -> Void) {
        separate()
        write(&self)
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private mutating func appendQuoted(_ text: String, escapingMarkup: Bool) {
        var text = text
        text.withUTF8 { unsafe appendQuoted($0, escapingMarkup: escapingMarkup) }
    }

    /// Appends bytes of UTF-8 as a JSON string.
    private mutating func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, escapingMarkup: Bool) {
        bytes.append(UInt8(ascii: "\""))
        var copied = 0
        for index in text.indices {
            let byte = unsafe text[index]
            guard JSONEscapes.isNeeded(for: byte, escapingMarkup: escapingMarkup) else { continue }
            unsafe bytes.append(contentsOf: text[copied..<index])
            copied = index + 1
            appendEscape(byte)
        }
        unsafe bytes.append(contentsOf: text[copied...])
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
        case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
        case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
        default: appendUnicodeEscape(byte)
        }
    }

    private mutating func appendUnicodeEscape(_ byte: UInt8) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
    }
}
