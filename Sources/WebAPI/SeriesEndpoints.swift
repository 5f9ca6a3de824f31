import MetricModel
import PromQL
import PromQLSyntax
import Storage

/// `/series`, `/labels`, `/label/NAME/values`: what there is in the store.
struct SeriesEndpoints: Sendable {
    static let limitWarning = "results truncated due to limit"

    let store: any SampleStore
    /// What answers are counted against, together with queries.
    let budget: MemoryBudget

    func series(_ request: APIRequest) throws(APIError) -> APIResponse {
        try request.parameters.checkWhole()
        guard !request.parameters.all("match[]").isEmpty else {
            throw APIError(.badData, "no match[] parameter provided")
        }
        let limit = try request.parameters.limit()
        let range = try Self.timeRange(request.parameters)
        let selectors = try Self.selectors(request.parameters, isNamed: true)
        guard range.start <= range.end else { return Self.nothing }
        let querier = try QueryEndpoints.querier(of: store)
        let found: any LabelSets
        do {
            found = try querier.series(
                matching: selectors, in: range, limit: Self.asked(limit), reservation: budget.reservation())
        } catch {
            throw APIError(error)
        }
        let shown = Self.shown(found.count, limit)
        return ListEncoder(count: shown.count, warnings: shown.warnings) { $0.labels(found.labels(at: $1)) }.response
    }

    func labelNames(_ request: APIRequest) throws(APIError) -> APIResponse {
        return try texts(request) { (querier, selectors, range, limit, held) throws(StorageError) in
            try querier.labelNames(matching: selectors, in: range, limit: limit, holding: &held)
        }
    }

    /// - Parameter name: the label's name; `U__` begins an escaped one (Prometheus' values escaping).
    func labelValues(_ request: APIRequest, name: String) throws(APIError) -> APIResponse {
        let name = EscapedName.unescape(name)
        // What was not UTF-8 in the path has become replacement characters.
        guard !name.isEmpty, !name.unicodeScalars.contains("\u{FFFD}") else {
            throw APIError(.badData, "invalid label name: \(LabelName.quoted(name))")
        }
        return try texts(request) { (querier, selectors, range, limit, held) throws(StorageError) in
            try querier.labelValues(of: name, matching: selectors, in: range, limit: limit, holding: &held)
        }
    }

    private func texts(
        _ request: APIRequest,
        _ ask: (any Querier, [[LabelMatcher]], TimeRange, Int, inout HeldMemory) throws(StorageError) -> [String]
    ) throws(APIError) -> APIResponse {
        let limit = try request.parameters.limit()
        let range = try Self.timeRange(request.parameters)
        let selectors = try Self.selectors(request.parameters, isNamed: false)
        guard range.start <= range.end else { return Self.nothing }
        let querier = try QueryEndpoints.querier(of: store)
        var held = HeldMemory(budget.reservation())
        let found: HeldTexts
        do {
            let texts = try ask(querier, selectors, range, Self.asked(limit), &held)
            found = HeldTexts(texts, held)
        } catch {
            throw APIError(error)
        }
        let shown = Self.shown(found.texts.count, limit)
        return ListEncoder(count: shown.count, warnings: shown.warnings) { $0.string(found.texts[$1]) }.response
    }

    private static var nothing: APIResponse { ListEncoder(count: 0) { (_, _) in }.response }

    /// One more than wanted, to know whether something was cut.
    private static func asked(_ limit: Int) -> Int { limit == 0 || limit == .max ? 0 : limit + 1 }

    private static func shown(_ count: Int, _ limit: Int) -> (count: Int, warnings: [String]) {
        limit > 0 && count > limit ? (limit, [limitWarning]) : (count, [])
    }

    /// The selectors of `match[]`, all of which are read before any is judged.
    ///
    /// - Parameter isNamed: Whether errors tell which parameter is wrong, as those of `/series` do and those of labels do not.
    static func selectors(_ parameters: QueryParameters, isNamed: Bool) throws(APIError) -> [[LabelMatcher]] {
        func failure(_ cause: String) -> APIError {
            isNamed ? .invalidParameter("match[]", cause) : APIError(.badData, cause)
        }
        var selectors: [[LabelMatcher]] = []
        for text in parameters.all("match[]") {
            do {
                selectors.append(try Parser.parseMatchers(text))
            } catch {
                throw failure(error.description)
            }
        }
        guard selectors.allSatisfy({ $0.contains { !$0.matchesEmpty } }) else {
            throw failure("match[] must contain at least one non-empty matcher")
        }
        return selectors
    }

    /// The times of a request; an end before the start leaves nothing to find and is no error, as in Prometheus.
    static func timeRange(_ parameters: QueryParameters) throws(APIError) -> TimeRange {
        TimeRange(
            start: try parameters.time("start") ?? TimeRange.all.start,
            end: try parameters.time("end") ?? TimeRange.all.end)
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
