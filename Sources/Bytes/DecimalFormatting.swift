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

    /// Room for any number in any style but `plain`, whose longest one has more than 300 zeros.
    package static let maximumByteCount = 40
    private static let maximumPlainByteCount = 352

    /// Appends a number.
    ///
    /// Nothing is allocated but what `bytes` needs to grow.
    package static func append(_ value: Double, style: Style, to bytes: inout [UInt8]) {
        let room = style == .plain ? maximumPlainByteCount : maximumByteCount
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { buffer in
            guard let start = buffer.baseAddress else { return }
            let end = unsafe write(value, style: style, at: start)
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: end - start))
        }
    }

    /// Writes a number of any style but `plain` at `start`, where `maximumByteCount` bytes are free; answers its end.
    package static func write(
        _ value: Double, style: Style, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        unsafe write(value, style: style, at: start, PowersOfTen.all)
    }

    /// Writes many samples' values: the style is known, and what all need is at hand.
    package struct SampleWriter: Sendable {
        private let powers = PowersOfTen.all
        package init() {}

        /// Writes a number at `start`, where `maximumByteCount` bytes are free; answers its end.
        package func write(_ value: Double, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
            unsafe DecimalFormatting.write(value, style: .sample, at: start, powers)
        }
    }

    @inline(__always)
    private static func write(
        _ value: Double, style: Style, at start: UnsafeMutablePointer<UInt8>, _ powers: PowersOfTen
    ) -> UnsafeMutablePointer<UInt8> {
        unsafe start.pointee = UInt8(ascii: "-")
        let cursor = unsafe start + (value.sign == .minus ? 1 : 0)
        let magnitude = value.magnitude
        if magnitude < 100_000 {
            if style != .exponent, let thousandths = thousandths(of: magnitude) {
                return unsafe writeThousandths(thousandths, style, at: cursor)
            }
        } else if let whole = wholeNumber(magnitude), isWrittenWhole(whole, style) {
            let end = unsafe write(whole, at: cursor)
            return unsafe style == .openMetrics ? write(".0", at: end) : end
        } else if !magnitude.isFinite {
            return unsafe value.isNaN ? write("NaN", at: start) : write(value < 0 ? "-Inf" : "+Inf", at: start)
        }
        let decimal = ShortestDecimal(magnitude, powers)
        if usesExponent(decimal, style) { return unsafe writeScientific(decimal, at: cursor) }
        let digits = DecimalDigits(decimal)
        let end = unsafe writePlain(digits, at: cursor)
        return unsafe style == .openMetrics && digits.count <= digits.exponent &+ 1 ? write(".0", at: end) : end
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
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: maximumByteCount) { buffer in
            guard let start = buffer.baseAddress else { return }
            let end = unsafe write(value, at: start)
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: end - start))
        }
    }

    /// Writes a whole number in decimal at `start`, where 20 bytes are free; answers its end.
    package static func write(_ value: UInt64, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        if value < eightDigitPower { return unsafe writeFirst(value, at: start) }
        let (upper, lower) = value.quotientAndRemainder(dividingBy: eightDigitPower)
        let cursor: UnsafeMutablePointer<UInt8>
        if upper < eightDigitPower {
            unsafe cursor = writeFirst(upper, at: start)
        } else {
            let (first, middle) = upper.quotientAndRemainder(dividingBy: eightDigitPower)
            unsafe cursor = writeFirst(first, at: start)
            unsafe store(DecimalDigits.eight(middle) | asciiZeros, at: cursor)
            unsafe store(DecimalDigits.eight(lower) | asciiZeros, at: cursor + 8)
            return unsafe cursor + 16
        }
        unsafe store(DecimalDigits.eight(lower) | asciiZeros, at: cursor)
        return unsafe cursor + 8
    }

    private static let eightDigitPower: UInt64 = 100_000_000
    private static let asciiZeros: UInt64 = 0x3030_3030_3030_3030

    /// Writes a number below 10^8 without the zeros in front, and anything behind it up to eight bytes.
    @inline(__always)
    private static func writeFirst(
        _ value: UInt64, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let digits = DecimalDigits.eight(value)
        let zeros = min(digits.trailingZeroBitCount &>> 3, 7)
        unsafe store((digits | asciiZeros) &>> UInt64(truncatingIfNeeded: zeros &<< 3), at: start)
        return unsafe start + (8 &- zeros)
    }

    @inline(__always)
    private static func store(_ digits: UInt64, at start: UnsafeMutablePointer<UInt8>) {
        unsafe UnsafeMutableRawPointer(start).storeBytes(of: digits.littleEndian, as: UInt64.self)
    }

    /// The thousandths of a small number that has up to three places behind the point, as most measured ones do; nil
    /// for others.
    ///
    /// It is tried: what reads back as the number and has at most fifteen digits is its shortest decimal, because no two
    /// decimals of fifteen digits read as the same double.
    @inline(__always)
    private static func thousandths(of magnitude: Double) -> UInt64? {
        let thousandths = Int64(magnitude * 1000 + 0.5)
        return Double(thousandths) / 1000 == magnitude ? UInt64(bitPattern: thousandths) : nil
    }

    /// Writes a number of five digits in front of the point and three behind, without the zeros that nobody writes.
    @inline(__always)
    private static func writeThousandths(
        _ thousandths: UInt64, _ style: Style, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let digits = DecimalDigits.eight(thousandths)
        let zeros = min(digits.trailingZeroBitCount &>> 3, 4)
        let places = 3 &- digits.leadingZeroBitCount &>> 3
        let ascii = digits | asciiZeros
        unsafe store(ascii &>> UInt64(truncatingIfNeeded: zeros &<< 3), at: start)
        let point = unsafe start + (5 &- zeros)
        unsafe point.pointee = UInt8(ascii: ".")
        unsafe store(ascii &>> 40, at: point + 1)
        if style == .openMetrics { return unsafe point + (places > 0 ? places &+ 1 : 2) }
        return unsafe point + (places > 0 ? places &+ 1 : 0)
    }

    /// Appends a whole number in decimal, with a sign where it is negative.
    package static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &bytes)
    }

    /// The number, which is not below one, where it is whole and below 2^53.
    @inline(__always)
    private static func wholeNumber(_ magnitude: Double) -> UInt64? {
        let bits = magnitude.bitPattern
        let significand = bits & (1 << 52 - 1) | 1 << 52
        // How many bits of it are behind the point; of what is as large as 2^53 it is less than none.
        let behind = 1075 &- bits &>> 52
        guard behind <= 52, significand.trailingZeroBitCount >= behind else { return nil }
        return significand &>> behind
    }

    private static func isWrittenWhole(_ value: UInt64, _ style: Style) -> Bool {
        switch style {
        case .plain, .general, .sample: true
        case .compact, .openMetrics: value < 1_000_000
        case .exponent: false
        }
    }

    @inline(__always)
    private static func usesExponent(_ decimal: ShortestDecimal, _ style: Style) -> Bool {
        guard !decimal.isZero else { return style == .exponent }
        let exponent = decimal.exponent
        return switch style {
        case .plain: false
        case .general: exponent < -4 || exponent >= 21
        case .compact, .openMetrics: exponent < -4 || exponent >= 6
        case .sample: exponent < -6 || exponent >= 21
        case .exponent: true
        }
    }

    private static func writeScientific(
        _ decimal: ShortestDecimal, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let digits = DecimalDigits(decimal)
        unsafe digits.write(at: start + 1)
        unsafe start[0] = start[1]
        unsafe start[1] = UInt8(ascii: ".")
        var cursor = unsafe start + (digits.count == 1 ? 1 : digits.count + 1)
        unsafe cursor[0] = UInt8(ascii: "e")
        unsafe cursor[1] = digits.exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        unsafe cursor += 2
        if digits.exponent.magnitude < 10 {
            unsafe cursor.pointee = UInt8(ascii: "0")
            unsafe cursor += 1
        }
        return unsafe write(UInt64(digits.exponent.magnitude), at: cursor)
    }

    @inline(__always)
    private static func writePlain(
        _ digits: DecimalDigits, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let point = digits.exponent &+ 1
        if point > 0, point < digits.count {
            unsafe digits.write(at: start)
            unsafe digits.write(from: point, at: start + (point &+ 1))
            unsafe start[point] = UInt8(ascii: ".")
            return unsafe start + (digits.count &+ 1)
        }
        if point <= 0, point > -6 {
            // "0." and the zeros behind it.
            unsafe store(0x3030_3030_3030_2e30, at: start)
            let first = unsafe start + (2 &- point)
            unsafe digits.write(at: first)
            return unsafe first + digits.count
        }
        return unsafe writeManyZeros(digits, point: point, at: start)
    }

    /// Writes a number that is whole or far below one.
    @inline(never)
    private static func writeManyZeros(
        _ digits: DecimalDigits, point: Int, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        guard point > 0 else {
            let first = unsafe writeZeros(-point, at: write("0.", at: start))
            unsafe digits.write(at: first)
            return unsafe first + digits.count
        }
        unsafe digits.write(at: start)
        let known = min(point, DecimalDigits.maximumCount)
        return unsafe writeZeros(point - known, at: start + known)
    }

    private static func writeZeros(
        _ count: Int, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        for place in 0..<count { unsafe start[place] = UInt8(ascii: "0") }
        return unsafe start + count
    }

    private static func write(
        _ text: StaticString, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        unsafe start.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        return unsafe start + text.utf8CodeUnitCount
    }
}
