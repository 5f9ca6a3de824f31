extension Elementary {
    /// The natural logarithm.
    ///
    /// Numbers below the smallest normal one are taken for larger than they are, as Prometheus does on amd64.
    package static func log(_ value: Double) -> Double {
        if value.isNaN || value == .infinity { return value }
        if value < 0 { return .nan }
        if value == 0 { return -.infinity }
        var fraction = Double(bitPattern: value.bitPattern & 0x000f_ffff_ffff_ffff | 0x3fe0_0000_0000_0000)
        var exponent = Double(Int(value.bitPattern >> 52) - 0x3fe)
        if fraction < 7.07106781186547524401e-01 {
            fraction *= 2
            exponent -= 1
        }
        fraction -= 1
        let slope = fraction / (2 + fraction)
        let square = slope * slope
        let fourth = square * square
        let odd = square * polynomial(fourth, [oddLog[3], oddLog[2], oddLog[1], oddLog[0]])
        let even = fourth * polynomial(fourth, [evenLog[2], evenLog[1], evenLog[0]])
        let half = 0.5 * fraction * fraction
        return exponent * ln2High - ((half - (slope * (half + (odd + even)) + exponent * ln2Low)) - fraction)
    }

    /// The coefficients of the series of the logarithm, the odd ones and the even ones.
    private static let oddLog: [4 of Double] = [
        6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01,
    ]
    private static let evenLog: [3 of Double] = [
        3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01,
    ]

    /// The logarithm to the base of two; exact for powers of two.
    package static func log2(_ value: Double) -> Double {
        let (fraction, exponent) = fractionAndExponent(value)
        if fraction == 0.5 { return Double(exponent - 1) }
        return log(fraction) * (1 / ln2) + Double(exponent)
    }

    /// The logarithm to the base of ten, from the natural one.
    package static func log10(_ value: Double) -> Double { log(value) * 0.43429448190325182765 }

    /// The natural logarithm of one plus a number.
    static func log1p(_ value: Double) -> Double {
        if value.isNaN || value == .infinity || value == 0 { return value }
        if value < -1 { return .nan }
        if value == -1 { return -.infinity }
        if value.magnitude < 0x1p-29 {
            return value.magnitude < 0x1p-54 ? value : value - value * value * 0.5
        }
        if value > -2.928932188134524755992e-01, value < 4.142135623730950488017e-01 {
            return series(fraction: value, exponent: 0, correction: 0, isPowerOfTwo: false)
        }
        var sum = value
        var exponent = 0
        var correction = 0.0
        if value.magnitude < 0x1p53 {
            sum = 1 + value
            exponent = Int(sum.exponent)
            correction = (exponent > 0 ? 1 - (sum - value) : value - (sum - 1)) / sum
        } else {
            exponent = Int(value.exponent)
        }
        var digits = sum.significandBitPattern
        if digits < 0x0006_a09e_667f_3bcd {
            sum = Double(bitPattern: digits | 0x3ff0_0000_0000_0000)
        } else {
            exponent += 1
            sum = Double(bitPattern: digits | 0x3fe0_0000_0000_0000)
            digits = ((1 << 52) - digits) >> 2
        }
        return series(
            fraction: sum - 1, exponent: Double(exponent), correction: correction, isPowerOfTwo: digits == 0)
    }

    /// The logarithm of (1 + fraction) · 2^exponent, near a power of two by fewer terms.
    private static func series(
        fraction: Double, exponent: Double, correction: Double, isPowerOfTwo: Bool
    ) -> Double {
        let half = 0.5 * fraction * fraction
        if isPowerOfTwo {
            if fraction == 0 {
                return exponent == 0 ? 0 : exponent * ln2High + (correction + exponent * ln2Low)
            }
            let rest = half * (1 - 0.66666666666666666 * fraction)
            return exponent == 0
                ? fraction - rest
                : exponent * ln2High - ((rest - (exponent * ln2Low + correction)) - fraction)
        }
        let slope = fraction / (2 + fraction)
        let square = slope * slope
        let sum =
            square
            * polynomial(
                square,
                [oddLog[3], evenLog[2], oddLog[2], evenLog[1], oddLog[1], evenLog[0], oddLog[0]])
        if exponent == 0 { return fraction - (half - slope * (half + sum)) }
        return exponent * ln2High
            - ((half - (slope * (half + sum) + (exponent * ln2Low + correction))) - fraction)
    }
}
