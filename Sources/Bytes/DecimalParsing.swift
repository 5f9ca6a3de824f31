import Glibc

/// Reads floating-point numbers from text, rounded correctly.
///
/// The syntax is that of Go's `strconv.ParseFloat` before hexadecimal floats and underscores came to it, as Prometheus'
/// formats want it: an optional sign, digits with an optional point, an optional exponent; `inf` and `infinity` with an
/// optional sign and `nan` without one, in any case. A number too large for a double is refused, one too small is zero.
package enum DecimalParsing {
    /// The number that `bytes` spell from the first to the last, nil where they spell none.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return nil }
        let start = unsafe base.assumingMemoryBound(to: UInt8.self)
        return unsafe parse(start, count: bytes.count)
    }

    /// The number that `text` spells, nil where it spells none.
    package static func parse(_ text: some StringProtocol) -> Double? {
        var copy = String(text)
        return copy.withUTF8 { unsafe parse(UnsafeRawBufferPointer($0)) }
    }

    /// The number that `bytes` spell, nil where they spell none.
    package static func parse(_ bytes: [UInt8]) -> Double? {
        unsafe bytes.withUnsafeBytes { unsafe parse($0) }
    }

    /// The double nearest to `digits` × 10^`exponent`, for parsers that scan digits themselves.
    ///
    /// Nil where this takes more than two multiplications to say (subnormal, infinite, a product that leaves the rounding
    /// open): then the text is to be given to `parse`.
    package static func value(digits: UInt64, exponent: Int, isNegative: Bool) -> Double? {
        let decimal = Decimal(digits: digits, exponent: exponent, isNegative: isNegative)
        return fromShort(decimal) ?? fromLong(decimal)
    }

    /// What the digits of a number say before they are made a double: `digits` × 10^`exponent`.
    private struct Decimal {
        var digits: UInt64 = 0
        var exponent = 0
        var isNegative = false
        /// Whether there were more than 19 significant digits, so that `digits` is rounded down.
        var isTruncated = false
    }

    private static func parse(_ start: UnsafePointer<UInt8>, count: Int) -> Double? {
        var offset = 0
        var decimal = Decimal()
        let first = unsafe start[0]
        if first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            decimal.isNegative = first == UInt8(ascii: "-")
            offset = 1
        }
        guard offset < count else { return nil }
        guard unsafe isDigit(start[offset]) || start[offset] == UInt8(ascii: ".") else {
            return unsafe special(start, count: count, signLength: offset, isNegative: decimal.isNegative)
        }
        guard unsafe readDigits(start, count: count, offset: &offset, into: &decimal) else { return nil }
        if offset < count {
            guard unsafe readExponent(start, count: count, offset: &offset, into: &decimal) else { return nil }
        }
        if let exact = fromShort(decimal) ?? fromLong(decimal) { return exact }
        return unsafe slow(start, count: count)
    }

    @inline(__always)
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") <= 9 }

    private static func readDigits(
        _ start: UnsafePointer<UInt8>, count: Int, offset: inout Int, into decimal: inout Decimal
    ) -> Bool {
        var significantCount = 0
        var hasDigits = false
        var hasPoint = false
        while offset < count {
            let byte = unsafe start[offset]
            let digit = byte &- UInt8(ascii: "0")
            if digit <= 9 {
                hasDigits = true
                if significantCount < 19 {
                    decimal.digits = decimal.digits &* 10 &+ UInt64(digit)
                    if decimal.digits != 0 { significantCount += 1 }
                    if hasPoint { decimal.exponent -= 1 }
                } else {
                    if digit != 0 { decimal.isTruncated = true }
                    if !hasPoint { decimal.exponent += 1 }
                }
            } else if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else {
                break
            }
            offset += 1
        }
        return hasDigits
    }

    private static func readExponent(
        _ start: UnsafePointer<UInt8>, count: Int, offset: inout Int, into decimal: inout Decimal
    ) -> Bool {
        guard unsafe start[offset] | 0x20 == UInt8(ascii: "e") else { return false }
        offset += 1
        var isNegative = false
        if offset < count {
            let sign = unsafe start[offset]
            if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                isNegative = sign == UInt8(ascii: "-")
                offset += 1
            }
        }
        guard offset < count else { return false }
        var exponent = 0
        while offset < count {
            let digit = unsafe start[offset] &- UInt8(ascii: "0")
            guard digit <= 9 else { return false }
            // Beyond this every number but zero has left the range of doubles; digits are counted in memory, so the
            // number of them cannot bring it back in.
            if exponent < 1 << 50 { exponent = exponent * 10 + Int(digit) }
            offset += 1
        }
        decimal.exponent += isNegative ? -exponent : exponent
        return true
    }

    /// Clinger's case: digits and power of ten are exact doubles, so one operation rounds once.
    @inline(__always)
    private static func fromShort(_ decimal: Decimal) -> Double? {
        guard !decimal.isTruncated, decimal.digits <= 1 << 53 else { return nil }
        let digits = Double(decimal.digits)
        if decimal.exponent == 0 || decimal.digits == 0 { return decimal.isNegative ? -digits : digits }
        guard decimal.exponent >= -22, decimal.exponent <= 22 else { return nil }
        let power = exactPowers[Int(decimal.exponent.magnitude)]
        let value = decimal.exponent < 0 ? digits / power : digits * power
        return decimal.isNegative ? -value : value
    }

    private static func fromLong(_ decimal: Decimal) -> Double? {
        guard let value = eiselLemire(decimal.digits, decimal.exponent) else { return nil }
        if decimal.isTruncated {
            guard let next = eiselLemire(decimal.digits + 1, decimal.exponent), next == value else { return nil }
        }
        return decimal.isNegative ? -value : value
    }

    private static let exactPowers: [23 of Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// Lemire's algorithm with the remarks of Mushtak and Lemire, "Fast Number Parsing Without Fallback" (2023).
    ///
    /// Nil for subnormal and infinite results and for the few products that leave the rounding open.
    private static func eiselLemire(_ digits: UInt64, _ exponent: Int) -> Double? {
        guard digits != 0, exponent >= PowersOfTen.lowest, exponent <= 308 else { return nil }
        let leadingZeros = digits.leadingZeroBitCount
        let scaled = digits << UInt64(leadingZeros)
        var power = PowersOfTen.significand(exponent)
        if exponent > 55 || exponent < -27 {
            // The proof of the algorithm is for these powers rounded down.
            if power.low == 0 { power.high &-= 1 }
            power.low &-= 1
        }
        var product = scaled.multipliedFullWidth(by: power.high)
        if product.high & 0x1ff == 0x1ff {
            let second = scaled.multipliedFullWidth(by: power.low)
            let (sum, overflows) = product.low.addingReportingOverflow(second.high)
            product = (overflows ? product.high &+ 1 : product.high, sum)
            if sum == .max && (exponent > 55 || exponent < -27) { return nil }
        }
        let upperBit = product.high >> 63
        let shift = upperBit + 9
        var mantissa = product.high >> shift
        var binaryExponent = ((152_170 + 65_536) * exponent) >> 16 + 63 + Int(upperBit) - leadingZeros + 1023
        guard binaryExponent > 0 else { return nil }
        if product.low <= 1, exponent >= -4, exponent <= 23, mantissa & 3 == 1, mantissa << shift == product.high {
            mantissa &= ~1
        }
        mantissa = (mantissa &+ (mantissa & 1)) >> 1
        if mantissa >= 2 << 52 {
            mantissa = 1 << 52
            binaryExponent += 1
        }
        guard binaryExponent < 2047 else { return nil }
        return Double(bitPattern: UInt64(binaryExponent) << 52 | mantissa & ((1 << 52) - 1))
    }

    /// The C library's exact conversion, for what is left; the syntax has been checked.
    private static func slow(_ start: UnsafePointer<UInt8>, count: Int) -> Double? {
        let value = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { buffer -> Double in
            for index in 0..<count { unsafe buffer[index] = unsafe CChar(bitPattern: start[index]) }
            unsafe buffer[count] = 0
            guard let text = buffer.baseAddress else { return .infinity }
            return unsafe strtod(text, nil)
        }
        return value.isInfinite ? nil : value
    }

    private static func special(
        _ start: UnsafePointer<UInt8>, count: Int, signLength: Int, isNegative: Bool
    ) -> Double? {
        func spells(_ word: StaticString) -> Bool {
            guard word.utf8CodeUnitCount == count - signLength else { return false }
            for index in 0..<word.utf8CodeUnitCount {
                guard unsafe start[signLength + index] | 0x20 == word.utf8Start[index] else { return false }
            }
            return true
        }
        if spells("inf") || spells("infinity") { return isNegative ? -.infinity : .infinity }
        // The NaN of Go's math.NaN(), as Prometheus stores it.
        return signLength == 0 && spells("nan") ? Double(bitPattern: 0x7ff8_0000_0000_0001) : nil
    }
}
