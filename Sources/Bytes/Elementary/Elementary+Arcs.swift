extension Elementary {
    /// The angle of a tangent, in radians.
    package static func atan(_ value: Double) -> Double { value == 0 ? value : odd(value, positiveArc) }

    /// The angle of a sine, in radians.
    package static func asin(_ value: Double) -> Double {
        if value == 0 { return value }
        return odd(value) { sine in
            if !(sine <= 1) { return .nan }
            let cosine = (1 - sine * sine).squareRoot()
            return sine > 0.7 ? Double.pi / 2 - positiveArc(cosine / sine) : positiveArc(sine / cosine)
        }
    }

    /// The angle of a cosine, in radians.
    package static func acos(_ value: Double) -> Double { Double.pi / 2 - asin(value) }

    /// The angle of the point (`across`, `up`), in radians.
    package static func atan2(_ up: Double, _ across: Double) -> Double {
        if up.isNaN || across.isNaN { return .nan }
        func signed(_ angle: Double) -> Double { up.sign == .minus ? -angle : angle }
        if up == 0 { return signed(across.sign == .minus ? Double.pi : 0) }
        if across == 0 { return signed(Double.pi / 2) }
        if across.isInfinite {
            if across > 0 { return signed(up.isInfinite ? Double.pi / 4 : 0) }
            return signed(up.isInfinite ? 3 * Double.pi / 4 : Double.pi)
        }
        if up.isInfinite { return signed(Double.pi / 2) }
        let angle = atan(up / across)
        guard across < 0 else { return angle }
        return angle <= 0 ? angle + Double.pi : angle - Double.pi
    }

    /// The angle of a positive tangent, brought below 0.66 by the tangents of an eighth and of a quarter of a turn.
    private static func positiveArc(_ value: Double) -> Double {
        let remainder = 6.123233995736765886130e-17
        if value <= 0.66 { return smallArc(value) }
        if value > 2.41421356237309504880 { return Double.pi / 2 - smallArc(1 / value) + remainder }
        return Double.pi / 4 + smallArc((value - 1) / (value + 1)) + 0.5 * remainder
    }

    @inline(__always)
    private static func smallArc(_ value: Double) -> Double {
        let square = value * value
        let above = polynomial(
            square,
            [
                -8.750608600031904122785e-01, -1.615753718733365076637e+01, -7.500855792314704667340e+01,
                -1.228866684490136173410e+02, -6.485021904942025371773e+01,
            ])
        let below = polynomial(
            square,
            [
                1, 2.485846490142306297962e+01, 1.650270098316988542046e+02, 4.328810604912902668951e+02,
                4.853903996359136964868e+02, 1.945506571482613964425e+02,
            ])
        return value * (square * above / below) + value
    }
}
