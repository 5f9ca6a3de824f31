import Bytes
import MetricModel
import PromQL
import PromQLSyntax
import Storage

/// `/query`, `/query_range`, `/format_query`: expressions in, answers out.
struct QueryEndpoints: Sendable {
    /// The most steps of a range query, as in Prometheus.
    static let stepLimit: Int64 = 11_000

    let engine: QueryEngine
    let store: any SampleStore
    let clock: any WallClock

    func instant(_ request: APIRequest) throws(APIError) -> APIResponse {
        let parameters = request.parameters
        let limit = try parameters.limit()
        let time = try parameters.time("time") ?? clock.now
        let options = try options(parameters)
        let expression = try expression(parameters)
        let querier = try Self.querier(of: store)
        let result: QueryResult
        do {
            result = try engine.instantQuery(expression, at: time, from: querier, options: options)
        } catch {
            throw APIError(error)
        }
        return respond(result, limit: limit, parameters: parameters)
    }

    func range(_ request: APIRequest) throws(APIError) -> APIResponse {
        let parameters = request.parameters
        let limit = try parameters.limit()
        let start = try parameters.requiredTime("start")
        let end = try parameters.requiredTime("end")
        guard end >= start else { throw .invalidParameter("end", "end timestamp must not be before start time") }
        guard let step = try parameters.duration("step") else {
            throw .invalidParameter("step", "cannot parse \"\" to a valid duration")
        }
        guard step > 0 else {
            let cause = "zero or negative query resolution step widths are not accepted. Try a positive integer"
            throw .invalidParameter("step", cause)
        }
        let (span, overflows) = end.milliseconds.subtractingReportingOverflow(start.milliseconds)
        guard !overflows, span / step <= Self.stepLimit else {
            throw APIError(
                .badData,
                "exceeded maximum resolution of 11,000 points per timeseries. "
                    + "Try decreasing the query resolution (?step=XX)")
        }
        let options = try options(parameters)
        let expression = try expression(parameters)
        let querier = try Self.querier(of: store)
        let result: QueryResult
        do {
            result = try engine.rangeQuery(
                expression, start: start, end: end, stepMilliseconds: step, from: querier, options: options)
        } catch {
            throw APIError(error)
        }
        return respond(result, limit: limit, parameters: parameters)
    }

    func format(_ request: APIRequest) throws(APIError) -> APIResponse {
        let text = try expression(request.parameters).prettyPrinted()
        return .success { $0.string(text) }
    }

    private func expression(_ parameters: QueryParameters) throws(APIError) -> Expression {
        do {
            return try Parser.parse(parameters["query"] ?? "")
        } catch {
            throw .invalidParameter("query", error.description)
        }
    }

    private func options(_ parameters: QueryParameters) throws(APIError) -> QueryOptions {
        var options = QueryOptions(text: parameters["query"])
        if let lookback = try parameters.duration("lookback_delta") { options.lookbackDeltaMilliseconds = lookback }
        if let timeout = try parameters.duration("timeout") { options.timeoutMilliseconds = timeout }
        return options
    }

    private func respond(_ result: QueryResult, limit: Int, parameters: QueryParameters) -> APIResponse {
        var result = result
        var limitWarning: String?
        if limit > 0 {
            switch result.value {
            case .vector(let elements) where elements.count > limit:
                result.value = .vector(Array(elements.prefix(limit)))
                limitWarning = "results truncated due to limit"
            case .matrix(let series) where series.count > limit:
                result.value = .matrix(Array(series.prefix(limit)))
                limitWarning = "results truncated due to limit"
            default: break
            }
        }
        let encoder = QueryResultEncoder(
            result, limitWarning: limitWarning, showsStatistics: parameters["stats"] != nil)
        return APIResponse(contentType: APIResponse.jsonType, body: .pieces { encoder.nextPiece() })
    }

    /// A view of the store, its errors in the API's words.
    static func querier(of store: any SampleStore) throws(APIError) -> any Querier {
        do {
            return try store.querier()
        } catch {
            throw APIError(error)
        }
    }
}
