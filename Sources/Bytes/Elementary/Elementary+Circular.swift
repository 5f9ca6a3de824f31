extension Elementary {
    /// The sine of an angle in radians.
    package static func sin(_ angle: Double) -> Double {
        if angle == 0 || angle.isNaN { return angle }
        if angle.isInfinite { return .nan }
        let reduced = octant(of: angle.magnitude)
        let result = reduced.octant & 3 == 1 || reduced.octant & 3 == 2 ? cosine(reduced.rest) : sine(reduced.rest)
        return (reduced.octant > 3) != (angle < 0) ? -result : result
    }

    /// The cosine of an angle in radians.
    package static func cos(_ angle: Double) -> Double {
        guard angle.isFinite else { return .nan }
        let reduced = octant(of: angle.magnitude)
        let place = reduced.octant & 3
        let result = place == 1 || place == 2 ? sine(reduced.rest) : cosine(reduced.rest)
        return (reduced.octant > 3) != (place > 1) ? -result : result
    }

    /// The tangent of an angle in radians.
    package static func tan(_ angle: Double) -> Double {
        if angle == 0 || angle.isNaN { return angle }
        if angle.isInfinite { return .nan }
        let reduced = octant(of: angle.magnitude)
        let square = reduced.rest * reduced.rest
        var result = reduced.rest
        if square > 1e-14 {
            let above = polynomial(
                square, [-1.30936939181383777646e4, 1.15351664838587416140e6, -1.79565251976484877988e7])
            let below = polynomial(
                square,
                [
                    1, 1.36812963470692954678e4, -1.32089234440210967447e6, 2.50083801823357915839e7,
                    -5.38695755929454629881e7,
                ])
            result += result * (square * above / below)
        }
        if reduced.octant & 2 == 2 { result = -1 / result }
        return angle < 0 ? -result : result
    }

    /// The sine within an eighth of a turn.
    @inline(__always)
    private static func sine(_ angle: Double) -> Double {
        let square = angle * angle
        let sum = polynomial(
            square,
            [
                1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
                -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1,
            ])
        return angle + angle * square * sum
    }

    /// The cosine within an eighth of a turn.
    @inline(__always)
    private static func cosine(_ angle: Double) -> Double {
        let square = angle * angle
        let sum = polynomial(
            square,
            [
                -1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
                2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2,
            ])
        return 1 - 0.5 * square + square * square * sum
    }

    /// Which eighth of a turn an angle ends in, counted to the nearest even one, and how far from its start it is.
    private static func octant(of angle: Double) -> (octant: Int, rest: Double) {
        if angle >= 0x1p29 { return octantOfLarge(angle) }
        var count = Int(angle * (4 / Double.pi))
        if count & 1 == 1 { count += 1 }
        let eighths = Double(count)
        let rest =
            ((angle - eighths * 7.85398125648498535156e-1) - eighths * 3.77489470793079817668e-8)
            - eighths * 2.69515142907905952645e-15
        return (count & 7, rest)
    }

    /// The same where an angle has no exact place among the eighths: its digits times as many of 4/pi as matter.
    ///
    /// M. Payne, R. Hanek: "Radian reduction for trigonometric functions", SIGNUM Newsletter 18 (1983).
    private static func octantOfLarge(_ angle: Double) -> (octant: Int, rest: Double) {
        let digits = angle.significandBitPattern | 1 << 52
        let position = Int(angle.exponent) - 52 + 61
        let word = position / 64
        let shift = UInt64(position % 64)
        func window(_ index: Int) -> UInt64 {
            shift == 0 ? fourOverPi[index] : fourOverPi[index] << shift | fourOverPi[index + 1] >> (64 - shift)
        }
        let last = window(word + 2).multipliedFullWidth(by: digits).high
        let middle = window(word + 1).multipliedFullWidth(by: digits)
        let (low, carry) = middle.low.addingReportingOverflow(last)
        let high = window(word) &* digits &+ middle.high &+ (carry ? 1 : 0)
        var octant = Int(high >> 61)
        let fraction = high << 3 | low >> 61
        // With the bit that a number does not show gone the rest are its digits.
        let shown = UInt64(fraction.leadingZeroBitCount) + 1
        let mantissa = (fraction << shown | low >> (64 - shown)) >> 12
        var rest = Double(bitPattern: mantissa | (1023 - shown) << 52)
        if octant & 1 == 1 {
            octant = (octant + 1) & 7
            rest -= 1
        }
        return (octant, rest * (Double.pi / 4))
    }

    /// The binary digits of 4/pi, 64 a word, the point behind the first.
    private static let fourOverPi: [UInt64] = [
        0x0000_0000_0000_0001, 0x45f3_06dc_9c88_2a53, 0xf84e_afa3_ea69_bb81, 0xb6c5_2b32_7887_2083,
        0xfca2_c757_bd77_8ac3, 0x6e48_dc74_849b_a5c0, 0x0c92_5dd4_13a3_2439, 0xfc3b_d639_6253_4e7d,
        0xd104_6bea_5d76_8909, 0xd338_e04d_68be_fc82, 0x7323_ac73_06a6_73e9, 0x3908_bf17_7bf2_5076,
        0x3ff1_2fff_bc0b_301f, 0xde5e_2316_b414_da3e, 0xda6c_fd9e_4f96_136e, 0x9e8c_7ecd_3cbf_d45a,
        0xea4f_758f_d7cb_e2f6, 0x7a0e_73ef_14a5_25d4, 0xd7f6_bf62_3f1a_ba10, 0xac06_608d_f8f6_d757,
    ]
}
