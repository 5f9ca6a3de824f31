import PromQLSyntax

/// The warnings and infos of a query: each text once per position, in order of appearance.
struct Annotations {
    enum Kind: String { case warning, info }

    private var seen: Set<String> = []
    private(set) var warnings: [String] = []
    private(set) var infos: [String] = []

    /// Adds `message` with the prefix of its kind; `position` is `line:column`.
    mutating func add(_ kind: Kind, _ message: String, position: String) {
        let text = "PromQL \(kind.rawValue): \(message) (\(position))"
        guard seen.insert(text).inserted else { return }
        switch kind {
        case .warning: warnings.append(text)
        case .info: infos.append(text)
        }
    }
}
