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
        _ request: APIRequest, _ description: @autoclosure () -> QueryDescription, _ options: QueryOptions,
        _ evaluate: (QueryOptions, any Querier) throws(QueryError) -> QueryResult
    ) throws(APIError) -> QueryResult {
        let query: ActiveQuery = if let given = request.query { given } else { try admit(description()) }
        var options = options
        if request.isTriedAtOnce { options.workLimit = SmallQueries.workLimit }
        do {
            let result = try turn(of: query, options, mayComeAgain: request.mayComeAgain, evaluate)
            active.finish(query)
            metrics.count(.success)
            metrics.observe(result.statistics)
            write(request, description(), result.statistics, nil)
            return result
        } catch {
            // It will be run again, and what comes of that counts.
            guard !request.isTriedAtOnce, !request.comesAgain else { throw APIError(error) }
            let statistics = cost(of: query)
            active.finish(query)
            metrics.count(error)
            write(request, description(), statistics, error)
            throw APIError(error)
        }
    }

    /// What a query that failed has cost.
    private func cost(of query: ActiveQuery) -> QueryStatistics {
        let now = active.now
        var statistics = QueryStatistics()
        statistics.queueSeconds = query.queueSeconds(now: now)
        statistics.evaluationSeconds = max(0, query.ageSeconds(now: now) - statistics.queueSeconds)
        statistics.samplesRead = query.progress.samplesRead
        return statistics
    }

    private func turn(
        of query: ActiveQuery, _ options: QueryOptions, mayComeAgain: Bool,
        _ evaluate: (QueryOptions, any Querier) throws(QueryError) -> QueryResult
    ) throws(QueryError) -> QueryResult {
        var options = options
        let timeout = min(options.timeoutMilliseconds ?? timeoutMilliseconds, timeoutMilliseconds)
        let isPatient = query.waitsForMemory
        options.timeoutMilliseconds =
            try isPatient
            ? active.becomePatient(query, timeoutMilliseconds: timeout)
            : active.begin(query, timeoutMilliseconds: timeout)
        options.waitsForMemory = isPatient
        options.trialBytes = isPatient ? nil : active.trialBytes
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
        } catch {
            guard case .tooManyBytesTogether = error, !isPatient, options.workLimit == nil else { throw error }
            // Once more, with the right to wait for the others: what they hold they give back.
            query.noteWait()
            if mayComeAgain { throw error }
            options.timeoutMilliseconds = try active.becomePatient(query, timeoutMilliseconds: timeout)
            options.waitsForMemory = true
            options.trialBytes = nil
            result = try evaluate(options, querier)
        }
        result.statistics.queueSeconds = query.queueSeconds(now: active.now)
        return result
    }

    private func write(
        _ request: APIRequest, _ description: @autoclosure () -> QueryDescription, _ statistics: QueryStatistics,
        _ error: QueryError?
    ) {
        guard log.isWriting else { return }
        log.log(
            QueryLog.Entry(
                description: description(), origin: .request(path: request.path, method: request.method.rawValue),
                statistics: statistics, error: error?.description))
    }
}
