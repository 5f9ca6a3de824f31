import Yams

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
        let redacted = redact(value.node, hidesAddresses: false)
        return (try? Yams.serialize(node: redacted, width: -1, allowUnicode: true)) ?? ""
    }

    private static func redact(_ node: Node, hidesAddresses: Bool) -> Node {
        switch node {
        case .mapping(let mapping):
            var pairs: [(Node, Node)] = []
            for (key, value) in mapping {
                let name = key.string ?? ""
                if secretKeys.contains(name) || (hidesAddresses && name == "url") {
                    pairs.append((key, hidden(value)))
                } else {
                    pairs.append((key, redact(value, hidesAddresses: secretAddressLists.contains(name))))
                }
            }
            return .mapping(Node.Mapping(pairs, mapping.tag, mapping.style))
        case .sequence(let sequence):
            return .sequence(
                Node.Sequence(sequence.map { redact($0, hidesAddresses: hidesAddresses) }, sequence.tag, sequence.style)
            )
        case .scalar(let scalar):
            return .scalar(Node.Scalar(withoutUserInformation(scalar.string), scalar.tag, scalar.style))
        case .alias: return node
        }
    }

    private static func hidden(_ node: Node) -> Node {
        switch node {
        case .sequence(let sequence): .sequence(Node.Sequence(sequence.map { _ in Node(placeholder) }))
        default: Node(placeholder)
        }
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
