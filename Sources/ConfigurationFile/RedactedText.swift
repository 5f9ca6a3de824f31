import YAML

/// A configuration as it may be shown: every secret replaced, addresses without user names and passwords.
enum RedactedText {
    private static let placeholder = "<secret>"
    /// Keys whose value is a secret wherever they stand.
    private static let secretKeys: Set<String> = [
        "password", "credentials", "bearer_token", "client_secret", "secret_key", "secrets", "token", "key", "secret",
        "client_certificate_key", "access_key",
    ]
    /// Lists of receivers whose `url` is a secret.
    private static let secretAddressLists: Set<String> = [
        "webhook_configs", "slack_configs", "discord_configs", "msteams_configs",
    ]

    static func make(_ value: YAMLValue?) -> String {
        guard let value else { return "" }
        return YAMLWriter.write(redact(value.node, hidesAddresses: false)) ?? ""
    }

    private static func redact(_ node: YAMLNode, hidesAddresses: Bool) -> YAMLNode {
        switch node {
        case .mapping(var mapping):
            for index in mapping.pairs.indices {
                let name = mapping.pairs[index].key.text ?? ""
                let value = mapping.pairs[index].value
                mapping.pairs[index].value =
                    secretKeys.contains(name) || (hidesAddresses && name == "url")
                    ? hidden(value) : redact(value, hidesAddresses: secretAddressLists.contains(name))
            }
            return .mapping(mapping)
        case .sequence(var sequence):
            sequence.elements = sequence.elements.map { redact($0, hidesAddresses: hidesAddresses) }
            return .sequence(sequence)
        case .scalar(var scalar):
            scalar.text = withoutUserInformation(scalar.text)
            return .scalar(scalar)
        }
    }

    private static func hidden(_ node: YAMLNode) -> YAMLNode {
        let placeholder = YAMLNode.scalar(YAMLNode.Scalar(placeholder))
        guard case .sequence(var sequence) = node else { return placeholder }
        sequence.elements = sequence.elements.map { _ in placeholder }
        return .sequence(sequence)
    }

    /// `scheme://user:password@host` without what stands before the at sign.
    private static func withoutUserInformation(_ text: String) -> String {
        guard let scheme = text.range(of: "://") else { return text }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let mark = authority.lastIndex(of: "@") else { return text }
        return text[..<scheme.upperBound] + placeholder + text[mark...]
    }
}

extension String {
    /// The first place a text occurs in this one.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
