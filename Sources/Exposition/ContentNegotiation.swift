internal import Bytes

/// Which format a server speaks and which one a client wants, by the headers of HTTP.
package enum ContentNegotiation {
    /// The formats that a scraper can ask for, with the names that configuration files give them.
    package enum ScrapeProtocol: String, Sendable, Hashable, CaseIterable {
        case openMetrics100 = "OpenMetricsText1.0.0"
        case openMetrics001 = "OpenMetricsText0.0.1"
        case text100 = "PrometheusText1.0.0"
        case text004 = "PrometheusText0.0.4"

        /// The media type; versions from 1.0.0 on also say how names beyond the legacy ones are spelled.
        package var mediaType: String {
            switch self {
            case .openMetrics100: "application/openmetrics-text;version=1.0.0"
            case .openMetrics001: "application/openmetrics-text;version=0.0.1"
            case .text100: "text/plain;version=1.0.0"
            case .text004: "text/plain;version=0.0.4"
            }
        }

        var takesEscaping: Bool { self == .openMetrics100 || self == .text100 }

        package var format: ExpositionFormat {
            switch self {
            case .openMetrics100, .openMetrics001: .openMetrics
            case .text100, .text004: .text
            }
        }

        /// The order in which a scraper asks unless told otherwise.
        package static let defaultOrder: [ScrapeProtocol] = [.openMetrics100, .openMetrics001, .text100, .text004]
    }

    /// The Accept header of a scrape: the protocols by falling weight, then anything.
    package static func acceptHeader(
        _ protocols: [ScrapeProtocol] = ScrapeProtocol.defaultOrder, escaping: String = "allow-utf-8"
    ) -> String {
        // Five protocols are known to the header's grammar of weights, protobuf being the fifth.
        var weight = 6
        var parts: [String] = []
        for candidate in protocols {
            let escapingPart = candidate.takesEscaping ? ";escaping=" + escaping : ""
            parts.append(candidate.mediaType + escapingPart + ";q=0.\(max(weight, 1))")
            weight -= 1
        }
        parts.append("*/*;q=0.\(max(weight, 1))")
        return parts.joined(separator: ",")
    }

    /// The format that a Content-Type header names, nil where there is none or it is none of ours.
    package static func format(contentType: String) -> ExpositionFormat? {
        switch mediaType(contentType) {
        case "application/openmetrics-text": .openMetrics
        case "text/plain": .text
        default: nil
        }
    }

    /// The format in which a page is best served to a client with this Accept header: what it gives the greater weight,
    /// plain text where it names neither or both alike.
    package static func servedFormat(accept: String?) -> ExpositionFormat {
        var openMetrics = 0.0
        var text = 0.0
        for part in (accept ?? "").split(separator: ",").prefix(64) {
            let weight = weight(of: part)
            switch mediaType(part) {
            case "application/openmetrics-text": openMetrics = max(openMetrics, weight)
            case "text/plain": text = max(text, weight)
            default: continue
            }
        }
        return openMetrics > text ? .openMetrics : .text
    }

    /// The Content-Type header of a page that is served in `format`.
    package static func contentType(_ format: ExpositionFormat) -> String {
        switch format {
        case .text: "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
        }
    }

    private static func mediaType(_ header: some StringProtocol) -> String {
        trimmed(header.prefix { $0 != ";" }).lowercased()
    }

    private static func weight(of part: some StringProtocol) -> Double {
        for parameter in part.split(separator: ";").dropFirst() {
            let pair = parameter.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, trimmed(pair[0]).lowercased() == "q" else { continue }
            return DecimalParsing.parse(trimmed(pair[1])) ?? 0
        }
        return 1
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
