/// Which names of metrics and labels are taken.
package enum NameValidationScheme: String, Sendable, CaseIterable {
    /// Any UTF-8 that is not empty.
    case utf8
    /// Only names that can be written without quotes.
    case legacy

    package func isValidLabelName(_ name: String) -> Bool {
        switch self {
        case .utf8: !name.isEmpty
        case .legacy: LabelName.isLegacyLabelName(name)
        }
    }

    package func isValidMetricName(_ name: String) -> Bool {
        switch self {
        case .utf8: !name.isEmpty
        case .legacy: LabelName.isLegacyMetricName(name)
        }
    }

    /// Whether a label name with `$1`, `${1}` or `${name}` in it can become a valid name.
    func isValidLabelTemplate(_ template: String) -> Bool {
        guard !template.isEmpty else { return false }
        guard self == .legacy else { return true }
        var isFirst = true
        var rest = Substring(template)
        while let character = rest.first {
            if character == "$" {
                guard let after = Self.droppingReference(rest) else { return false }
                rest = after
            } else {
                let isWord = character == "_" || (character.isASCII && (character.isLetter || character.isNumber))
                guard isWord, !(isFirst && character.isNumber) else { return false }
                rest = rest.dropFirst()
            }
            isFirst = false
        }
        return true
    }

    /// What follows a `$name` or `${name}` at the start of the text, nil where that is not complete.
    private static func droppingReference(_ text: Substring) -> Substring? {
        func isWord(_ character: Character) -> Bool {
            character == "_" || (character.isASCII && (character.isLetter || character.isNumber))
        }
        var rest = text.dropFirst()
        let isBraced = rest.first == "{"
        if isBraced { rest = rest.dropFirst() }
        let name = rest.prefix(while: isWord)
        guard !name.isEmpty else { return nil }
        rest = rest.dropFirst(name.count)
        guard isBraced else { return rest }
        return rest.first == "}" ? rest.dropFirst() : nil
    }
}
