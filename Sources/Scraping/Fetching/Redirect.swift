import MetricModel

/// Where a redirect leads, and whether it may be followed.
enum Redirect {
    static func isRedirect(status code: Int) -> Bool { [301, 302, 303, 307, 308].contains(code) }

    /// The URL that a `Location` names, seen from the URL that answered with it.
    static func resolve(_ location: String, from url: TargetURL) throws(ScrapeFailure) -> TargetURL {
        func refused(_ reason: String) -> ScrapeFailure {
            .invalidRedirect(url: url.description, location: String(location.prefix(200)), reason: reason)
        }
        guard !location.isEmpty else { throw refused("no Location") }
        guard location.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { throw refused("invalid characters") }
        var text = Substring(location)
        if let fragment = text.firstIndex(of: "#") { text = text[..<fragment] }
        var target = url
        if let range = schemeEnd(of: text) {
            target.scheme = text[..<range].lowercased()
            text = text[text.index(after: range)...]
            guard target.scheme == "http" || target.scheme == "https" else {
                throw refused("scheme \(target.scheme) is not supported")
            }
            guard text.hasPrefix("//") else { throw refused("no host") }
        }
        if text.hasPrefix("//") {
            let rest = text.dropFirst(2)
            let address = rest.prefix { $0 != "/" && $0 != "?" }
            guard !address.isEmpty, !address.contains("@") else { throw refused("invalid host") }
            target.address = String(address)
            text = rest.dropFirst(address.count)
            if !text.hasPrefix("/") { text = "/" + text }
        }
        setPath(text, of: &target)
        guard let (host, _) = target.hostAndPort else { throw refused("invalid host") }
        // The services of cloud machines that hand out credentials live on link-local addresses.
        if host.hasPrefix("169.254.") || host.lowercased().hasPrefix("fe80:") { throw refused("link-local address") }
        return target
    }

    private static func setPath(_ text: Substring, of target: inout TargetURL) {
        let path = text.prefix { $0 != "?" }
        target.query = String(text.dropFirst(path.count).dropFirst())
        if path.hasPrefix("/") {
            target.path = String(path)
        } else if !path.isEmpty {
            let folder = target.path.lastIndex(of: "/").map { target.path[...$0] } ?? "/"
            target.path = String(folder) + path
        }
    }

    /// The colon behind a scheme, nil where the text does not start with one.
    private static func schemeEnd(of text: Substring) -> Substring.Index? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let scheme = text[..<colon]
        let isScheme = !scheme.isEmpty && scheme.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+") }
        return isScheme ? colon : nil
    }

    /// Whether credentials for the one may be sent to the other: the same host, and not from encrypted to plain.
    static func keepsCredentials(from origin: TargetURL, to target: TargetURL) -> Bool {
        guard let from = origin.hostAndPort, let to = target.hostAndPort else { return false }
        return from.host.lowercased() == to.host.lowercased()
            && !(origin.scheme == "https" && target.scheme == "http")
    }
}
