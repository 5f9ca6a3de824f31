/// Writes doubles as text: the fewest digits that read back as the same bits, in the spellings of Prometheus and Go.
package enum DecimalFormatting {
    /// How a number is spelled.
    ///
    /// All of them write `NaN`, `+Inf` and `-Inf`, and the sign of a negative zero.
    package enum Style: Sendable {
        /// Never an exponent; Go's `strconv.FormatFloat(v, 'f', -1, 64)`.
        case plain
        /// An exponent below 1e-4 and from 1e+21 on.
        case general
        /// An exponent below 1e-4 and from 1e+06 on; Go's `'g', -1` and `%v`, the numbers of client libraries.
        case compact
        /// Plain for zero and 1e-6 <= |v| < 1e21, otherwise an exponent; sample values of Prometheus' JSON.
        case sample
        /// Always an exponent of at least two digits: `1e+00`; Go's `'e', -1`.
        case exponent
        /// As `compact`, with `.0` behind whole numbers; `le` and `quantile` as Prometheus keeps them.
        case openMetrics
    }

    /// Appends a number.
    ///
    /// Nothing is allocated but what `bytes` needs to grow.
    package static func append(_ value: Double, style: Style, to bytes: inout [UInt8]) {
        guard value.isFinite else {
            append(value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf", to: &bytes)
            return
        }
        if value.sign == .minus { bytes.append(UInt8(ascii: "-")) }
        if let whole = UInt64(exactly: value.magnitude), whole < 1 << 53, isWrittenWhole(whole, style) {
            append(whole, to: &bytes)
            if style == .openMetrics { append(".0", to: &bytes) }
            return
        }
        let decimal = ShortestDecimal(value.magnitude)
        let pointPosition = decimal.digitCount + decimal.exponent
        if usesExponent(decimal, style) {
            appendScientific(decimal, exponent: decimal.isZero ? 0 : pointPosition - 1, to: &bytes)
        } else {
            appendPlain(decimal, to: &bytes)
            if style == .openMetrics && decimal.exponent >= 0 { append(".0", to: &bytes) }
        }
    }

    /// A number as a string.
    package static func text(_ value: Double, style: Style) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(value, style: style, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends a whole number in decimal.
    package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        guard value >= 10 else { return bytes.append(UInt8(ascii: "0") + UInt8(value)) }
        var digits = [20 of UInt8](repeating: 0)
        var rest = value
        var count = 0
        while rest > 0 {
            digits[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            count += 1
        }
        for index in stride(from: count - 1, through: 0, by: -1) { bytes.append(digits[index]) }
    }

    /// Appends a whole number in decimal, with a sign where it is negative.
    package static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &bytes)
    }

    private static func isWrittenWhole(_ value: UInt64, _ style: Style) -> Bool {
        switch style {
        case .plain, .general, .sample: true
        case .compact, .openMetrics: value < 1_000_000
        case .exponent: false
        }
    }

    private static func usesExponent(_ decimal: ShortestDecimal, _ style: Style) -> Bool {
        guard !decimal.isZero else { return style == .exponent }
        let scientific = decimal.digitCount + decimal.exponent - 1
        return switch style {
        case .plain: false
        case .general: scientific < -4 || scientific >= 21
        case .compact, .openMetrics: scientific < -4 || scientific >= 6
        case .sample: scientific < -6 || scientific >= 21
        case .exponent: true
        }
    }

    private static func appendScientific(_ decimal: ShortestDecimal, exponent: Int, to bytes: inout [UInt8]) {
        let start = bytes.count
        append(decimal.digits, to: &bytes)
        if bytes.count > start + 1 { bytes.insert(UInt8(ascii: "."), at: start + 1) }
        bytes.append(UInt8(ascii: "e"))
        bytes.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        if exponent.magnitude < 10 { bytes.append(UInt8(ascii: "0")) }
        append(UInt64(exponent.magnitude), to: &bytes)
    }

    private static func appendPlain(_ decimal: ShortestDecimal, to bytes: inout [UInt8]) {
        let pointPosition = decimal.digitCount + decimal.exponent
        if decimal.exponent >= 0 {
            append(decimal.digits, to: &bytes)
            if !decimal.isZero { for _ in 0..<decimal.exponent { bytes.append(UInt8(ascii: "0")) } }
        } else if pointPosition <= 0 {
            append("0.", to: &bytes)
            for _ in 0..<(-pointPosition) { bytes.append(UInt8(ascii: "0")) }
            append(decimal.digits, to: &bytes)
        } else {
            let start = bytes.count
            append(decimal.digits, to: &bytes)
            bytes.insert(UInt8(ascii: "."), at: start + pointPosition)
        }
    }

    private static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }
}
