import MetricModel

/// Where a target is fetched: the parts of its URL, and the text that people see.
package struct TargetURL: Sendable, Hashable {
    package var scheme: String
    /// `host:port` as in the labels, a port is not made up.
    package var address: String
    /// Escaped, with a leading slash.
    package var path: String
    /// Escaped, without the question mark.
    package var query: String

    package init(scheme: String, address: String, path: String, query: String) {
        self.scheme = scheme
        self.address = address
        self.path = path
        self.query = query
    }

    /// The URL that the labels of a target and the parameters of its job describe.
    init(labels: LabelSetBuilder, parameters: [QueryParameter]) {
        scheme = labels[TargetLabel.scheme] ?? "http"
        address = labels[TargetLabel.address] ?? ""
        path = Self.escapedPath(labels[TargetLabel.metricsPath] ?? "")
        var values = parameters
        for name in labels.names where name.hasPrefix(TargetLabel.parameterPrefix) {
            let parameter = String(name.dropFirst(TargetLabel.parameterPrefix.count))
            let value = labels[name] ?? ""
            if let index = values.firstIndex(where: { $0.name == parameter }) {
                if values[index].values.isEmpty {
                    values[index].values = [value]
                } else {
                    values[index].values[0] = value
                }
            } else {
                values.append(QueryParameter(name: parameter, values: [value]))
            }
        }
        query = Self.encodedQuery(values)
    }

    /// What stands in the request line.
    var pathAndQuery: String { query.isEmpty ? path : path + "?" + query }

    var description: String { scheme + "://" + addressWithoutUser + pathAndQuery }

    /// Scheme, address and path: the key under which a target inside the process is found.
    var withoutQuery: String { scheme + "://" + address + path }

    private var addressWithoutUser: String {
        guard let at = address.lastIndex(of: "@") else { return address }
        return String(address[address.index(after: at)...])
    }

    /// The host without brackets and the port, by default that of the scheme; nil where the address is malformed.
    var hostAndPort: (host: String, port: Int)? {
        let text = addressWithoutUser
        let defaultPort = scheme == "https" ? 443 : 80
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<close])
            let rest = text[text.index(after: close)...]
            if rest.isEmpty { return host.isEmpty ? nil : (host, defaultPort) }
            guard !host.isEmpty, rest.first == ":", let port = Self.port(rest.dropFirst()) else { return nil }
            return (host, port)
        }
        guard let colon = text.lastIndex(of: ":") else { return text.isEmpty ? nil : (text, defaultPort) }
        let host = text[..<colon]
        guard let port = Self.port(text[text.index(after: colon)...]), !host.contains(":") else { return nil }
        return (host.isEmpty ? "localhost" : String(host), port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), number <= 65_535
        else { return nil }
        return number
    }

    // MARK: Escaping as in Go's net/url

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func append(escaped byte: UInt8, to text: inout String) {
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        text.append("%")
        text.unicodeScalars.append(digits[Int(byte >> 4)])
        text.unicodeScalars.append(digits[Int(byte & 15)])
    }

    private static func escapedPath(_ path: String) -> String {
        var result = path.hasPrefix("/") || path.isEmpty ? "" : "/"
        for byte in path.utf8 {
            let isKept = isUnreserved(byte) || "$&+,/:;=@".utf8.contains(byte)
            if isKept {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                append(escaped: byte, to: &result)
            }
        }
        return result.isEmpty ? "/" : result
    }

    private static func encodedQuery(_ parameters: [QueryParameter]) -> String {
        var parts: [String] = []
        for parameter in parameters.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            for value in parameter.values { parts.append(encoded(parameter.name) + "=" + encoded(value)) }
        }
        return parts.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if isUnreserved(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else if byte == UInt8(ascii: " ") {
                result.append("+")
            } else {
                append(escaped: byte, to: &result)
            }
        }
        return result
    }
}
