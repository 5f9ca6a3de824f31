import YAML

/// A YAML node with the file and the path it stands at, so that every complaint says where.
struct YAMLValue {
    /// Files larger than this are refused before they are parsed.
    static let fileLimitBytes = 64 << 20

    let file: String
    let path: String
    let node: YAMLNode

    /// Parses a document.
    ///
    /// An empty one gives nil.
    static func parse(_ bytes: [UInt8], file: String) throws(ConfigurationError) -> YAMLValue? {
        let (value, later) = try parseFirst(bytes, file: file)
        if let later { throw later }
        return value
    }

    /// Parses the first document; where others follow, an error that says so is given beside it.
    static func parseFirst(
        _ bytes: [UInt8], file: String
    ) throws(ConfigurationError) -> (value: YAMLValue?, later: ConfigurationError?) {
        guard bytes.count <= fileLimitBytes else {
            throw ConfigurationError(file: file, message: "larger than \(fileLimitBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(file: file, message: "not valid UTF-8")
        }
        do throws(YAMLError) {
            let (root, mark) = try YAMLComposer.composeFirst(text)
            let later = mark.map {
                ConfigurationError(
                    file: file, line: $0.line, column: $0.column, message: "only the first YAML document is read")
            }
            guard let root else { return (nil, later) }
            if case .scalar(let scalar) = root, scalar.text.isEmpty || scalar.text == "null" { return (nil, later) }
            return (YAMLValue(file: file, path: "", node: root), later)
        } catch {
            throw ConfigurationError(
                file: file, line: error.mark.line, column: error.mark.column, message: error.description)
        }
    }

    func error(_ message: String) -> ConfigurationError {
        ConfigurationError(
            file: file, line: node.mark.line, column: node.mark.column, path: path, message: message)
    }

    /// A value below this one.
    func child(_ name: String, _ node: YAMLNode) -> YAMLValue {
        YAMLValue(file: file, path: path.isEmpty ? name : path + "." + name, node: node)
    }

    var isNull: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.text)
    }

    /// A text without characters, a list without elements or a mapping without keys.
    var isEmpty: Bool {
        switch node {
        case .scalar(let scalar): scalar.text.isEmpty
        case .mapping(let mapping): mapping.pairs.isEmpty
        case .sequence(let sequence): sequence.elements.isEmpty
        }
    }

    private var kind: String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        }
    }

    // MARK: Values

    func string() throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node else { throw error("expected a text, found \(kind)") }
        return isNull ? "" : scalar.text
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
        return sequence.elements.enumerated().map {
            YAMLValue(file: file, path: path + "[\($0.offset)]", node: $0.element)
        }
    }

    func members() throws(ConfigurationError) -> [(key: YAMLValue, value: YAMLValue)] {
        if isNull { return [] }
        guard case .mapping(let mapping) = node else { throw error("expected a mapping, found \(kind)") }
        var result: [(key: YAMLValue, value: YAMLValue)] = []
        for pair in mapping.pairs {
            guard let name = pair.key.text else { throw error("expected plain keys") }
            result.append((child(name, pair.key), child(name, pair.value)))
        }
        return result
    }
}
