import MetricModel

/// Why a scrape failed; the description is what the targets page shows.
package enum ScrapeFailure: Error, Sendable, Hashable {
    /// The whole time for connecting, asking and reading is over.
    case timedOut(url: String)
    /// The connection could not be made or broke; the reason is the system's sentence.
    case connection(url: String, reason: String)
    case status(code: Int, reason: String)
    case tooManyRedirects(url: String, limit: Int)
    case invalidRedirect(url: String, location: String, reason: String)
    case bodyTooLarge(limitName: String, limitBytes: Int)
    case undecodableBody(reason: String)
    case unsupportedContentType(String)
    case missingContentType
    /// A file with credentials or certificates could not be used.
    case settings(reason: String)
    case notImplemented(name: String)
    case targetLimit(active: Int, limit: Int)
    case sampleLimit(found: Int, limit: Int)
    case labelLimit(LabelLimitViolation)
    /// A native histogram has more buckets than it may and cannot be made coarser.
    case bucketLimit(found: Int, limit: Int)
    /// The body is not what its format says; position and reason come from the parser.
    case parse(reason: String)
    case missingName(line: Int)
    case invalidName(line: Int, name: String)
    case storage(reason: String)
    case cancelled
}

/// A series with more or longer labels than allowed.
package struct LabelLimitViolation: Error, Sendable, Hashable {
    package enum Kind: String, Sendable {
        case count = "label_limit"
        case nameLength = "label_name_length_limit"
        case valueLength = "label_value_length_limit"
    }

    package var kind: Kind
    package var metric: String
    /// The name or the start of the value.
    package var label: String
    package var found: Int
    package var limit: Int
}

extension ScrapeFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .timedOut(let url): "Get \(LabelName.quoted(url)): context deadline exceeded"
        case .connection(let url, let reason): "Get \(LabelName.quoted(url)): \(reason)"
        case .status(let code, let reason): "server returned HTTP status \(code) \(reason)"
        case .tooManyRedirects(let url, let limit): "Get \(LabelName.quoted(url)): stopped after \(limit) redirects"
        case .invalidRedirect(let url, let location, let reason):
            "Get \(LabelName.quoted(url)): redirect to \(LabelName.quoted(location)) refused: \(reason)"
        case .bodyTooLarge(let name, let limit): "body size limit exceeded (\(name) is \(limit) bytes)"
        case .undecodableBody(let reason): "cannot decompress the body: \(reason)"
        case .unsupportedContentType(let type):
            "received unsupported Content-Type \(LabelName.quoted(type)) and no fallback_scrape_protocol specified "
                + "for target"
        case .missingContentType:
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
        case .settings(let reason): reason
        case .notImplemented(let name): "not implemented yet: \(name)"
        case .targetLimit(let active, let limit):
            "target_limit exceeded (number of targets: \(active), limit: \(limit))"
        case .sampleLimit(let found, let limit): "sample limit exceeded (\(found) samples, limit: \(limit))"
        case .labelLimit(let violation): violation.description
        case .bucketLimit(let found, let limit):
            "native_histogram_bucket_limit exceeded: a histogram of \(found) buckets cannot be made as coarse as \(limit)"
        case .parse(let reason): reason
        case .missingName(let line): "line \(line): metric name label missing"
        case .invalidName(let line, let name): "line \(line): invalid metric name or label names: \(name)"
        case .storage(let reason): reason
        case .cancelled: "context canceled"
        }
    }
}

extension LabelLimitViolation: CustomStringConvertible {
    package var description: String {
        let shown = LabelName.quoted(String(metric.prefix(50)))
        switch kind {
        case .count: return "label_limit exceeded (metric: \(shown), number of labels: \(found), limit: \(limit))"
        case .nameLength:
            return "label_name_length_limit exceeded (metric: \(shown), label name: "
                + "\(LabelName.quoted(String(label.prefix(50)))), length: \(found), limit: \(limit))"
        case .valueLength:
            return "label_value_length_limit exceeded (metric: \(shown), label name: "
                + "\(LabelName.quoted(String(label.prefix(50)))), length: \(found), limit: \(limit))"
        }
    }
}
