/// The shortest decimal that reads back as a given double, the closest one where several are as short.
///
/// Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles", 2020): one multiplication of 64 by 128 bits
/// each for the number and for the two ends of the interval that rounds to it.
struct ShortestDecimal {
    /// The digits as a whole number, without zeros at the end.
    let digits: UInt64
    /// The number is `digits` × 10^`exponent`.
    let exponent: Int

    /// How many digits there are; one for zero.
    let digitCount: Int

    var isZero: Bool { digits == 0 }

    /// How many digits a whole number has; one for zero.
    static func digitCount(of value: UInt64) -> Int {
        // 1233 / 4096 is a little more than log 2 / log 10: the guess is right or one too low.
        let guess = ((64 - (value | 1).leadingZeroBitCount) * 1233) >> 12
        return guess + (value >= powers[guess] ? 1 : 0) + (guess == 0 && value == 0 ? 1 : 0)
    }

    /// The powers of ten that fit 64 bits.
    private static let powers: InlineArray<20, UInt64> = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]

    /// The decimal of a finite number that is not negative.
    init(_ value: Double) {
        guard value > 0, value.isFinite else {
            digits = 0
            exponent = 0
            digitCount = 1
            return
        }
        if let (few, places) = Self.fewPlaces(value) {
            digits = few
            exponent = -places
            digitCount = Self.digitCount(of: few)
            return
        }
        var (significand, power) = Self.schubfach(value)
        if significand % 10 == 0 { Self.removeZeros(&significand, &power) }
        digits = significand
        exponent = power
        digitCount = Self.digitCount(of: significand)
    }

    /// The digits of a number that has one to three places behind the point, as most measured ones do; nil for others.
    ///
    /// It is tried: what reads back as the number and has at most fifteen digits is its shortest decimal, because no two
    /// decimals of fifteen digits read as the same double. Such a number takes a third of the time so.
    @inline(__always)
    private static func fewPlaces(_ value: Double) -> (digits: UInt64, places: Int)? {
        guard value < 1e12 else { return nil }
        let scaled = value * 1000
        let thousandths = UInt64(scaled + 0.5)
        guard (Double(thousandths) - scaled).magnitude <= scaled * 0x1p-51, Double(thousandths) / 1000 == value
        else { return nil }
        let (tenths, rest) = thousandths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return tenths % 10 == 0 ? nil : (tenths, 1) }
        return rest % 10 == 0 ? (thousandths / 10, 2) : (thousandths, 3)
    }

    /// Takes the zeros at the end off a number that is not zero, the most of them eight at a time.
    private static func removeZeros(_ significand: inout UInt64, _ power: inout Int) {
        while significand % 100_000_000 == 0 {
            significand /= 100_000_000
            power += 8
        }
        if significand % 10_000 == 0 {
            significand /= 10_000
            power += 4
        }
        if significand % 100 == 0 {
            significand /= 100
            power += 2
        }
        if significand % 10 == 0 {
            significand /= 10
            power += 1
        }
    }

    private static func schubfach(_ value: Double) -> (UInt64, Int) {
        let fraction = value.significandBitPattern
        let biasedExponent = Int(value.exponentBitPattern)
        let significand = biasedExponent == 0 ? fraction : fraction | 1 << 52
        let power = max(biasedExponent, 1) - 1075
        if power <= 0, power > -53, significand & (1 << UInt64(-power) - 1) == 0 {
            return (significand >> UInt64(-power), 0)
        }
        // Ends of the interval are part of it where the significand is even: ties go to even.
        let excludesEnds = significand & 1
        let isLowerCloser = fraction == 0 && biasedExponent > 1
        let decimalPower = (power * 1_262_611 - (isLowerCloser ? 524_031 : 0)) >> 22
        let shift = UInt64(power + (-decimalPower * 1_741_647) >> 19 + 1)
        let scale = PowersOfTen.significand(-decimalPower)
        // Everything below counts quarters of a unit.
        let lower = roundToOdd(scale, (4 * significand - (isLowerCloser ? 1 : 2)) << shift) + excludesEnds
        let middle = roundToOdd(scale, (4 * significand) << shift)
        let upper = roundToOdd(scale, (4 * significand + 2) << shift) - excludesEnds
        let truncated = middle / 4
        if truncated >= 10 {
            let tens = truncated / 10
            let isDownInside = lower <= 40 * tens
            let isUpInside = 40 * tens + 40 <= upper
            if isDownInside != isUpInside { return (tens + (isUpInside ? 1 : 0), decimalPower + 1) }
        }
        let isDownInside = lower <= 4 * truncated
        let isUpInside = 4 * truncated + 4 <= upper
        if isDownInside != isUpInside { return (truncated + (isUpInside ? 1 : 0), decimalPower) }
        let half = 4 * truncated + 2
        let roundsUp = middle > half || (middle == half && truncated & 1 == 1)
        return (truncated + (roundsUp ? 1 : 0), decimalPower)
    }

    /// The upper 64 bits of the product of 192 bits, the lowest bit set where anything but one unit below was cut off.
    private static func roundToOdd(_ scale: (high: UInt64, low: UInt64), _ factor: UInt64) -> UInt64 {
        let low = scale.low.multipliedFullWidth(by: factor)
        let high = scale.high.multipliedFullWidth(by: factor)
        let (middle, overflows) = high.low.addingReportingOverflow(low.high)
        let top = high.high &+ (overflows ? 1 : 0)
        return top | (middle > 1 ? 1 : 0)
    }
}
