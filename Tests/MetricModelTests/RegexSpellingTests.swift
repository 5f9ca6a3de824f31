import Testing

@testable import MetricModel

@Suite("Faults of regular expressions")
struct RegexSpellingTests {
    /// The texts are those of Prometheus, which Go gives.
    @Test(
        "a fault is told in Prometheus' words, with the part that it is about",
        arguments: [
            (#"("#, #"missing closing ): `(`"#),
            (#"a)"#, #"unexpected ): `a)`"#),
            (#"["#, #"missing closing ]: `[`"#),
            (#"[b-a]"#, #"invalid character class range: `b-a`"#),
            (#"[[:foo:]]"#, #"invalid character class range: `[:foo:]`"#),
            (#"a**"#, #"invalid nested repetition operator: `**`"#),
            (#"*"#, #"missing argument to repetition operator: `*`"#),
            (#"+"#, #"missing argument to repetition operator: `+`"#),
            (#"a{1001}"#, #"invalid repeat count: `{1001}`"#),
            (#"a{2,1}"#, #"invalid repeat count: `{2,1}`"#),
            (#"\"#, #"trailing backslash at end of expression: ``"#),
            (#"\q"#, #"invalid escape sequence: `\q`"#),
            (#"(?P<>a)"#, #"invalid named capture: `(?P<>`"#),
            (#"(?i"#, #"invalid or unsupported Perl syntax: `(?i`"#),
            (#"(?z)"#, #"invalid or unsupported Perl syntax: `(?z`"#),
            (#"\p{Foo}"#, #"invalid character class range: `\p{Foo}`"#),
            (#"\xZ"#, #"invalid escape sequence: `\xZ`"#),
            (#"(?<n"#, #"invalid named capture: `(?<n`"#),
            (#"a{100}{100}"#, #"invalid nested repetition operator: `{100}{100}`"#),
            (#"[a"#, #"missing closing ]: `[a`"#),
            (#"[a-\d]"#, #"invalid escape sequence: `\d`"#),
            (#"\8"#, #"invalid escape sequence: `\8`"#),
            (#"(?P=n)"#, #"invalid or unsupported Perl syntax: `(?P`"#),
            (#"(?=a)"#, #"invalid or unsupported Perl syntax: `(?=`"#),
            (#"\C"#, #"invalid escape sequence: `\C`"#),
            (#"[\q]"#, #"invalid escape sequence: `\q`"#),
            (#"(((a{100}){100}){100})"#, #"invalid repeat count: `{100}`"#),
            (#"a|*"#, #"missing argument to repetition operator: `*`"#),
            (#"(?i)(?s"#, #"invalid or unsupported Perl syntax: `(?s`"#),
            (#"(?P<n"#, #"invalid named capture: `(?P<n`"#),
            (#"?"#, #"missing argument to repetition operator: `?`"#),
            (#"|*"#, #"missing argument to repetition operator: `*`"#),
            (#"(*)"#, #"missing argument to repetition operator: `*`"#),
            (#"\pX"#, #"invalid character class range: `\pX`"#),
            (#"[^\x{110000}]"#, #"invalid escape sequence: `\x{110000`"#),
            (#"\x{110000}"#, #"invalid escape sequence: `\x{110000`"#),
            (#"\x{zz}"#, #"invalid escape sequence: `\x{z`"#),
            (#"a{0,1001}"#, #"invalid repeat count: `{0,1001}`"#),
            (#"[[:word:"#, #"missing closing ]: `[[:word:`"#),
            (#"[]a"#, #"missing closing ]: `[]a`"#),
            (#"a???"#, #"invalid nested repetition operator: `???`"#),
            (#"a+?*"#, #"invalid nested repetition operator: `+?*`"#),
            (#"x{2}{3}*"#, #"invalid nested repetition operator: `{2}{3}`"#),
            (#"(?P<é>x)"#, "invalid named capture: `(?P<é>`"), (#"[(?P<é>x)"#, "missing closing ]: `[(?P<é>x)`"),
            (#"(?<a"#, "invalid named capture: `(?<a`"), (#"x(?<>a)"#, "invalid named capture: `(?<>`"),
            (#"(?<=a>b)"#, "invalid named capture: `(?<=a>`"), (#"(?<n>a"#, "missing closing ): `(?<n>a`"),
        ])
    func complaint(pattern: String, reason: String) {
        let error = #expect(throws: RegexError.self) { try RegexPattern(pattern) }
        #expect(error?.reason == reason)
    }

    @Test(
        "named groups may be spelt without a P",
        arguments: [
            ("(?<n>a)b", "ab"), ("(?P<n>a)b", "ab"), (#"\(\?<"#, "(?<"), (#"\Q(?<\E(?<n>c)"#, "(?<c"),
            (#"[](?<]+(?<n>x)"#, "](?<x"), (#"[[:alpha:](?<]+(?<n>1)"#, "a(?<1"), (#"\\C"#, #"\C"#), (#"\Q\C"#, #"\C"#),
        ])
    func namedGroups(pattern: String, text: String) throws { #expect(try RegexPattern(pattern).matchesWhole(text)) }

    @Test("a replacement finds groups of both spellings")
    func expansion() throws {
        let pattern = try RegexPattern("(?<first>.)(?P<second>.)")
        let text = Array("ab".utf8)
        let match = try #require(pattern.groups(in: text, from: 0, wholeText: true))
        #expect(pattern.expand("${second}${first}", match: match, in: text) == "ba")
    }
}
