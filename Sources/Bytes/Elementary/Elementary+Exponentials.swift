import Glibc

extension Elementary {
    /// e to a power.
    ///
    /// The argument loses multiples of ln 2, is divided by 16, and goes through a Taylor series for e^x - 1, which is
    /// doubled back four times.
    package static func exp(_ exponent: Double) -> Double {
        if exponent.isNaN || exponent == .infinity { return exponent }
        if exponent > 7.09782712893384e+02 { return .infinity }
        let multiple = (exponent * 1.4426950408889634).rounded(.toNearestOrEven)
        if multiple < -1075 { return 0 }
        // Numbers from 2^1023.5 on are infinite already.
        if multiple > 1023 { return .infinity }
        let ln2Upper = 0.69314718055966295651160180568695068359375
        let ln2Lower = 0.28235290563031577122588448175013436025525412068e-12
        let rest = exponent.addingProduct(-multiple, ln2Upper).addingProduct(-multiple, ln2Lower) * 0.0625
        var sum = 2.4801587301587301587e-5
        sum = 1.9841269841269841270e-4.addingProduct(sum, rest)
        sum = 1.3888888888888888889e-3.addingProduct(sum, rest)
        sum = 8.3333333333333333333e-3.addingProduct(sum, rest)
        sum = 4.1666666666666666667e-2.addingProduct(sum, rest)
        sum = 1.6666666666666666667e-1.addingProduct(sum, rest)
        sum = 0.5.addingProduct(sum, rest)
        sum = 1.0.addingProduct(sum, rest)
        var result = rest * sum
        for _ in 0..<3 { result *= result + 2 }
        return scaled(1.0.addingProduct(result, result + 2), by: Int(multiple))
    }

    /// Two to a power.
    package static func exp2(_ exponent: Double) -> Double {
        if exponent.isNaN || exponent == .infinity { return exponent }
        if exponent > 1.0239999999999999e+03 { return .infinity }
        if exponent < -1.0740e+03 { return 0 }
        let multiple = (exponent > 0 ? exponent + 0.5 : exponent - 0.5).rounded(.towardZero)
        let fraction = exponent - multiple
        let high = fraction * ln2High
        let low = -fraction * ln2Low
        let rest = high - low
        let square = rest * rest
        let series = polynomial(
            square,
            [
                4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05,
                -2.77777777770155933842e-03, 1.66666666666666657415e-01,
            ])
        let correction = rest - square * series
        return scaled(1 - ((low - (rest * correction) / (2 - correction)) - high), by: Int(multiple))
    }

    /// A number to a power: whole powers by repeated squaring, what is left through `exp` and `log`.
    package static func pow(_ base: Double, _ exponent: Double) -> Double {
        if exponent == 0 || base == 1 { return 1 }
        if exponent == 1 { return base }
        if base.isNaN || exponent.isNaN { return .nan }
        if base == 0 { return powerOfZero(base, exponent) }
        if exponent.isInfinite {
            if base == -1 { return 1 }
            return (base.magnitude < 1) == (exponent > 0) ? 0 : .infinity
        }
        if base == -.infinity { return powerOfZero(-0.0, -exponent) }
        if base == .infinity { return exponent < 0 ? 0 : .infinity }
        if exponent == 0.5 { return base.squareRoot() }
        if exponent == -0.5 { return 1 / base.squareRoot() }
        return finitePower(base, exponent)
    }

    private static func powerOfZero(_ zero: Double, _ exponent: Double) -> Double {
        let isOdd = exponent.magnitude < 0x1p53 && exponent.remainder(dividingBy: 2).magnitude == 1
        let size = exponent < 0 ? Double.infinity : 0
        return zero.sign == .minus && isOdd ? -size : size
    }

    private static func finitePower(_ base: Double, _ exponent: Double) -> Double {
        var whole = exponent.magnitude.rounded(.towardZero)
        var fraction = exponent.magnitude - whole
        if fraction != 0, base < 0 { return .nan }
        if whole >= 0x1p63 {
            if base == -1 { return 1 }
            return (base.magnitude < 1) == (exponent > 0) ? 0 : .infinity
        }
        var result = 1.0
        if fraction != 0 {
            if fraction > 0.5 {
                fraction -= 1
                whole += 1
            }
            result = exp(fraction * log(base))
        }
        var scale = 0
        var (square, squareScale) = fractionAndExponent(base)
        var bits = Int64(whole)
        while bits != 0 {
            if squareScale.magnitude > 1 << 12 {
                // Too large or too small whatever follows.
                scale += squareScale
                break
            }
            if bits & 1 == 1 {
                result *= square
                scale += squareScale
            }
            square *= square
            squareScale *= 2
            if square < 0.5 {
                square += square
                squareScale -= 1
            }
            bits >>= 1
        }
        return exponent < 0 ? scaled(1 / result, by: -scale) : scaled(result, by: scale)
    }

    /// A number as a fraction of at least a half and below one, times a power of two.
    static func fractionAndExponent(_ value: Double) -> (fraction: Double, exponent: Int) {
        if value == 0 || !value.isFinite { return (value, 0) }
        let fraction = value.significand * 0.5
        return (value.sign == .minus ? -fraction : fraction, Int(value.exponent) + 1)
    }
}
