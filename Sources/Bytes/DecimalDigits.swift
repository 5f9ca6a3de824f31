/// The seventeen digits of a shortest decimal, taken apart, in the order that they are written in.
struct DecimalDigits {
    static let maximumCount = 17
    private static let sixteenDigitPower: UInt64 = 10_000_000_000_000_000
    private static let eightDigitPower: UInt64 = 100_000_000

    private let first: UInt8
    /// The digits behind the first, a byte each, the lowest byte first.
    private let following: UInt128
    /// The power of ten that the first digit counts.
    let exponent: Int
    /// How many digits there are without the zeros at the end; one for zero.
    let count: Int

    var isZero: Bool { first == 0 }

    @inline(__always)
    init(_ decimal: ShortestDecimal) {
        let (first, rest) = decimal.digits.quotientAndRemainder(dividingBy: Self.sixteenDigitPower)
        let (upper, lower) = rest.quotientAndRemainder(dividingBy: Self.eightDigitPower)
        self.first = UInt8(truncatingIfNeeded: first)
        let following = UInt128(Self.eight(lower)) &<< 64 | UInt128(Self.eight(upper))
        self.following = following
        exponent = decimal.exponent
        // A digit that is not zero leaves less than eight bits above it.
        count = Self.maximumCount &- following.leadingZeroBitCount &>> 3
    }

    /// Writes all digits at `start`, the zeros at the end too.
    @inline(__always)
    func write(at start: UnsafeMutablePointer<UInt8>) {
        unsafe start.pointee = first | UInt8(ascii: "0")
        unsafe write(from: 1, at: start + 1)
    }

    /// Writes the digits from one behind the first on at `start`, and anything behind them up to sixteen bytes.
    @inline(__always)
    func write(from place: Int, at start: UnsafeMutablePointer<UInt8>) {
        let ascii: UInt128 = 0x3030_3030_3030_3030_3030_3030_3030_3030
        let bytes = (following | ascii) &>> UInt128(truncatingIfNeeded: (place &- 1) &<< 3)
        unsafe UnsafeMutableRawPointer(start).storeBytes(of: bytes.littleEndian, as: UInt128.self)
    }

    /// The eight digits of a number below 10^8, a byte each, the first in the lowest.
    ///
    /// They are taken apart in the parts of one word: fours, pairs, digits.
    @inline(__always)
    static func eight(_ value: UInt64) -> UInt64 {
        let four = (value &* 3_518_437_209) &>> 45
        let fours = four | (value &- four &* 10_000) &<< 32
        let pair = (fours &* 10_486) &>> 20 & 0x0000_007f_0000_007f
        let pairs = pair | (fours &- pair &* 100) &<< 16
        let digit = (pairs &* 103) &>> 10 & 0x000f_000f_000f_000f
        return digit | (pairs &- digit &* 10) &<< 8
    }
}
