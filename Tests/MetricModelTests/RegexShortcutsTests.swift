import MetricModel
import Testing

@Suite("Shortcuts of regular expressions")
struct RegexShortcutsTests {
    private static let shapes: [(String, RegexShortcuts.Shape)] = [
        ("", .alternatives([""])), ("foo", .alternatives(["foo"])), ("a|b|a", .alternatives(["a", "b"])),
        ("foo(bar|baz)", .alternatives(["foobar", "foobaz"])), ("(?:a|b)c", .alternatives(["ac", "bc"])),
        ("[ab]1", .alternatives(["a1", "b1"])), ("a\\.b", .alternatives(["a.b"])), ("a|", .alternatives(["a", ""])),
        ("^foo$", .alternatives(["foo"])), ("foo\\$", .alternatives(["foo$"])), (".*", .anything),
        (".+", .anythingButEmpty), ("foo.*", .startsWith("foo", needsMore: false)),
        ("foo.+", .startsWith("foo", needsMore: true)), (".*foo", .endsWith("foo", needsMore: false)),
        (".+foo", .endsWith("foo", needsMore: true)), (".*foo.*", .contains("foo")), (".+foo.*", .general),
        ("foo?", .general), ("foo.bar", .general), ("(?i)foo", .general), ("[a-z]", .general), ("[^a]", .general),
        ("\\d", .general), ("a{2}", .general), ("foo.*?", .general), ("a.*|b", .general), ("\\Qa|b\\E", .general),
        ("[[:alpha:]]", .general), ("(a|b)*", .general),
    ]

    @Test("the shape is recognised or left to RE2", arguments: shapes.indices)
    func shape(index: Int) {
        #expect(RegexShortcuts(Self.shapes[index].0).shape == Self.shapes[index].1)
    }

    @Test(
        "the prefix is one that every match has",
        arguments: [
            ("foo.*", "foo"), ("foo[0-9]+", "foo"), ("foo?bar", "fo"), ("foo|bar", ""), ("foobar|foobaz", "fooba"),
            ("(?i)foo", ""), (".*foo", ""), ("foo\\.bar.baz", "foo.bar"), ("fo{2}", "f"), ("a.*|b", ""),
        ])
    func prefix(expression: String, prefix: String) {
        #expect(RegexShortcuts(expression).prefix == prefix)
    }

    @Test("shortcuts agree with RE2 on every text")
    func agreement() throws {
        let expressions =
            Self.shapes.map(\.0) + [
                "host-(1|2)[34]", "é|ü", "[éü]x", ".*é.*", "a\\|b", "(a|(b|c)d)e", "x|y.*", "()", "a||b", "\\-\\_",
                "^a|b$",
                "x[0-9]+-1", "\\x41", "\\d1", "\\dd", "[a-z]+\\.b", "(?i)[f]oo", "[a-z]+\\Qa|\\E", "[a-z]*é", "(?:x)*y",
                "(?i:[f]oo)b", "[fx]oo$", "[a-f]o{1,2}", "\\041", "[a]\\|b", "(a)(b)", "[.]", "[|)]", ".*.*",
                ".*a.*b.*", "a.+b", "foo\\\\", "^", "$", "^.*$",
            ]
        let texts = [
            "", "foo", "foobar", "foobaz", "barfoo", "xfoox", "a", "b", "c", "ab", "ac", "bc", "a1", "b1", "a.b", "axb",
            "foo$",
            "fo", "FOO", "d", "7", "aa", "host-13", "host-24", "é", "ü", "éx", "x", "y", "yz", "ae", "bde", "cde",
            "a|b",
            "-_", ".", "|", ")", "foo\\", "foo\nbar", "größe", "\u{1F600}",
            "x12-1", "x12-2", "A", "51", "5d", "x.b", "FOO", "zé", "xxy", "fOOb", "xoo", "!", "x41",
        ]
        for expression in expressions {
            let pattern = try RegexPattern(expression)
            let shortcuts = RegexShortcuts(expression)
            for text in texts {
                var copy = text
                let found = copy.withUTF8 { bytes in
                    unsafe shortcuts.matches(UnsafeRawBufferPointer(bytes), otherwise: pattern)
                }
                #expect(found == pattern.matchesWhole(text), "\(expression) on \(text)")
                if pattern.matchesWhole(text) { #expect(text.hasPrefix(shortcuts.prefix), "\(expression) on \(text)") }
            }
        }
    }
}
