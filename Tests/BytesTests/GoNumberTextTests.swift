import Testing

@testable import Bytes

@Suite("Numbers as Go reads them")
struct GoNumberTextTests {
    @Test(
        "underscores stand between digits, hexadecimal floats have an exponent",
        arguments: [
            ("1_0", 10), ("1_0.5", 10.5), ("1e1_0", 1e10), ("-1_000", -1000), ("+0x1p3", 8), ("0x_1p3", 8),
            ("0X1P-2", 0.25),
            ("0x1_0p0", 16), ("0x.8p1", 1), ("12.5", 12.5), ("-inf", -Double.infinity),
        ])
    func sound(_ text: String, number: Double) { #expect(GoNumberText.parse(text) == number) }

    @Test(
        "others are no numbers",
        arguments: [
            "", "_1", "1_", "1__0", "1_.5", "1._5", "1e_5", "1_e5", "0x10", "0x", "0xp1", "0x1p", "0x1p_2", "0x1__0p1",
            "--1_0",
            "+-0x1p1", "1_0x", "0x1p99999", "_", "0x_", "i_nf", "1 _0",
        ])
    func faulty(_ text: String) { #expect(GoNumberText.parse(text) == nil) }
}
