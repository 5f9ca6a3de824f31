/// Why a text is no YAML that is taken here, and where.
package struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        /// What libyaml says.
        case syntax(String)
        case duplicateKey(String)
        case unknownAnchor(String)
        /// A second document.
        case severalDocuments
        case limit(name: String, limit: Int)
    }

    package var reason: Reason
    package var mark: YAMLMark

    package var description: String {
        switch reason {
        case .syntax(let problem): "not valid YAML: \(problem)"
        case .duplicateKey(let key): "the key \"\(key)\" is written twice"
        case .unknownAnchor(let name): "not valid YAML: the alias *\(name) stands for nothing"
        case .severalDocuments: "not valid YAML: more than one document"
        case .limit(let name, let limit): "limit \(name) exceeded: more than \(limit)"
        }
    }
}
