/// The shortest decimal that reads back as a given double, the closest one where several are as short: seventeen digits, those
/// behind the shortest decimal's zeros.
///
/// Two ways lead there. Nearly all numbers take one multiplication of 64 by 128 bits, which says how far the number lies from
/// the decimals around it: the interval that rounds to it is always wider than one unit of its last digit and narrower than ten,
/// so that at most one decimal with a digit less is inside, and else the closest is the shortest. Where one of these
/// distances is too close to a limit to be told from it, and at powers of two, whose interval is uneven, Schubfach decides
/// (Raffaello Giulietti, "The Schubfach way to render doubles", 2020): exactly, by a multiplication each for the number and
/// for the two ends of the interval.
struct ShortestDecimal {
    /// 10^16 <= `digits` < 10^17; zero for zero.
    let digits: UInt64
    /// The power of ten that the first digit counts.
    let exponent: Int

    var isZero: Bool { digits == 0 }

    private static let sixteenDigitPower: UInt64 = 10_000_000_000_000_000

    /// The decimal of a finite number that is not negative.
    @inline(__always)
    init(_ value: Double, _ powers: PowersOfTen) {
        let fraction = value.significandBitPattern
        let biasedExponent = Int(value.exponentBitPattern)
        if fraction != 0, biasedExponent != 0,
            let (closest, power) = Self.closest(fraction | 1 << 52, power: biasedExponent &- 1075, powers)
        {
            // Sixteen digits or seventeen.
            let isShort = closest < Self.sixteenDigitPower
            digits = isShort ? closest &* 10 : closest
            exponent = power &+ (isShort ? 15 : 16)
        } else {
            self = Self.exactly(value)
        }
    }

    private init(digits: UInt64, exponent: Int) {
        self.digits = digits
        self.exponent = exponent
    }

    /// The decimal of `significand` × 2^`power`, with a digit too many where that is zero; nil where it is a close thing.
    ///
    /// With `tens` = floor(log10(2^power)) a unit in the last place of the number is one to ten units of the decimal, and the
    /// number 4.5e15 to 9.1e16 of those. Distances are counted in parts of 2^59: right to two of them.
    @inline(__always)
    private static func closest(
        _ significand: UInt64, power: Int, _ powers: PowersOfTen
    ) -> (digits: UInt64, power: Int)? {
        let tens = (power &* 1_262_611) &>> 22
        let scale = powers.significand(-tens)
        // The product has its point behind the upper word of three.
        let shift = UInt64(truncatingIfNeeded: power &+ (-tens &* 1_741_647) &>> 19)
        let factor = significand &<< (shift &+ 1)
        let low = scale.low.multipliedFullWidth(by: factor)
        let high = scale.high.multipliedFullWidth(by: factor)
        let (fraction, overflows) = high.low.addingReportingOverflow(low.high)
        let whole = high.high &+ (overflows ? 1 : 0)
        let last = whole % 10
        let aboveTens = Int64(bitPattern: last &<< 59 | fraction &>> 5)
        let halfUnit = Int64(bitPattern: scale.high &>> (5 &- shift))
        let down = halfUnit &- aboveTens
        let up = halfUnit &- (10 &<< 59 &- aboveTens)
        let half = Int64(bitPattern: fraction &- 1 &<< 63)
        guard min(down.magnitude, up.magnitude, half.magnitude) > 2 else { return nil }
        // Which it is nobody can guess: masks, no branches.
        let isUp = UInt64(bitPattern: (0 &- up) &>> 63)
        let hasTens = isUp | UInt64(bitPattern: (0 &- down) &>> 63)
        let nearest = whole &+ fraction &>> 63
        let nearestTens = whole &- last &+ 10 & isUp
        return (nearest ^ (nearest ^ nearestTens) & hasTens, tens)
    }

    /// The decimal of any finite number that is not negative.
    @inline(never)
    private static func exactly(_ value: Double) -> ShortestDecimal {
        guard value > 0, value.isFinite else { return ShortestDecimal(digits: 0, exponent: 0) }
        let (significand, power) = schubfach(value)
        let count = digitCount(of: significand)
        return ShortestDecimal(digits: significand * powers[17 - count], exponent: power + count - 1)
    }

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
