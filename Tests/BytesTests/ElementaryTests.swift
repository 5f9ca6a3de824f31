import Bytes
import Testing

/// What Go 1.26 (and 1.19) computes on amd64: Prometheus' numbers.
@Suite("Elementary functions")
struct ElementaryTests {
    static let functions: [String: @Sendable (Double) -> Double] = [
        "exp": Elementary.exp, "exp2": Elementary.exp2, "log": Elementary.log, "log2": Elementary.log2,
        "log10": Elementary.log10, "sin": Elementary.sin, "cos": Elementary.cos, "tan": Elementary.tan,
        "asin": Elementary.asin, "acos": Elementary.acos, "atan": Elementary.atan, "sinh": Elementary.sinh,
        "cosh": Elementary.cosh, "tanh": Elementary.tanh, "asinh": Elementary.asinh, "acosh": Elementary.acosh,
        "atanh": Elementary.atanh,
    ]

    /// FNV-1a over the bits of results at numbers between minus half of each width and half of it.
    private func digest(_ result: (_ number: () -> Double, _ width: Double) -> Double) -> UInt64 {
        var state: UInt64 = 1
        var digest: UInt64 = 14_695_981_039_346_656_037
        func number() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53 - 0.5
        }
        for width in [2, 40, 3000, 1e12] {
            for _ in 0..<2500 {
                let value = result(number, width)
                digest = (digest ^ (value.isNaN ? 0x7ff8_0000_0000_0001 : value.bitPattern)) &* 1_099_511_628_211
            }
        }
        return digest
    }

    @Test(
        "10,000 results of every function have the bits of Prometheus",
        arguments: [
            ("exp", 0xe520_993b_5dd1_15ba),
            ("exp2", 0x182d_2e81_86f8_97fa),
            ("log", 0xb756_cf4c_3bff_8e7f),
            ("log2", 0xd42e_763d_85dd_8e7c),
            ("log10", 0x9198_bc1f_0ce6_06c7),
            ("sin", 0x1d6b_07e5_888a_05a1),
            ("cos", 0xe9b4_364d_c6ae_3256),
            ("tan", 0xc03b_c5b1_563f_512b),
            ("asin", 0x8c0f_0013_60b2_a442),
            ("acos", 0x66ea_9aca_1725_e362),
            ("atan", 0x8c71_e960_1a21_f7ac),
            ("sinh", 0xaa7f_f9fe_9ea7_c445),
            ("cosh", 0x1b17_6532_ddbc_9943),
            ("tanh", 0xc2e9_5fdd_443a_f95d),
            ("asinh", 0x4509_6d3c_b958_2b63),
            ("acosh", 0xbb42_848d_30fc_6776),
            ("atanh", 0xc21f_f542_6417_6523),
        ] as [(String, UInt64)])
    func bits(name: String, expected: UInt64) throws {
        let function = try #require(Self.functions[name])
        #expect(digest { function($0() * $1) } == expected)
    }

    @Test("10,000 powers and angles of points have them too")
    func bitsOfTwo() {
        #expect(digest { Elementary.pow($0() * $1, $0() * 40) } == 0x5a64_badb_54c5_530e)
        #expect(digest { Elementary.atan2($0() * $1, $0() * 40) } == 0x14a0_9fcb_b4c5_39e3)
    }

    @Test(
        "results that a correctly rounded function would not give",
        arguments: [
            ("exp", 1, 2.718281828459045),
            ("exp", -744.5, .leastNonzeroMagnitude),
            ("exp", 709.7, .infinity),
            ("exp", 709.4, 1.2260423226426727e+308),
            ("log", .leastNonzeroMagnitude, -709.0895657128241),
            ("log10", 1000, 3),
            ("log10", 3, 0.4771212547196624),
            ("log2", 3, 1.5849625007211563),
            ("log2", 0.125, -3),
            ("sin", 1e+300, -0.8178819121159087),
            ("cos", 5.368709125e+08, -0.9860329454396378),
            ("tan", 1.25, 3.0095696738628313),
            ("asin", 0.75, 0.848062078981481),
            ("acos", -1, 3.141592653589793),
            ("sinh", 0.25, 0.2526123168081683),
            ("tanh", 0.625, 0.5545997223493824),
            ("acosh", 1.5, 0.9624236501192069),
            ("atanh", -0.75, -0.9729550745276566),
            ("asinh", -3, -1.8184464592320668),
        ] as [(String, Double, Double)])
    func result(name: String, argument: Double, expected: Double) throws {
        let function = try #require(Self.functions[name])
        #expect(function(argument) == expected)
    }

    @Test("whole numbers and corners of powers")
    func powers() {
        #expect(Elementary.pow(2, 10) == 1024)
        #expect(Elementary.pow(-2, 3) == -8)
        #expect(Elementary.pow(-2, 0.5).isNaN)
        #expect(Elementary.pow(.nan, 0) == 1)
        #expect(Elementary.pow(-0.0, -3) == -.infinity)
        #expect(Elementary.pow(-.infinity, 3) == -.infinity)
        #expect(Elementary.pow(-.infinity, -2) == 0)
        #expect(Elementary.pow(-1, .infinity) == 1)
        #expect(Elementary.pow(0.5, 1e300) == 0)
        #expect(Elementary.pow(1.5, 1e300) == .infinity)
        #expect(Elementary.pow(2, -1074) == .leastNonzeroMagnitude)
        #expect(Elementary.pow(2, 1e5) == .infinity)
    }
}
