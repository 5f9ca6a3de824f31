/// Appends sample lines of the text format 0.0.4 to a caller's buffer.
///
/// A page has 20,000 lines: a line's bytes are copied in blocks into room that is asked for once.
enum SampleText {
    /// `name{labels,more} ` without the value; `more` begins with a comma or is empty.
    static func appendSeries(
        _ name: [UInt8], _ labels: [UInt8], _ more: [UInt8] = [], to output: inout [UInt8]
    ) {
        output.append(addingCapacity: name.count + labels.count + more.count + 3) { span in
            append(name, &span)
            span.append(UInt8(ascii: "{"))
            append(labels, &span)
            if !more.isEmpty { append(more, &span) }
            span.append(UInt8(ascii: "}"))
            span.append(UInt8(ascii: " "))
        }
    }

    /// The number in decimal, exact, and the end of the line.
    static func appendInteger(_ value: UInt64, to output: inout [UInt8]) {
        output.append(addingCapacity: maximumDigits + 1) { span in
            appendDigits(value, &span)
            span.append(KernelText.newline)
        }
    }

    /// Nanoseconds as seconds with as many decimals as it takes, and the end of the line.
    static func appendSeconds(nanoseconds: UInt64, to output: inout [UInt8]) {
        output.append(addingCapacity: maximumDigits + 11) { span in
            let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
            appendDigits(seconds, &span)
            if fraction != 0 {
                span.append(UInt8(ascii: "."))
                var rest = fraction
                var scale: UInt64 = 100_000_000
                while rest != 0 {
                    let (digit, remainder) = rest.quotientAndRemainder(dividingBy: scale)
                    span.append(0x30 &+ UInt8(truncatingIfNeeded: digit))
                    rest = remainder
                    scale /= 10
                }
            }
            span.append(KernelText.newline)
        }
    }

    static func append(_ value: UInt64, _ unit: Family.Unit, to output: inout [UInt8]) {
        switch unit {
        case .integer: appendInteger(value, to: &output)
        case .seconds: appendSeconds(nanoseconds: value, to: &output)
        case .signed:
            let signed = Int64(bitPattern: value)
            if signed < 0 { output.append(UInt8(ascii: "-")) }
            appendInteger(signed.magnitude, to: &output)
        }
    }

    private static let maximumDigits = 20

    /// The caller has asked for the room.
    private static func append(_ bytes: [UInt8], _ span: inout OutputSpan<UInt8>) {
        precondition(bytes.count <= span.freeCapacity, "a line longer than its room")
        unsafe span.withUnsafeMutableBufferPointer { buffer, count in
            unsafe bytes.withUnsafeBufferPointer { source in
                guard let start = source.baseAddress, let room = buffer.baseAddress else { return }
                unsafe (room + count).initialize(from: start, count: source.count)
                count += source.count
            }
        }
    }

    private static func appendDigits(_ value: UInt64, _ span: inout OutputSpan<UInt8>) {
        var digits: InlineArray<20, UInt8> = .init(repeating: 0)
        var first = maximumDigits
        var rest = value
        repeat {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            first -= 1
            digits[first] = 0x30 &+ UInt8(truncatingIfNeeded: remainder)
            rest = quotient
        } while rest != 0
        for index in first..<maximumDigits { span.append(digits[index]) }
    }
}
