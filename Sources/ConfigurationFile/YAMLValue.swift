import Yams

/// A YAML node with the file and the path it stands at, so that every complaint says where.
struct YAMLValue {
    /// Files larger than this are refused before they are parsed.
    static let fileLimitBytes = 64 << 20

    let file: String
    let path: String
    let node: Node

    /// Parses a document.
    ///
    /// An empty one gives nil.
    static func parse(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> YAMLValue? {
        guard bytes.count <= fileLimitBytes else {
            throw ConfigurationError(file: file, message: "larger than \(fileLimitBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(file: file, message: "not valid UTF-8")
        }
        do {
            guard let node = try Yams.compose(yaml: text) else { return nil }
            if case .scalar(let scalar) = node, scalar.string.isEmpty || scalar.string == "null" { return nil }
            return YAMLValue(file: file, path: "", node: node)
        } catch let error as YamlError {
            throw Self.error(error, file: file)
        } catch {
            throw ConfigurationError(file: file, message: String(describing: error))
        }
    }

    private static func error(_ error: YamlError, file: String) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            ConfigurationError(file: file, line: mark.line, column: mark.column, message: "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            ConfigurationError(
                file: file, line: context.mark.line, column: context.mark.column,
                message: "the key \(duplicates.map { "\"\($0)\"" }.joined(separator: ", ")) is written twice")
        default: ConfigurationError(file: file, message: "not valid YAML: \(error)")
        }
    }

    func error(_ message: String) -> ConfigurationError {
        ConfigurationError(
            file: file, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0, path: path, message: message)
    }

    /// A value below this one.
    func child(_ name: String, _ node: Node) -> YAMLValue {
        YAMLValue(file: file, path: path.isEmpty ? name : path + "." + name, node: node)
    }

    var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private var kind: String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    // MARK: Values

    func string() throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node else { throw error("expected a text, found \(kind)") }
        return isNull ? "" : scalar.string
    }

    func boolean() throws(ConfigurationError) -> Bool {
        let text = try string()
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw error("expected true or false, found \"\(text)\"")
        }
    }

    func integer() throws(ConfigurationError) -> Int {
        let text = try string()
        guard let number = Int(text.filter { $0 != "_" }) else {
            throw error("expected a whole number, found \"\(text)\"")
        }
        return number
    }

    func elements() throws(ConfigurationError) -> [YAMLValue] {
        if isNull { return [] }
        guard case .sequence(let sequence) = node else { throw error("expected a list, found \(kind)") }
        return sequence.enumerated().map { YAMLValue(file: file, path: path + "[\($0.offset)]", node: $0.element) }
    }

    func members() throws(ConfigurationError) -> [(key: YAMLValue, value: YAMLValue)] {
        if isNull { return [] }
        guard case .mapping(let mapping) = node else { throw error("expected a mapping, found \(kind)") }
        var result: [(key: YAMLValue, value: YAMLValue)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else { throw error("expected plain keys") }
            result.append((child(scalar.string, key), child(scalar.string, value)))
        }
        return result
    }
}
