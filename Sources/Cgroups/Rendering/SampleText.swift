/// Appends sample lines of the text format 0.0.4 to a caller's buffer.
enum SampleText {
    /// `name{labels,more} ` without the value; `more` begins with a comma or is empty.
    static func appendSeries(
        _ name: [UInt8], _ labels: [UInt8], _ more: [UInt8] = [], to output: inout [UInt8]
    ) {
        output.append(contentsOf: name)
        output.append(UInt8(ascii: "{"))
        output.append(contentsOf: labels)
        if !more.isEmpty { output.append(contentsOf: more) }
        output.append(UInt8(ascii: "}"))
        output.append(UInt8(ascii: " "))
    }

    /// The number in decimal, exact, and the end of the line.
    static func appendInteger(_ value: UInt64, to output: inout [UInt8]) {
        appendDigits(value, to: &output)
        output.append(KernelText.newline)
    }

    /// Nanoseconds as seconds with as many decimals as it takes, and the end of the line.
    static func appendSeconds(nanoseconds: UInt64, to output: inout [UInt8]) {
        let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        appendDigits(seconds, to: &output)
        if fraction != 0 {
            output.append(UInt8(ascii: "."))
            var rest = fraction
            var scale: UInt64 = 100_000_000
            while rest != 0 {
                let (digit, remainder) = rest.quotientAndRemainder(dividingBy: scale)
                output.append(0x30 &+ UInt8(truncatingIfNeeded: digit))
                rest = remainder
                scale /= 10
            }
        }
        output.append(KernelText.newline)
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

    private static func appendDigits(_ value: UInt64, to output: inout [UInt8]) {
        var digits: InlineArray<20, UInt8> = .init(repeating: 0)
        var first = 20
        var rest = value
        repeat {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            first -= 1
            digits[first] = 0x30 &+ UInt8(truncatingIfNeeded: remainder)
            rest = quotient
        } while rest != 0
        for index in first..<20 { output.append(digits[index]) }
    }
}
