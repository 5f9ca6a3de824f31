extension Elementary {
    /// The hyperbolic sine.
    package static func sinh(_ value: Double) -> Double {
        odd(value) { size in
            if size > 21 { return exp(size) * 0.5 }
            if size > 0.5 {
                let power = exp(size)
                return (power - 1 / power) * 0.5
            }
            let square = size * size
            let above = polynomial(
                square,
                [
                    -0.2630563213397497062819489e+2, -0.2894211355989563807284660366e+4,
                    -0.8991272022039509355398013511e+5, -0.6307673640497716991184787251e+6,
                ])
            let below = polynomial(
                square,
                [
                    1, -0.173678953558233699533450911e+3, 0.1521517378790019070696485176e+5,
                    -0.6307673640497716991212077277e+6,
                ])
            return above * size / below
        }
    }

    /// The hyperbolic cosine.
    package static func cosh(_ value: Double) -> Double {
        let power = exp(value.magnitude)
        return value.magnitude > 21 ? power * 0.5 : (power + 1 / power) * 0.5
    }

    /// The hyperbolic tangent.
    package static func tanh(_ value: Double) -> Double {
        let size = value.magnitude
        if size > 0.5 * 8.8029691931113054295988e+01 { return value < 0 ? -1 : 1 }
        if size >= 0.625 {
            let result = 1 - 2 / (exp(2 * size) + 1)
            return value < 0 ? -result : result
        }
        if value == 0 { return value }
        let square = value * value
        let above = polynomial(
            square, [-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3])
        let below = polynomial(
            square, [1, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3])
        return value + value * square * above / below
    }

    /// The number of a hyperbolic sine.
    package static func asinh(_ value: Double) -> Double {
        guard value.isFinite else { return value }
        return odd(value) { size in
            if size > 0x1p28 { return log(size) + ln2 }
            if size > 2 { return log(2 * size + 1 / ((size * size + 1).squareRoot() + size)) }
            if size < 0x1p-28 { return size }
            return log1p(size + size * size / (1 + (1 + size * size).squareRoot()))
        }
    }

    /// The number of a hyperbolic cosine.
    package static func acosh(_ value: Double) -> Double {
        if !(value >= 1) { return .nan }
        if value == 1 { return 0 }
        if value >= 0x1p28 { return log(value) + ln2 }
        if value > 2 { return log(2 * value - 1 / (value + (value * value - 1).squareRoot())) }
        let rest = value - 1
        return log1p(rest + (2 * rest + rest * rest).squareRoot())
    }

    /// The number of a hyperbolic tangent.
    package static func atanh(_ value: Double) -> Double {
        odd(value) { size in
            if !(size <= 1) { return .nan }
            if size == 1 { return .infinity }
            if size < 0x1p-28 { return size }
            let twice = size + size
            if size < 0.5 { return 0.5 * log1p(twice + twice * size / (1 - size)) }
            return 0.5 * log1p(twice / (1 - size))
        }
    }
}
