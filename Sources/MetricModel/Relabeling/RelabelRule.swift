/// One step of relabelling, as in an entry of `relabel_configs`; checked when it is made.
package struct RelabelRule: Sendable {
    /// What a rule does; the raw value is the name in the configuration.
    package enum Action: String, Sendable, CaseIterable {
        case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase

        /// The action of that name, upper and lower case being the same.
        package init?(name: String) { self.init(rawValue: name.lowercased()) }
    }

    package static let defaultSeparator = ";"
    package static let defaultRegex = "(.*)"
    package static let defaultReplacement = "$1"

    package let action: Action
    package let sourceLabels: [String]
    package let separator: String
    /// Always matched against the whole text.
    package let regex: RegexPattern
    package let targetLabel: String
    package let replacement: String
    package let modulus: UInt64
    package let nameValidation: NameValidationScheme

    /// Makes a rule from the fields of the configuration; one that is nil was not written there.
    package init(
        action: Action = .replace, sourceLabels: [String]? = nil, separator: String? = nil, regex: String? = nil,
        targetLabel: String? = nil, replacement: String? = nil, modulus: UInt64? = nil,
        nameValidation: NameValidationScheme = .utf8
    ) throws(RelabelRuleError) {
        self.action = action
        self.sourceLabels = sourceLabels ?? []
        self.separator = separator ?? Self.defaultSeparator
        self.targetLabel = targetLabel ?? ""
        self.replacement = replacement ?? Self.defaultReplacement
        self.modulus = modulus ?? 0
        self.nameValidation = nameValidation
        do {
            self.regex = try RegexPattern(regex ?? Self.defaultRegex)
        } catch {
            throw .invalidRegex(error)
        }
        try checkTarget()
        try checkForeignFields()
    }

    /// Rules of a kind that only says which labels and which expression.
    package init(_ action: Action, _ sourceLabels: String..., matching regex: String) throws(RelabelRuleError) {
        let named = sourceLabels.isEmpty ? nil : sourceLabels
        try self.init(action: action, sourceLabels: named, regex: regex)
    }

    var hasDefaultRegex: Bool { regex.source == Self.defaultRegex }

    // MARK: Checks

    private func checkTarget() throws(RelabelRuleError) {
        switch action {
        case .replace, .hashmod, .lowercase, .uppercase, .keepequal, .dropequal:
            guard !targetLabel.isEmpty else { throw .missingTargetLabel(action) }
            let isTemplate = action == .replace && targetLabel.utf8.contains(UInt8(ascii: "$"))
            let isValid =
                isTemplate
                ? nameValidation.isValidLabelTemplate(targetLabel) : nameValidation.isValidLabelName(targetLabel)
            guard isValid else { throw .invalidTargetLabel(action, targetLabel) }
        case .labelmap:
            guard nameValidation.isValidLabelTemplate(replacement) else {
                throw .invalidReplacement(action, replacement)
            }
        case .keep, .drop, .labeldrop, .labelkeep: break
        }
        if action == .hashmod && modulus == 0 { throw .missingModulus }
    }

    private func checkForeignFields() throws(RelabelRuleError) {
        let hasOwnReplacement = replacement != Self.defaultReplacement
        let hasOwnSeparator = separator != Self.defaultSeparator
        switch action {
        case .lowercase, .uppercase:
            if hasOwnReplacement { throw .replacementNotAllowed(action) }
        case .keepequal, .dropequal:
            if hasOwnReplacement || hasOwnSeparator || !hasDefaultRegex || modulus != 0 {
                throw .onlyAllows(action, fields: "source_labels and target_label")
            }
        case .labeldrop, .labelkeep:
            if hasOwnReplacement || hasOwnSeparator || !sourceLabels.isEmpty || !targetLabel.isEmpty || modulus != 0 {
                throw .onlyAllows(action, fields: "regex")
            }
        case .replace, .keep, .drop, .hashmod, .labelmap: break
        }
    }
}

extension RelabelRule: Hashable {
    package static func == (left: RelabelRule, right: RelabelRule) -> Bool {
        left.action == right.action && left.sourceLabels == right.sourceLabels && left.separator == right.separator
            && left.regex.source == right.regex.source && left.targetLabel == right.targetLabel
            && left.replacement == right.replacement && left.modulus == right.modulus
            && left.nameValidation == right.nameValidation
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(action)
        hasher.combine(sourceLabels)
        hasher.combine(regex.source)
        hasher.combine(targetLabel)
        hasher.combine(replacement)
    }
}

/// Why a relabelling rule was refused.
package enum RelabelRuleError: Error, Hashable, Sendable {
    case invalidRegex(RegexError)
    case missingTargetLabel(RelabelRule.Action)
    case invalidTargetLabel(RelabelRule.Action, String)
    case invalidReplacement(RelabelRule.Action, String)
    case missingModulus
    case replacementNotAllowed(RelabelRule.Action)
    case onlyAllows(RelabelRule.Action, fields: String)
}

extension RelabelRuleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidRegex(let error): error.description
        case .missingTargetLabel(let action): "relabel action \(action.rawValue) requires target_label"
        case .invalidTargetLabel(let action, let name):
            "\(LabelName.quoted(name)) is not a valid target_label for relabel action \(action.rawValue)"
        case .invalidReplacement(let action, let text):
            "\(LabelName.quoted(text)) is not a valid replacement for relabel action \(action.rawValue)"
        case .missingModulus: "relabel action hashmod requires a modulus that is not zero"
        case .replacementNotAllowed(let action): "replacement cannot be set for relabel action \(action.rawValue)"
        case .onlyAllows(let action, let fields):
            "relabel action \(action.rawValue) takes only \(fields) and no other fields"
        }
    }
}
