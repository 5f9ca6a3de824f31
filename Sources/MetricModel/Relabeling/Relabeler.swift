/// Rules applied one after the other to a set of labels, with the semantics of Prometheus' `model/relabel`.
package struct Relabeler: Sendable, Hashable {
    package let rules: [RelabelRule]

    package init(_ rules: [RelabelRule] = []) { self.rules = rules }

    package var isEmpty: Bool { rules.isEmpty }

    /// The labels after all rules, nil where a rule dropped them.
    package func apply(to labels: LabelSet) -> LabelSet? {
        if rules.isEmpty { return labels }
        var builder = LabelSetBuilder(labels)
        return apply(to: &builder) ? builder.build() : nil
    }

    /// Changes the labels by all rules; false where one dropped them (the builder then holds what there was by then).
    package func apply(to labels: inout LabelSetBuilder) -> Bool {
        for rule in rules where !Self.apply(rule, to: &labels) { return false }
        return true
    }

    private static func apply(_ rule: RelabelRule, to labels: inout LabelSetBuilder) -> Bool {
        switch rule.action {
        case .labelmap:
            for name in labels.names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
                guard let value = labels[name], let mapped = expand(rule.replacement, of: rule, on: name) else {
                    continue
                }
                labels.set(mapped, to: value)
            }
            return true
        case .labeldrop:
            labels.keep { !rule.regex.matchesWhole($0) }
            return true
        case .labelkeep:
            labels.keep { rule.regex.matchesWhole($0) }
            return true
        default:
            let value = joined(rule, labels)
            return applyToValue(rule, value, &labels)
        }
    }

    private static func applyToValue(_ rule: RelabelRule, _ value: String, _ labels: inout LabelSetBuilder) -> Bool {
        switch rule.action {
        case .keep: return rule.regex.matchesWhole(value)
        case .drop: return !rule.regex.matchesWhole(value)
        case .keepequal: return value == labels[rule.targetLabel] ?? ""
        case .dropequal: return value != labels[rule.targetLabel] ?? ""
        case .replace: replace(rule, value, &labels)
        case .hashmod:
            let remainder = MessageDigest5.lastEightBytes(of: Array(value.utf8)) % max(1, rule.modulus)
            labels.set(rule.targetLabel, to: String(remainder))
        case .lowercase: labels.set(rule.targetLabel, to: SimpleCase.lowercased(value))
        case .uppercase: labels.set(rule.targetLabel, to: SimpleCase.uppercased(value))
        case .labelmap, .labeldrop, .labelkeep: break
        }
        return true
    }

    private static func replace(_ rule: RelabelRule, _ value: String, _ labels: inout LabelSetBuilder) {
        let dollar = UInt8(ascii: "$")
        let isLiteral = !rule.targetLabel.utf8.contains(dollar) && !rule.replacement.utf8.contains(dollar)
        if value.isEmpty && isLiteral && rule.hasDefaultRegex {
            labels.set(rule.targetLabel, to: rule.replacement)
            return
        }
        let text = Array(value.utf8)
        guard let match = rule.regex.groups(in: text, from: 0, wholeText: true) else { return }
        let target = rule.regex.expand(rule.targetLabel, match: match, in: text)
        guard rule.nameValidation.isValidLabelName(target) else { return }
        labels.set(target, to: rule.regex.expand(rule.replacement, match: match, in: text))
    }

    private static func expand(_ template: String, of rule: RelabelRule, on text: String) -> String? {
        let bytes = Array(text.utf8)
        guard let match = rule.regex.groups(in: bytes, from: 0, wholeText: true) else { return nil }
        return rule.regex.expand(template, match: match, in: bytes)
    }

    private static func joined(_ rule: RelabelRule, _ labels: LabelSetBuilder) -> String {
        if rule.sourceLabels.count == 1 { return labels[rule.sourceLabels[0]] ?? "" }
        return rule.sourceLabels.map { labels[$0] ?? "" }.joined(separator: rule.separator)
    }
}
