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
        var cursor = unsafe start
        guard value.isFinite else {
            return unsafe write(value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf", at: cursor)
        }
        if value.sign == .minus {
            unsafe cursor.pointee = UInt8(ascii: "-")
            unsafe cursor += 1
        }
        let magnitude = value.magnitude
        if magnitude < 9_007_199_254_740_992 {
            let whole = UInt64(magnitude)
            if Double(whole) == magnitude, isWrittenWhole(whole, style) {
                let end = unsafe write(whole, at: cursor)
                return unsafe style == .openMetrics ? write(".0", at: end) : end
            }
        }
        let decimal = ShortestDecimal(magnitude)
        let pointPosition = decimal.digitCount + decimal.exponent
        if usesExponent(decimal, style) {
            return unsafe writeScientific(decimal, exponent: decimal.isZero ? 0 : pointPosition - 1, at: cursor)
        }
        let end = unsafe writePlain(decimal, pointPosition: pointPosition, at: cursor)
        return unsafe style == .openMetrics && decimal.exponent >= 0 ? write(".0", at: end) : end
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
        unsafe write(value, count: ShortestDecimal.digitCount(of: value), at: start)
    }

    /// Writes a whole number of so many digits.
    @inline(__always)
    private static func write(
        _ value: UInt64, count: Int, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let bytes = UnsafeMutableRawPointer(start)
        // Eight digits at a time, the first ones first: they are written over by those that follow.
        if value < eightDigitPower {
            unsafe storeDigits(value, count: count, at: bytes)
        } else if value < eightDigitPower * eightDigitPower {
            let (upper, lower) = value.quotientAndRemainder(dividingBy: eightDigitPower)
            unsafe storeDigits(upper, count: count &- 8, at: bytes)
            unsafe storeDigits(lower, count: 8, at: bytes + (count &- 8))
        } else {
            let (first, rest) = value.quotientAndRemainder(dividingBy: eightDigitPower * eightDigitPower)
            let (upper, lower) = rest.quotientAndRemainder(dividingBy: eightDigitPower)
            unsafe storeDigits(first, count: count &- 16, at: bytes)
            unsafe storeDigits(upper, count: 8, at: bytes + (count &- 16))
            unsafe storeDigits(lower, count: 8, at: bytes + (count &- 8))
        }
        return unsafe start + count
    }

    private static let eightDigitPower: UInt64 = 100_000_000

    /// Writes the last `count` digits, one to eight, of a number below 10^8, and anything behind them up to eight bytes.
    ///
    /// The digits are taken apart in the parts of one word: fours, pairs, digits.
    @inline(__always)
    private static func storeDigits(_ value: UInt64, count: Int, at target: UnsafeMutableRawPointer) {
        let four = (value &* 3_518_437_209) &>> 45
        let fours = four | (value &- four &* 10_000) &<< 32
        let pair = (fours &* 10_486) &>> 20 & 0x0000_007f_0000_007f
        let pairs = pair | (fours &- pair &* 100) &<< 16
        let digit = (pairs &* 103) &>> 10 & 0x000f_000f_000f_000f
        let digits = digit | (pairs &- digit &* 10) &<< 8 | 0x3030_3030_3030_3030
        unsafe target.storeBytes(of: (digits &>> UInt64(64 &- 8 &* count)).littleEndian, as: UInt64.self)
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

    private static func writeScientific(
        _ decimal: ShortestDecimal, exponent: Int, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        var cursor = unsafe write(decimal.digits, count: decimal.digitCount, at: start)
        if decimal.digits >= 10 { unsafe cursor = insertPoint(behind: 1, of: start, end: cursor) }
        unsafe cursor[0] = UInt8(ascii: "e")
        unsafe cursor[1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        unsafe cursor += 2
        if exponent.magnitude < 10 {
            unsafe cursor.pointee = UInt8(ascii: "0")
            unsafe cursor += 1
        }
        return unsafe write(UInt64(exponent.magnitude), at: cursor)
    }

    private static func writePlain(
        _ decimal: ShortestDecimal, pointPosition: Int, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        if decimal.exponent >= 0 {
            let end = unsafe write(decimal.digits, count: decimal.digitCount, at: start)
            return unsafe decimal.isZero ? end : writeZeros(decimal.exponent, at: end)
        }
        if pointPosition <= 0 {
            let zeros = unsafe writeZeros(-pointPosition, at: write("0.", at: start))
            return unsafe write(decimal.digits, count: decimal.digitCount, at: zeros)
        }
        let end = unsafe write(decimal.digits, count: decimal.digitCount, at: start)
        return unsafe insertPoint(behind: pointPosition, of: start, end: end)
    }

    private static func insertPoint(
        behind count: Int, of start: UnsafeMutablePointer<UInt8>, end: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let point = unsafe start + count
        // At most seventeen digits, one of them in front of the point: two words hold the others, and there is room.
        let digits = UnsafeMutableRawPointer(point)
        let near = unsafe digits.loadUnaligned(as: UInt64.self)
        let far = unsafe digits.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        unsafe digits.storeBytes(of: near, toByteOffset: 1, as: UInt64.self)
        unsafe digits.storeBytes(of: far, toByteOffset: 9, as: UInt64.self)
        unsafe point.pointee = UInt8(ascii: ".")
        return unsafe end + 1
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
