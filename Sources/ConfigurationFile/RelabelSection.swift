import MetricModel

extension Relabeler {
    /// Reads `relabel_configs` and its kin.
    init(_ values: [YAMLValue], nameValidation: NameValidationScheme) throws(ConfigurationError) {
        var rules: [RelabelRule] = []
        for value in values { rules.append(try RelabelRule(value, nameValidation: nameValidation)) }
        self.init(rules)
    }
}

extension RelabelRule {
    init(_ value: YAMLValue, nameValidation: NameValidationScheme) throws(ConfigurationError) {
        guard !value.isNull else { throw value.error("empty or null relabeling rule") }
        var reader = try MappingReader(value)
        var action = Action.replace
        if let written = reader.optional("action") {
            let name = try written.string()
            guard let found = Action(name: name) else {
                let names = Action.allCases.map(\.rawValue).joined(separator: ", ")
                throw written.error("unknown relabel action \"\(name)\"; expected one of \(names)")
            }
            action = found
        }
        var modulus: UInt64?
        if let written = reader.optional("modulus") {
            let text = try written.string()
            guard let number = UInt64(text) else { throw written.error("expected a whole number, found \"\(text)\"") }
            modulus = number
        }
        let sourceLabels = try reader.strings("source_labels")
        let separator = try reader.string("separator")
        let regex = try reader.string("regex")
        let targetLabel = try reader.string("target_label")
        let replacement = try reader.string("replacement")
        try reader.finish()
        do {
            try self.init(
                action: action, sourceLabels: sourceLabels, separator: separator, regex: regex,
                targetLabel: targetLabel,
                replacement: replacement, modulus: modulus, nameValidation: nameValidation)
        } catch {
            throw value.error(error.description)
        }
    }
}
