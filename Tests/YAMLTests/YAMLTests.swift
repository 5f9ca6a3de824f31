import Testing

@testable import YAML

@Suite("YAML")
struct YAMLTests {
    /// A node in one line: texts in their quotes, lists and mappings in brackets.
    static func brief(_ node: YAMLNode?) -> String {
        switch node {
        case .none: "nothing"
        case .scalar(let scalar): scalar.style == .plain ? scalar.text : "'\(scalar.text)'"
        case .sequence(let sequence): "[" + sequence.elements.map { brief($0) }.joined(separator: ", ") + "]"
        case .mapping(let mapping):
            "{" + mapping.pairs.map { brief($0.key) + ": " + brief($0.value) }.joined(separator: ", ") + "}"
        }
    }

    @Test(
        "documents are read as they are written",
        arguments: [
            ("", "nothing"), ("# nothing\n", "nothing"), ("a", "a"), ("'a'", "'a'"),
            ("a: 1\nb: [x, \"y\"]", "{a: 1, b: [x, 'y']}"),
            ("- a\n- {b: c}\n-\n", "[a, {b: c}, ]"), ("a: &x [1]\nb: *x", "{a: [1], b: [1]}"),
            ("a: |\n  one\n  two\n", "{a: 'one\ntwo\n'}"), ("\u{feff}é: ü", "{é: ü}"), ("---\na\n...\n", "a"),
        ])
    func reads(_ text: String, _ expected: String) throws {
        #expect(Self.brief(try YAMLComposer.compose(text)) == expected)
    }

    @Test("nodes know where they begin")
    func marks() throws {
        guard case .mapping(let mapping) = try YAMLComposer.compose("a: 1\nb:\n  - é: [x, y]\n"),
            case .sequence(let list) = mapping.pairs[1].value, case .mapping(let inner) = list.elements[0],
            case .sequence(let flow) = inner.pairs[0].value
        else {
            Issue.record("another shape")
            return
        }
        #expect(mapping.pairs[1].key.mark == YAMLMark(line: 2, column: 1))
        #expect(inner.pairs[0].key.mark == YAMLMark(line: 3, column: 5))
        #expect(flow.elements[1].mark == YAMLMark(line: 3, column: 12))
    }

    @Test(
        "what is wrong is named with its place",
        arguments: [
            ("a: 1\na: 2", YAMLError.Reason.duplicateKey("a"), 2, 1), ("a: *b", .unknownAnchor("b"), 1, 4),
            ("a\n---\nb", .severalDocuments, 2, 1),
            ("a: [1\n", .syntax("did not find expected ',' or ']'"), 2, 1),
            ("a: b: c", .syntax("mapping values are not allowed in this context"), 1, 5),
        ])
    func errors(_ text: String, _ reason: YAMLError.Reason, _ line: Int, _ column: Int) {
        #expect(throws: YAMLError(reason: reason, mark: YAMLMark(line: line, column: column))) {
            try YAMLComposer.compose(text)
        }
    }

    @Test("nesting and aliases that blow up are refused")
    func limits() {
        let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(aliases)]\n"
        }
        for text in [deep, bomb] {
            let error = #expect(throws: YAMLError.self) { try YAMLComposer.compose(text) }
            if case .limit = error?.reason { continue }
            Issue.record("\(String(describing: error))")
        }
    }

    @Test(
        "what is written is read back the same",
        arguments: [
            "a: 1\nb: 'x: y'\nc: \"tab\\t\"\nd: [1, 'two']\ne: {f: g}\nh:\n- i: j\n  k: |\n    lines\n    more\n", "[]",
            "''",
            "a: \"\"\nb: null\nc: '# no comment'\n",
        ])
    func roundTrip(_ text: String) throws {
        let node = try #require(try YAMLComposer.compose(text))
        let written = try #require(YAMLWriter.write(node))
        #expect(Self.brief(try YAMLComposer.compose(written)) == Self.brief(node))
        #expect(try YAMLComposer.compose(written).flatMap { YAMLWriter.write($0) } == written)
    }
}
