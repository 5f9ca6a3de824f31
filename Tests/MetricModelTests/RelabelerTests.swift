import MetricModel
import Testing

/// One rule, the labels it is given, and what must come out (nil: dropped).
struct RelabelCase: Sendable, CustomTestStringConvertible {
    var what: String
    var rules: [RelabelRule]
    var input: LabelSet
    var output: LabelSet?
    var testDescription: String { what }

    init(
        _ what: String, _ rules: [RelabelRule], _ input: KeyValuePairs<String, String>,
        _ output: KeyValuePairs<String, String>?
    ) {
        self.what = what
        self.rules = rules
        self.input = LabelSet(input)
        self.output = output.map { LabelSet($0) }
    }
}

@Suite("Relabelling")
struct RelabelerTests {
    static func cases() throws -> [RelabelCase] {
        try replaceCases() + targetCases() + filterCases() + nameCases() + valueCases()
    }

    static func replaceCases() throws -> [RelabelCase] {
        [
            RelabelCase("no rules keep everything", [], ["a": "foo"], ["a": "foo"]),
            RelabelCase(
                "a part of one label becomes another",
                [try RelabelRule(sourceLabels: ["a"], regex: "f(.*)", targetLabel: "d", replacement: "ch${1}-ch${1}")],
                ["a": "foo", "b": "bar"], ["a": "foo", "b": "bar", "d": "choo-choo"]),
            RelabelCase(
                "rules see what the rules before them made",
                [
                    try RelabelRule(
                        sourceLabels: ["a", "b"], regex: "f(.*);(.*)r", targetLabel: "a", replacement: "b${1}${2}m"),
                    try RelabelRule(
                        sourceLabels: ["c", "a"], regex: "(b).*b(.*)ba(.*)", targetLabel: "d", replacement: "$1$2$2$3"),
                ],
                ["a": "foo", "b": "bar", "c": "baz"], ["a": "boobam", "b": "bar", "c": "baz", "d": "boooom"]),
            RelabelCase(
                "the whole value must match",
                [try RelabelRule(sourceLabels: ["a"], regex: "f", targetLabel: "b", replacement: "bar")],
                ["a": "foo"], ["a": "foo"]),
            RelabelCase(
                "no match leaves the target alone",
                [try RelabelRule(sourceLabels: ["a"], regex: "x(.*)", targetLabel: "b", replacement: "y")],
                ["a": "foo", "b": "bar"], ["a": "foo", "b": "bar"]),
            RelabelCase(
                "an empty result removes the target",
                [try RelabelRule(sourceLabels: ["a"], regex: "(f).*", targetLabel: "a", replacement: "$2")],
                ["a": "foo"], [:]),
            RelabelCase(
                "an empty replacement removes the target", [try RelabelRule(targetLabel: "a", replacement: "")],
                ["a": "foo", "b": "x"], ["b": "x"]),
            RelabelCase(
                "a literal is set without any source", [try RelabelRule(targetLabel: "a", replacement: "x")],
                ["b": "y"],
                ["a": "x", "b": "y"]),
            RelabelCase(
                "the defaults copy a label", [try RelabelRule(sourceLabels: ["a"], targetLabel: "b")], ["a": "foo"],
                ["a": "foo", "b": "foo"]),
        ]
    }

    static func targetCases() throws -> [RelabelCase] {
        [
            RelabelCase(
                "the target may be made from the match",
                [
                    try RelabelRule(
                        sourceLabels: ["a"], regex: "some-([^-]+)-([^,]+)", targetLabel: "${1}", replacement: "${2}")
                ],
                ["a": "some-name-value"], ["a": "some-name-value", "name": "value"]),
            RelabelCase(
                "named groups are filled in",
                [
                    try RelabelRule(
                        sourceLabels: ["a"], regex: "(?P<host>[^:]+):.*", targetLabel: "host", replacement: "${host}!")
                ],
                ["a": "db:9100"], ["a": "db:9100", "host": "db!"]),
            RelabelCase(
                "a made target that is no legacy name is left out under the legacy scheme",
                [
                    try RelabelRule(
                        sourceLabels: ["a"], regex: "some-([^-]+)-([^,]+)", targetLabel: "${3}", replacement: "${1}",
                        nameValidation: .legacy)
                ],
                ["a": "some-name-0"], ["a": "some-name-0"]),
            RelabelCase(
                "the dot matches a newline", [try RelabelRule(sourceLabels: ["a"], regex: "x(.*)z", targetLabel: "b")],
                ["a": "x\nz"], ["a": "x\nz", "b": "\n"]),
            RelabelCase(
                "an explicitly empty separator joins without one",
                [try RelabelRule(sourceLabels: ["a", "b"], separator: "", targetLabel: "c")], ["a": "1", "b": "2"],
                ["a": "1", "b": "2", "c": "12"]),
            RelabelCase(
                "a missing source counts as empty",
                [try RelabelRule(sourceLabels: ["a", "none", "b"], targetLabel: "c")],
                ["a": "1", "b": "2"], ["a": "1", "b": "2", "c": "1;;2"]),
            RelabelCase(
                "a dollar is written twice",
                [try RelabelRule(sourceLabels: ["a"], targetLabel: "b", replacement: "$$1")],
                ["a": "x"], ["a": "x", "b": "$1"]),
        ]
    }

    static func filterCases() throws -> [RelabelCase] {
        let afterDrop = try RelabelRule(sourceLabels: ["a"], regex: "f(.*)", targetLabel: "d", replacement: "x")
        return [
            RelabelCase(
                "drop drops what matches", [try RelabelRule(.drop, "a", matching: ".*o.*"), afterDrop], ["a": "foo"],
                nil),
            RelabelCase(
                "drop keeps what does not match", [try RelabelRule(.drop, "a", matching: ".*o.*")], ["a": "bar"],
                ["a": "bar"]),
            RelabelCase(
                "drop of an absent label by an empty match", [try RelabelRule(.drop, "b", matching: "")], ["a": "bar"],
                nil),
            RelabelCase(
                "keep drops what does not match", [try RelabelRule(.keep, "a", matching: "no-match")], ["a": "foo"], nil
            ),
            RelabelCase(
                "keep needs the whole value", [try RelabelRule(.keep, "a", matching: "f|o")], ["a": "foo"], nil),
            RelabelCase(
                "keep keeps what matches", [try RelabelRule(.keep, "a", matching: "f.*")], ["a": "foo"], ["a": "foo"]),
            RelabelCase(
                "keepequal keeps equal values",
                [try RelabelRule(action: .keepequal, sourceLabels: ["a"], targetLabel: "b")],
                ["a": "x", "b": "x"], ["a": "x", "b": "x"]),
            RelabelCase(
                "keepequal drops different values",
                [try RelabelRule(action: .keepequal, sourceLabels: ["a"], targetLabel: "b")],
                ["a": "x", "b": "y"], nil),
            RelabelCase(
                "dropequal drops equal values",
                [try RelabelRule(action: .dropequal, sourceLabels: ["a"], targetLabel: "b")],
                ["a": "x", "b": "x"], nil),
            RelabelCase(
                "dropequal takes two absent labels as equal",
                [try RelabelRule(action: .dropequal, sourceLabels: ["c"], targetLabel: "d")], ["a": "x"], nil),
        ]
    }

    static func nameCases() throws -> [RelabelCase] {
        [
            RelabelCase(
                "labelmap copies by name", [try RelabelRule(action: .labelmap, regex: "__meta_(my.*)")],
                ["__meta_my_a": "1", "__meta_x": "2"], ["__meta_my_a": "1", "__meta_x": "2", "my_a": "1"]),
            RelabelCase(
                "labelmap with a replacement",
                [try RelabelRule(action: .labelmap, regex: "meta_(ng.*)", replacement: "n_${1}")],
                ["a": "foo", "meta_ng_x": "bar"], ["a": "foo", "meta_ng_x": "bar", "n_ng_x": "bar"]),
            RelabelCase(
                "labelmap looks at the names there were before it",
                [try RelabelRule(action: .labelmap, regex: "a(.*)", replacement: "aa$1")],
                ["a": "1", "aa": "2"], ["a": "1", "aa": "1", "aaa": "1"]),
            RelabelCase(
                "labeldrop drops by name", [try RelabelRule(.labeldrop, matching: "(b.*)")],
                ["a": "foo", "b1": "bar", "b2": "baz"], ["a": "foo"]),
            RelabelCase(
                "labelkeep keeps by name", [try RelabelRule(.labelkeep, matching: "(b.*)")],
                ["a": "foo", "b1": "bar", "b2": "baz"], ["b1": "bar", "b2": "baz"]),
        ]
    }

    static func valueCases() throws -> [RelabelCase] {
        [
            RelabelCase(
                "hashmod gives the reference's remainder",
                [try RelabelRule(action: .hashmod, sourceLabels: ["c"], targetLabel: "d", modulus: 1000)],
                ["a": "foo", "b": "bar", "c": "baz"], ["a": "foo", "b": "bar", "c": "baz", "d": "976"]),
            RelabelCase(
                "hashmod hashes newlines too",
                [try RelabelRule(action: .hashmod, sourceLabels: ["a"], targetLabel: "d", modulus: 1000)],
                ["a": "foo\nbar"], ["a": "foo\nbar", "d": "734"]),
            RelabelCase(
                "lowercase and uppercase write to the target",
                [
                    try RelabelRule(action: .lowercase, sourceLabels: ["foo"], targetLabel: "low"),
                    try RelabelRule(action: .uppercase, sourceLabels: ["foo"], targetLabel: "up"),
                ],
                ["foo": "bAr123Foo"], ["foo": "bAr123Foo", "low": "bar123foo", "up": "BAR123FOO"]),
            RelabelCase(
                "case is mapped scalar by scalar",
                [
                    try RelabelRule(action: .lowercase, sourceLabels: ["a"], targetLabel: "low"),
                    try RelabelRule(action: .uppercase, sourceLabels: ["a"], targetLabel: "up"),
                ],
                ["a": "Straße İÄé"], ["a": "Straße İÄé", "low": "straße iäé", "up": "STRAßE İÄÉ"]),
        ]
    }

    @Test("labels after relabelling are those of the reference", arguments: try RelabelerTests.cases())
    func relabels(_ example: RelabelCase) {
        #expect(Relabeler(example.rules).apply(to: example.input) == example.output)
    }

    @Test("a rule that lacks or may not have a field is refused with a sentence")
    func refusesRules() {
        func refusal(_ make: () throws(RelabelRuleError) -> RelabelRule) -> String {
            do {
                _ = try make()
                return "accepted"
            } catch {
                return error.description
            }
        }
        func message(
            _ action: RelabelRule.Action, sourceLabels: [String]? = nil, separator: String? = nil, regex: String? = nil,
            targetLabel: String? = nil, replacement: String? = nil, modulus: UInt64? = nil
        ) -> String {
            refusal { () throws(RelabelRuleError) in
                try RelabelRule(
                    action: action, sourceLabels: sourceLabels, separator: separator, regex: regex,
                    targetLabel: targetLabel, replacement: replacement, modulus: modulus, nameValidation: .legacy)
            }
        }
        #expect(message(.replace) == "relabel action replace requires target_label")
        #expect(message(.hashmod, targetLabel: "a") == "relabel action hashmod requires a modulus that is not zero")
        #expect(
            message(.replace, targetLabel: "a-b") == "\"a-b\" is not a valid target_label for relabel action replace")
        #expect(message(.replace, targetLabel: "${1}x") == "accepted")
        #expect(
            message(.replace, targetLabel: "${1") == "\"${1\" is not a valid target_label for relabel action replace")
        #expect(message(.labelmap, replacement: "-") == "\"-\" is not a valid replacement for relabel action labelmap")
        #expect(message(.lowercase, targetLabel: "a", replacement: "x").contains("replacement cannot be set"))
        #expect(
            message(.labeldrop, sourceLabels: ["a"]) == "relabel action labeldrop takes only regex and no other fields")
        #expect(message(.keepequal, regex: "x", targetLabel: "a").contains("takes only source_labels and target_label"))
        #expect(message(.keep, regex: "a(").hasPrefix("invalid regular expression"))
    }

    @Test("action names may be written in any case")
    func actionNames() {
        #expect(RelabelRule.Action(name: "LabelDrop") == .labeldrop)
        #expect(RelabelRule.Action(name: "nothing") == nil)
    }
}
