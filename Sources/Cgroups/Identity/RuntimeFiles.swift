/// Takes names out of the JSON files of container runtimes.
enum RuntimeFiles {
    /// Docker's `config.v2.json`; nil when it has no name.
    static func docker(_ bytes: [UInt8], labels wanted: Set<String> = []) -> ContainerNames? {
        var names = ContainerNames()
        JSONStrings.forEach(in: bytes) { path, value in
            switch path {
            case ["Name"]: names.name = value.hasPrefix("/") ? String(value.dropFirst()) : value
            case ["Config", "Image"]: names.image = value
            case ["Config", "Labels", "io.kubernetes.container.name"]: names.container = value
            case ["Config", "Labels", "io.kubernetes.pod.name"]: names.pod = value
            case ["Config", "Labels", "io.kubernetes.pod.namespace"]: names.namespace = value
            case ["RestartCount"]: names.restarts = UInt64(value) ?? 0
            case ["State", "Health", "Status"]: names.health = health(value)
            default: break
            }
            if path.count == 3, path[0] == "Config", path[1] == "Labels", wanted.contains(path[2]) {
                names.labels.append(ContainerLabel(name: path[2], value: value))
            }
        }
        names.labels.sort { $0.exportedName < $1.exportedName }
        return names.name.isEmpty ? nil : names
    }

    /// Docker's words for the state of a health check.
    static func health(_ word: String) -> UInt64? {
        switch word {
        case "healthy": 1
        case "starting", "unhealthy": 0
        default: nil
        }
    }

    /// The annotations in an OCI runtime's `config.json`, as containerd, CRI-O and nerdctl write them.
    static func annotations(_ bytes: [UInt8], labels wanted: Set<String> = []) -> ContainerNames? {
        var names = ContainerNames()
        JSONStrings.forEach(in: bytes) { path, value in
            guard path.count == 2, path[0] == "annotations" else { return }
            switch path[1] {
            case "io.kubernetes.cri.container-name", "io.kubernetes.cri-o.ContainerName",
                "io.kubernetes.container.name":
                names.container = value
            case "io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name": names.pod = value
            case "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace",
                "io.kubernetes.cri-o.Namespace":
                names.namespace = value
            case "io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName": names.image = value
            case "io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType":
                // The field's word for the container that only holds a pod's namespaces.
                if value == "sandbox", names.container.isEmpty { names.container = "POD" }
            case "io.kubernetes.cri-o.Name", "nerdctl/name": names.name = value
            case "io.kubernetes.container.restartCount": names.restarts = UInt64(value) ?? 0
            case "io.kubernetes.cri-o.Labels", "nerdctl/labels":
                JSONStrings.forEach(in: Array(value.utf8)) { inner, text in
                    if inner.count == 1, wanted.contains(inner[0]) {
                        names.labels.append(ContainerLabel(name: inner[0], value: text))
                    }
                }
            default: break
            }
            if wanted.contains(path[1]) { names.labels.append(ContainerLabel(name: path[1], value: value)) }
        }
        names.labels.sort { $0.exportedName < $1.exportedName }
        return names == ContainerNames() ? nil : names
    }

    /// Podman's `containers.json`: a list of all containers.
    static func podman(_ bytes: [UInt8], identifier: String) -> ContainerNames? {
        var names = ContainerNames()
        var isOurs = false
        JSONStrings.forEach(in: bytes) { path, value in
            switch path {
            case ["", "id"]: isOurs = value == identifier
            case ["", "names", ""]: if isOurs, names.name.isEmpty { names.name = value }
            case ["", "metadata"]:
                guard isOurs else { return }
                JSONStrings.forEach(in: Array(value.utf8)) { inner, text in
                    if inner == ["image-name"] { names.image = text }
                }
            default: break
            }
        }
        return names.name.isEmpty ? nil : names
    }
}

/// Walks the strings of a JSON text (RFC 8259) without building a tree.
///
/// Wrong JSON ends the walk early; what was met before counts, for names are only shown, never acted upon.
struct JSONStrings {
    static let maximumDepth = 64

    private let bytes: [UInt8]
    private var position = 0
    private var path: [String] = []

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Calls for each string, number and truth value with the keys that lead to it; an array's elements have the key "".
    static func forEach(in bytes: [UInt8], _ visit: ([String], String) -> Void) {
        var walker = JSONStrings(bytes: bytes)
        _ = walker.value(visit)
    }

    private mutating func value(_ visit: ([String], String) -> Void) -> Bool {
        skipSpace()
        guard position < bytes.count else { return false }
        switch bytes[position] {
        case UInt8(ascii: "{"): return members(visit, end: UInt8(ascii: "}"), hasKeys: true)
        case UInt8(ascii: "["): return members(visit, end: UInt8(ascii: "]"), hasKeys: false)
        case UInt8(ascii: "\""):
            guard let text = string() else { return false }
            visit(path, text)
            return true
        default:
            let start = position
            guard scalar() else { return false }
            let text = String(decoding: bytes[start..<position], as: UTF8.self)
            if text != "null" { visit(path, text) }
            return true
        }
    }

    private mutating func members(_ visit: ([String], String) -> Void, end: UInt8, hasKeys: Bool) -> Bool {
        guard path.count < Self.maximumDepth else { return false }
        position += 1
        skipSpace()
        if take(end) { return true }
        while true {
            var key = ""
            if hasKeys {
                skipSpace()
                guard let text = string() else { return false }
                key = text
                skipSpace()
                guard take(UInt8(ascii: ":")) else { return false }
            }
            path.append(key)
            let isWhole = value(visit)
            path.removeLast()
            guard isWhole else { return false }
            skipSpace()
            if take(end) { return true }
            guard take(UInt8(ascii: ",")) else { return false }
        }
    }

    /// A number, `true`, `false` or `null`.
    private mutating func scalar() -> Bool {
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: position += 1
            default: return position > start
            }
        }
        return position > start
    }

    private mutating func string() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            if byte != UInt8(ascii: "\\") {
                text.append(byte)
                continue
            }
            guard position < bytes.count else { return nil }
            let escape = bytes[position]
            position += 1
            switch escape {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "u"): text.append(contentsOf: Array(String(Character(scalarEscape())).utf8))
            default: text.append(escape)
            }
        }
        return nil
    }

    /// The scalar of `XXXX`, or of two such escapes that form a surrogate pair; U+FFFD for anything else.
    private mutating func scalarEscape() -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        guard let first = fourDigits() else { return replacement }
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")),
            let second = fourDigits(), (0xDC00..<0xE000).contains(second)
        else { return replacement }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? replacement
    }

    private mutating func fourDigits() -> UInt32? {
        guard bytes.count - position >= 4,
            let number = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { return nil }
        position += 4
        return number
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }
}
