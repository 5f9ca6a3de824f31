import PromQL
import Storage

/// Runs the queries of the API: each has its turn, its share of memory, its line in the log and its count.
struct QueryRunner: Sendable {
    let store: any SampleStore
    let active: ActiveQueries
    let log: QueryLog
    let metrics: QueryMetrics
    /// The longest that a query may take, the time it waits included.
    let timeoutMilliseconds: Int64

    /// Lets a query wait for its turn.
    func admit(
        _ description: QueryDescription, cancellation: CancellationFlag = CancellationFlag()
    ) throws(APIError) -> ActiveQuery {
        do {
            return try active.admit(description, cancellation: cancellation)
        } catch {
            metrics.count(error)
            throw APIError(error)
        }
    }

    /// The result of `evaluate`, which is called with options and a view of the store when it is the query's turn.
    func run(
        _ request: APIRequest, _ description: QueryDescription, _ options: QueryOptions,
        _ evaluate: (QueryOptions, any Querier) throws(QueryError) -> QueryResult
    ) throws(APIError) -> QueryResult {
        let query: ActiveQuery = if let given = request.query { given } else { try admit(description) }
        var options = options
        if request.isTriedAtOnce { options.workLimit = SmallQueries.workLimit }
        do {
            let result = try turn(of: query, options, evaluate)
            active.finish(query)
            metrics.count(.success)
            metrics.observe(result.statistics)
            write(request, description, result.statistics, nil)
            return result
        } catch {
            // It will be run again, and what comes of that counts.
            guard !request.isTriedAtOnce else { throw APIError(error) }
            active.finish(query)
            metrics.count(error)
            write(request, description, QueryStatistics(), error)
            throw APIError(error)
        }
    }

    private func turn(
        of query: ActiveQuery, _ options: QueryOptions,
        _ evaluate: (QueryOptions, any Querier) throws(QueryError) -> QueryResult
    ) throws(QueryError) -> QueryResult {
        var options = options
        let timeout = min(options.timeoutMilliseconds ?? timeoutMilliseconds, timeoutMilliseconds)
        options.timeoutMilliseconds = try active.begin(query, timeoutMilliseconds: timeout)
        options.cancellation = query.cancellation
        options.progress = query.progress
        options.budget = active.budget
        let querier: any Querier
        do {
            querier = try store.querier()
        } catch {
            throw .storage(error)
        }
        var result: QueryResult
        do {
            result = try evaluate(options, querier)
        } catch .tooManyBytesTogether where options.workLimit == nil {
            // Once more, with the right to wait for the others: what they hold they give back.
            options.timeoutMilliseconds = try active.becomePatient(query, timeoutMilliseconds: timeout)
            options.waitsForMemory = true
            result = try evaluate(options, querier)
        }
        result.statistics.queueSeconds = query.queueSeconds(now: active.now)
        return result
    }

    private func write(
        _ request: APIRequest, _ description: QueryDescription, _ statistics: QueryStatistics, _ error: QueryError?
    ) {
        guard log.isWriting else { return }
        log.log(
            QueryLog.Entry(
                description: description, path: request.path, method: request.method.rawValue,
                statistics: statistics, error: error?.description))
    }
}
