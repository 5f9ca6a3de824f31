import Bytes
import Glibc
import Testing

/// SplitMix64, so that every run tries the same numbers.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Decimal parsing")
struct DecimalParsingTests {
    static func reference(_ text: String) -> Double { unsafe strtod(text, nil) }

    @Test(
        "numbers are rounded as the C library rounds them",
        arguments: [
            "0", "-0", "1", "+1", "-1", "1.", ".5", "-.5", "00012", "1e0", "1E5", "1e+5", "1e-5", "123456789012345678",
            "12345678901234567890123", "9007199254740993", "9007199254740992.5", "1.7954517293943849e+09", "1e22",
            "1e23",
            "8.5e-23", "4.9e-324", "2.4e-324", "2.5e-324", "2.2250738585072014e-308", "2.2250738585072011e-308",
            "1.7976931348623157e308", "0.1", "0.30000000000000004", "1e-400", "0e999999999999999999999",
            "0.000000000000000000000000000000000000000000000000000000000001",
            "100000000000000000000000000000000000000000000000000", "5e-56", "7.1e55", "6.02214076e23",
            "1448997445238699", "3.518437208883201171875e13", "62.5364939768271845828", "179769313486231580793e288",
            "0.000000000000000000000000000000000000012345678901234567890123456789",
        ])
    func agreesWithTheCLibrary(text: String) {
        #expect(DecimalParsing.parse(text)?.bitPattern == Self.reference(text).bitPattern)
    }

    @Test(
        "what is not a number is refused",
        arguments: [
            "", " ", "+", "-", ".", "e5", "1e", "1e+", "1e5.", "1_000", "0x10", "0x1p4", "1p4", "--1", "+-1", "1 ",
            " 1",
            "1.2.3", "infinit", "nanx", "+nan", "-NaN", "1e400", "-1e309", "179769313486231580794e288", "inf1", "١",
            "1\u{0}", "1e5e5", "0b1", ".e1",
        ])
    func refuses(text: String) { #expect(DecimalParsing.parse(text) == nil) }

    @Test("infinity and NaN are read in any case")
    func special() {
        for text in ["inf", "Inf", "+INF", "infinity", "+Infinity"] { #expect(DecimalParsing.parse(text) == .infinity) }
        for text in ["-inf", "-Infinity"] { #expect(DecimalParsing.parse(text) == -.infinity) }
        for text in ["nan", "NaN", "NAN"] { #expect(DecimalParsing.parse(text)?.bitPattern == 0x7ff8_0000_0000_0001) }
    }

    @Test("random digits are rounded as the C library rounds them")
    func randomDigits() {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<60_000 {
            let digitCount = Int.random(in: 1...24, using: &generator)
            var text = (0..<digitCount).map { _ in String(Int.random(in: 0...9, using: &generator)) }.joined()
            let point = Int.random(in: 0...digitCount, using: &generator)
            text.insert(".", at: text.index(text.startIndex, offsetBy: point))
            text += "e" + String(Int.random(in: -340...290, using: &generator))
            let expected = Self.reference(text)
            #expect(
                DecimalParsing.parse(text)?.bitPattern == (expected.isInfinite ? nil : expected.bitPattern), "\(text)")
        }
    }

    @Test("halfway points between neighbouring doubles are rounded to even")
    func halfwayPoints() {
        var generator = SeededGenerator(state: 2)
        for _ in 0..<20_000 {
            // 54 significant bits: exactly between two doubles, written in full by printf.
            let value = (generator.next() >> 10) | 1
            for text in ["\(value)", "\(value).0000000000000000000001", "\(value - 1).9999999999999999999999"] {
                #expect(DecimalParsing.parse(text)?.bitPattern == Self.reference(text).bitPattern, "\(text)")
            }
        }
    }

    @Test("every finite double reads back from its shortest text")
    func roundTrip() {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<60_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(DecimalParsing.parse(value.description)?.bitPattern == value.bitPattern)
        }
    }
}

@Suite("Decimal formatting")
struct DecimalFormattingTests {
    struct Spelling: Sendable {
        var value: Double
        var plain: String
        var general: String
        var compact: String
        var sample: String
        var exponent: String
        var openMetrics: String
    }

    static let spellings = [
        Spelling(
            value: 0, plain: "0", general: "0", compact: "0", sample: "0", exponent: "0e+00", openMetrics: "0.0"),
        Spelling(
            value: -0.0, plain: "-0", general: "-0", compact: "-0", sample: "-0", exponent: "-0e+00",
            openMetrics: "-0.0"),
        Spelling(
            value: 1, plain: "1", general: "1", compact: "1", sample: "1", exponent: "1e+00", openMetrics: "1.0"),
        Spelling(
            value: 0.5, plain: "0.5", general: "0.5", compact: "0.5", sample: "0.5", exponent: "5e-01",
            openMetrics: "0.5"),
        Spelling(
            value: 999_999, plain: "999999", general: "999999", compact: "999999", sample: "999999",
            exponent: "9.99999e+05", openMetrics: "999999.0"),
        Spelling(
            value: 1e6, plain: "1000000", general: "1000000", compact: "1e+06", sample: "1000000", exponent: "1e+06",
            openMetrics: "1e+06"),
        Spelling(
            value: 138_428_416, plain: "138428416", general: "138428416", compact: "1.38428416e+08",
            sample: "138428416", exponent: "1.38428416e+08", openMetrics: "1.38428416e+08"),
        Spelling(
            value: 1e20, plain: "100000000000000000000", general: "100000000000000000000", compact: "1e+20",
            sample: "100000000000000000000", exponent: "1e+20", openMetrics: "1e+20"),
        Spelling(
            value: 1e21, plain: "1000000000000000000000", general: "1e+21", compact: "1e+21", sample: "1e+21",
            exponent: "1e+21", openMetrics: "1e+21"),
        Spelling(
            value: 1e-4, plain: "0.0001", general: "0.0001", compact: "0.0001", sample: "0.0001", exponent: "1e-04",
            openMetrics: "0.0001"),
        Spelling(
            value: 0.00001234, plain: "0.00001234", general: "1.234e-05", compact: "1.234e-05", sample: "0.00001234",
            exponent: "1.234e-05", openMetrics: "1.234e-05"),
        Spelling(
            value: 1e-6, plain: "0.000001", general: "1e-06", compact: "1e-06", sample: "0.000001",
            exponent: "1e-06", openMetrics: "1e-06"),
        Spelling(
            value: 1e-7, plain: "0.0000001", general: "1e-07", compact: "1e-07", sample: "1e-07", exponent: "1e-07",
            openMetrics: "1e-07"),
        Spelling(
            value: -1_795_451_729.3943849, plain: "-1795451729.3943849", general: "-1795451729.3943849",
            compact: "-1.7954517293943849e+09", sample: "-1795451729.3943849", exponent: "-1.7954517293943849e+09",
            openMetrics: "-1.7954517293943849e+09"),
        Spelling(
            value: 0.1 + 0.2, plain: "0.30000000000000004", general: "0.30000000000000004",
            compact: "0.30000000000000004", sample: "0.30000000000000004", exponent: "3.0000000000000004e-01",
            openMetrics: "0.30000000000000004"),
        Spelling(
            value: 1e-300, plain: "0." + String(repeating: "0", count: 299) + "1", general: "1e-300",
            compact: "1e-300", sample: "1e-300", exponent: "1e-300", openMetrics: "1e-300"),
        Spelling(
            value: .nan, plain: "NaN", general: "NaN", compact: "NaN", sample: "NaN", exponent: "NaN",
            openMetrics: "NaN"),
        Spelling(
            value: .infinity, plain: "+Inf", general: "+Inf", compact: "+Inf", sample: "+Inf", exponent: "+Inf",
            openMetrics: "+Inf"),
        Spelling(
            value: -.infinity, plain: "-Inf", general: "-Inf", compact: "-Inf", sample: "-Inf", exponent: "-Inf",
            openMetrics: "-Inf"),
    ]

    @Test("every style spells numbers as Go and Prometheus do", arguments: spellings)
    func styles(spelling: Spelling) {
        #expect(DecimalFormatting.text(spelling.value, style: .plain) == spelling.plain)
        #expect(DecimalFormatting.text(spelling.value, style: .general) == spelling.general)
        #expect(DecimalFormatting.text(spelling.value, style: .compact) == spelling.compact)
        #expect(DecimalFormatting.text(spelling.value, style: .sample) == spelling.sample)
        #expect(DecimalFormatting.text(spelling.value, style: .exponent) == spelling.exponent)
        #expect(DecimalFormatting.text(spelling.value, style: .openMetrics) == spelling.openMetrics)
    }

    /// The digits of a number's text, without point, exponent, and zeros at either end.
    static func digits(_ text: String) -> String {
        var digits = text.prefix { $0 != "e" }.filter(\.isNumber)
        while digits.hasPrefix("0") { digits.removeFirst() }
        while digits.hasSuffix("0") { digits.removeLast() }
        return digits
    }

    @Test("the digits are the shortest that read back, as those of the standard library")
    func shortest() {
        var generator = SeededGenerator(state: 4)
        var values: [Double] = [
            .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, .leastNonzeroMagnitude * 19,
        ]
        for power in -1074...1023 { values.append(Double(sign: .plus, exponent: power, significand: 1)) }
        for _ in 0..<40_000 { values.append(Double(bitPattern: generator.next() >> 1)) }
        for _ in 0..<20_000 { values.append(Double(generator.next() >> 40) / 1000) }
        for scale in [10.0, 100, 1000] {
            for bits in UInt64(8)..<52 { values.append(Double(generator.next() >> (64 - bits)) / scale) }
            for whole in 0..<2000 { values.append(Double(whole) / scale) }
        }
        // Beyond 2^53 decimals lie exactly between doubles, or on the ends of their intervals.
        for power in 1...20 {
            for _ in 0..<500 {
                values.append(Double(sign: .plus, exponent: power, significand: Double(generator.next() >> 11)))
            }
        }
        // Rates and ratios, whose digits are as many as there are.
        for _ in 0..<20_000 { values.append(Double(generator.next() >> 11) / Double(generator.next() >> 11 | 1)) }
        for value in values where value.isFinite {
            for style in [DecimalFormatting.Style.exponent, .sample] {
                let text = DecimalFormatting.text(value, style: style)
                #expect(DecimalParsing.parse(text) == value, "\(text)")
                #expect(Self.digits(text) == Self.digits(value.description), "\(text)")
            }
        }
    }

    @Test("numbers written one after the other look as those written alone")
    func samples() {
        var generator = SeededGenerator(state: 6)
        var values = Self.spellings.map(\.value) + [1e5, 99_999.999, 100_000.001, 0.001, 0.0005, 12.5, 1e16]
        for _ in 0..<10_000 { values.append(Double(bitPattern: generator.next())) }
        for _ in 0..<10_000 { values.append(Double(Int64(bitPattern: generator.next()) >> 30) / 1000) }
        let writer = DecimalFormatting.SampleWriter()
        for value in values {
            var bytes: [UInt8] = []
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: DecimalFormatting.maximumByteCount) {
                buffer in
                guard let start = buffer.baseAddress else { return }
                let end = unsafe writer.write(value, at: start)
                unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: end - start))
            }
            #expect(String(decoding: bytes, as: UTF8.self) == DecimalFormatting.text(value, style: .sample))
        }
    }

    @Test("whole numbers of every length are written in decimal")
    func lengths() {
        var generator = SeededGenerator(state: 5)
        var power: UInt64 = 1
        for _ in 0..<20 {
            var values = [power - 1, power, power + 1]
            for _ in 0..<500 { values.append(generator.next() % power) }
            for value in values {
                var bytes: [UInt8] = []
                DecimalFormatting.append(value, to: &bytes)
                #expect(String(decoding: bytes, as: UTF8.self) == String(value))
            }
            power = power.multipliedReportingOverflow(by: 10).partialValue
        }
    }

    @Test("whole numbers are written in decimal")
    func integers() {
        var bytes: [UInt8] = []
        DecimalFormatting.append(Int64.min, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        DecimalFormatting.append(UInt64.max, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        DecimalFormatting.append(UInt64(0), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "-9223372036854775808 18446744073709551615 0")
    }
}
