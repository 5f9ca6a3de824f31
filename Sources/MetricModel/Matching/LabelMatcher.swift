/// A condition on one label.
///
/// A label that a series does not have counts as the empty string.
package struct LabelMatcher: Sendable {
    package enum Kind: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case regex = "=~"
        case notRegex = "!~"
    }

    package let name: String
    package let kind: Kind
    package let value: String
    /// The compiled expression of the two regex kinds, nil for the others.
    package let pattern: RegexPattern?

    /// Compiles the expression of a regex matcher; it must match the whole value.
    package init(_ name: String, _ kind: Kind, _ value: String) throws(RegexError) {
        self.name = name
        self.kind = kind
        self.value = value
        pattern = kind == .regex || kind == .notRegex ? try RegexPattern(value) : nil
    }

    /// `name="value"`, which needs no compiling.
    package init(equal name: String, _ value: String) {
        self.name = name
        kind = .equal
        self.value = value
        pattern = nil
    }

    package func matches(_ text: String) -> Bool {
        switch kind {
        case .equal: text.isExactly(value)
        case .notEqual: !text.isExactly(value)
        case .regex: pattern?.matchesWhole(text) ?? false
        case .notRegex: !(pattern?.matchesWhole(text) ?? false)
        }
    }

    /// Whether series without the label match.
    package var matchesEmpty: Bool { matches("") }

    package func matches(_ labels: LabelSet) -> Bool { matches(labels[name] ?? "") }
}

extension LabelMatcher: Hashable {
    package static func == (left: LabelMatcher, right: LabelMatcher) -> Bool {
        left.kind == right.kind && left.name.isExactly(right.name) && left.value.isExactly(right.value)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(name)
        hasher.combine(value)
    }
}

extension LabelMatcher: CustomStringConvertible {
    package var description: String {
        (LabelName.isLegacyLabelName(name) ? name : LabelName.quoted(name)) + kind.rawValue + LabelName.quoted(value)
    }
}
