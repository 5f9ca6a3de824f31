/// The names of a container or pod that its path does not tell.
struct ContainerNames: Equatable {
    var name = ""
    var image = ""
    var container = ""
    var pod = ""
    var namespace = ""
    /// How often the runtime or the kubelet restarted it, 0 when not told.
    var restarts: UInt64 = 0
    /// 1 healthy, 0 starting or unhealthy, nil without a check.
    var health: UInt64?
    /// The container's own labels that may be exported, sorted by name.
    var labels: [ContainerLabel] = []

    /// Takes what is known there and not here.
    mutating func merge(_ other: ContainerNames) {
        if name.isEmpty { name = other.name }
        if image.isEmpty { image = other.image }
        if container.isEmpty { container = other.container }
        if pod.isEmpty { pod = other.pod }
        if namespace.isEmpty { namespace = other.namespace }
        restarts = max(restarts, other.restarts)
        health = other.health ?? health
        if labels.isEmpty { labels = other.labels }
    }
}

/// A label that the runtime or the image gave the container.
struct ContainerLabel: Equatable {
    var name: String
    var value: String

    /// The name as a label of a series: `container_label_` and the name, everything but letters, digits and `_` as `_`.
    var exportedName: String {
        var bytes = Array("container_label_".utf8)
        for byte in name.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: bytes.append(byte)
            default: bytes.append(0x5F)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Writes the labels that all series of one cgroup carry.
enum CgroupLabels {
    /// The labels without braces, in the order of their names, empty ones left out; other labels follow after a comma.
    static func rendered(path: [UInt8], identity: CgroupIdentity, names: ContainerNames) -> [UInt8] {
        var bytes: [UInt8] = []
        append("container", Array(names.container.utf8), to: &bytes)
        // Of two names that become one the first counts.
        var last = ""
        for label in names.labels where !label.value.isEmpty {
            let name = label.exportedName
            if name == last { continue }
            last = name
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: "\(name)=\"".utf8)
            appendEscaped(Array(label.value.utf8), to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        append("id", path, to: &bytes)
        append("image", Array(names.image.utf8), to: &bytes)
        append("name", Array((names.name.isEmpty ? identity.name : names.name).utf8), to: &bytes)
        append("namespace", Array(names.namespace.utf8), to: &bytes)
        append("pod", Array(names.pod.utf8), to: &bytes)
        append("pod_uid", Array(identity.podUID.utf8), to: &bytes)
        return bytes
    }

    /// Adds `,name="value"` unless the value is empty; the comma is left out at the beginning.
    static func append(_ name: StaticString, _ value: [UInt8], to bytes: inout [UInt8]) {
        if value.isEmpty { return }
        if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
        name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "="))
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(value, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Escapes backslash, quote and newline as the text format asks.
    ///
    /// A byte that is no UTF-8 becomes U+FFFD and its two hexadecimal digits, so that two names stay two.
    static func appendEscaped(_ value: [UInt8], to bytes: inout [UInt8]) {
        guard let text = String(validating: value, as: UTF8.self) else { return appendRepaired(value, to: &bytes) }
        for byte in text.utf8 { append(byte, to: &bytes) }
    }

    private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\\")])
        case UInt8(ascii: "\""): bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\"")])
        case KernelText.newline: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
        default: bytes.append(byte)
        }
    }

    /// Takes the sound characters, of one to four bytes, and marks each byte that begins none.
    private static func appendRepaired(_ value: [UInt8], to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        var position = 0
        while position < value.count {
            let lengths = 1...min(4, value.count - position)
            let length = lengths.first { String(validating: value[position..<position + $0], as: UTF8.self) != nil }
            for byte in value[position..<position + (length ?? 0)] { append(byte, to: &bytes) }
            if length == nil {
                bytes.append(contentsOf: "\u{FFFD}".utf8)
                bytes.append(digits[Int(value[position] >> 4)])
                bytes.append(digits[Int(value[position] & 15)])
            }
            position += length ?? 1
        }
    }
}
