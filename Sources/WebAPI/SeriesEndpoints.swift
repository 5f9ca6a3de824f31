import MetricModel
import PromQLSyntax
import Storage

/// `/series`, `/labels`, `/label/NAME/values`: what there is in the store.
struct SeriesEndpoints: Sendable {
    static let limitWarning = "results truncated due to limit"

    let store: any SampleStore

    func series(_ request: APIRequest) throws(APIError) -> APIResponse {
        let selectors = try Self.selectors(request.parameters)
        guard !selectors.isEmpty else { throw APIError(.badData, "no match[] parameter provided") }
        let limit = try request.parameters.limit()
        let range = try Self.timeRange(request.parameters)
        let querier = try QueryEndpoints.querier(of: store)
        let found = try answer(limit) { (limit) throws(StorageError) in
            try querier.series(matching: selectors, in: range, limit: limit)
        }
        return .success(warnings: found.warnings) { writer in
            writer.array(of: found.values) { $0.labels($1) }
        }
    }

    func labelNames(_ request: APIRequest) throws(APIError) -> APIResponse {
        let selectors = try Self.selectors(request.parameters)
        let limit = try request.parameters.limit()
        let range = try Self.timeRange(request.parameters)
        let querier = try QueryEndpoints.querier(of: store)
        let found = try answer(limit) { (limit) throws(StorageError) in
            try querier.labelNames(matching: selectors, in: range, limit: limit)
        }
        return .success(warnings: found.warnings) { writer in
            writer.array(of: found.values) { $0.string($1) }
        }
    }

    /// - Parameter name: the label's name; `U__` begins an escaped one (Prometheus' values escaping).
    func labelValues(_ request: APIRequest, name: String) throws(APIError) -> APIResponse {
        let name = EscapedName.unescape(name)
        guard !name.isEmpty else { throw APIError(.badData, "invalid label name: \"\"") }
        let selectors = try Self.selectors(request.parameters)
        let limit = try request.parameters.limit()
        let range = try Self.timeRange(request.parameters)
        let querier = try QueryEndpoints.querier(of: store)
        let found = try answer(limit) { (limit) throws(StorageError) in
            try querier.labelValues(of: name, matching: selectors, in: range, limit: limit)
        }
        return .success(warnings: found.warnings) { writer in
            writer.array(of: found.values) { $0.string($1) }
        }
    }

    static func selectors(_ parameters: QueryParameters) throws(APIError) -> [[LabelMatcher]] {
        var selectors: [[LabelMatcher]] = []
        for text in parameters.all("match[]") {
            let matchers: [LabelMatcher]
            do {
                matchers = try Parser.parseSelector(text)
            } catch {
                throw .invalidParameter("match[]", error.description)
            }
            guard matchers.contains(where: { !$0.matchesEmpty }) else {
                throw .invalidParameter("match[]", "match[] must contain at least one non-empty matcher")
            }
            selectors.append(matchers)
        }
        return selectors
    }

    static func timeRange(_ parameters: QueryParameters) throws(APIError) -> TimeRange {
        let range = TimeRange(
            start: try parameters.time("start") ?? TimeRange.all.start,
            end: try parameters.time("end") ?? TimeRange.all.end)
        guard range.start <= range.end else {
            throw .invalidParameter("end", "end timestamp must not be before start time")
        }
        return range
    }

    /// Asks for one more than wanted, to know whether something was cut.
    private func answer<Value>(
        _ limit: Int, _ ask: (Int) throws(StorageError) -> [Value]
    ) throws(APIError) -> (values: [Value], warnings: [String]) {
        do {
            let values = try ask(limit == 0 ? 0 : limit + 1)
            guard limit > 0, values.count > limit else { return (values, []) }
            return (Array(values.prefix(limit)), [Self.limitWarning])
        } catch {
            throw APIError(error)
        }
    }
}

/// Names with characters outside `[a-zA-Z0-9_:]` in a URL path: `U__` and `_HEX_` for each such character, `__` for `_`.
enum EscapedName {
    static func unescape(_ text: String) -> String {
        guard text.hasPrefix("U__") else { return text }
        var result = String.UnicodeScalarView()
        let scalars = Array(text.unicodeScalars.dropFirst(3))
        var position = 0
        while position < scalars.count {
            guard scalars[position] == "_" else {
                result.append(scalars[position])
                position += 1
                continue
            }
            if position + 1 < scalars.count, scalars[position + 1] == "_" {
                result.append("_")
                position += 2
                continue
            }
            let digits = scalars[(position + 1)...].prefix { $0 != "_" }
            let hex = String(String.UnicodeScalarView(digits))
            guard position + 1 + digits.count < scalars.count, let code = UInt32(hex, radix: 16),
                let scalar = UnicodeScalar(code)
            else { return text }
            result.append(scalar)
            position += digits.count + 2
        }
        return String(result)
    }
}
