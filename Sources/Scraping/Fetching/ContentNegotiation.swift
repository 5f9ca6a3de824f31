import Exposition
import MetricModel

/// What is asked for in `Accept`, and what comes back in `Content-Type`.
enum ContentNegotiation {
    /// The value of the `Accept` header.
    static func accept(_ protocols: [ScrapeProtocol], escaping: NameEscapingScheme) -> String {
        // As in the reference: six is one more than the number of known protocols, and it falls by one each.
        var weight = ScrapeProtocol.allCases.count + 1
        var parts: [String] = []
        for entry in protocols {
            defer { weight -= 1 }
            switch entry {
            case .prometheusProto:
                parts.append(
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
                        + ";q=0.\(weight)")
            case .prometheusText0: parts.append("text/plain;version=0.0.4;q=0.\(weight)")
            case .prometheusText1:
                parts.append("text/plain;version=1.0.0;escaping=\(escaping.rawValue);q=0.\(weight)")
            case .openMetricsText0: parts.append("application/openmetrics-text;version=0.0.1;q=0.\(weight)")
            case .openMetricsText1:
                parts.append(
                    "application/openmetrics-text;version=1.0.0;escaping=\(escaping.rawValue);q=0.\(weight)")
            }
        }
        parts.append("*/*;q=0.\(max(1, weight))")
        return parts.joined(separator: ",")
    }

    /// The format that a body of this type is read as.
    static func format(contentType: String, fallback: ScrapeProtocol?) throws(ScrapeFailure) -> PageFormat {
        // Over bytes: this runs once a scrape, and characters cost more than the whole match of a small page.
        let mediaType = String(
            decoding: contentType.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 > 0x20 }, as: UTF8.self)
        switch mediaType.lowercased() {
        case "text/plain": return .text(.text)
        case "application/openmetrics-text": return .text(.openMetrics)
        case "application/vnd.google.protobuf": return .protobuf
        default: break
        }
        switch fallback {
        case .prometheusText0, .prometheusText1: return .text(.text)
        case .openMetricsText0, .openMetricsText1: return .text(.openMetrics)
        case .prometheusProto: return .protobuf
        case nil:
            if contentType.isEmpty { throw .missingContentType }
            throw .unsupportedContentType(contentType)
        }
    }
}
