package import PromQLSyntax
package import Storage

/// Why a query has no answer.
///
/// The descriptions are Prometheus' texts.
package enum QueryError: Error, Sendable {
    case syntax(SyntaxError)
    /// `place` says what the engine was doing: "expression evaluation".
    case timedOut(place: String)
    case cancelled(place: String)
    case tooManySamples
    /// The query's selectors find more series than one query may read.
    case tooManySeries(found: Int, maximum: Int)
    /// The query's operators would hold more bytes than one query may.
    case tooManyBytes(wanted: Int, maximum: Int)
    /// The expression is of a type that has no place here.
    case unsuitableType(message: String)
    /// There is no room for more beside what other queries hold.
    case tooManyBytesTogether(wanted: Int, maximum: Int)
    /// As many queries wait as may.
    case queueIsFull(limit: Int)
    /// The caller has many queries in line, and what places are left are for others.
    case queueShareIsFull(waiting: Int)
    /// The query asks for something that cannot be computed.
    case execution(message: String)
    case storage(StorageError)
    /// The query is more work than `QueryOptions.workLimit`.
    case notSmall
    /// A function or feature that this version does not have yet.
    case notImplemented(name: String)
}

extension QueryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let error): error.description
        case .timedOut(let place): "query timed out in \(place)"
        case .cancelled(let place): "query was canceled in \(place)"
        case .tooManySamples: "query processing would load too many samples into memory in query execution"
        case .tooManySeries(let found, let maximum):
            "the query selects \(found) series, \(maximum) are allowed (--query.max-series)"
        case .tooManyBytes(let wanted, let maximum):
            "query processing would take \(wanted) bytes of memory in query execution, \(maximum) are allowed "
                + "(--query.max-query-memory)"
        case .tooManyBytesTogether(let wanted, let maximum):
            "query processing would take \(wanted) more bytes of memory in query execution than all queries together "
                + "may hold, which are \(maximum) (--query.max-memory)"
        case .queueShareIsFull(let waiting):
            "\(waiting) queries of this client run or wait already; the last quarter of the queue (--query.max-queue) is for others"
        case .queueIsFull(let limit): "\(limit) queries are waiting already, which is the limit (--query.max-queue)"
        case .unsuitableType(let message), .execution(let message): message
        case .storage(let error): error.description
        case .notSmall: "the query is too much work to be answered at once"
        // For a function that the parser learns before the engine does; none of today's.
        case .notImplemented(let name): "not implemented yet: \(name)"
        }
    }
}

extension QueryError {
    /// What went wrong in the store, in the words of a query.
    package init(_ error: StorageError) {
        self =
            switch error {
            case .memory(let wanted, let maximum, true): .tooManyBytesTogether(wanted: wanted, maximum: maximum)
            case .memory(let wanted, let maximum, false): .tooManyBytes(wanted: wanted, maximum: maximum)
            default: .storage(error)
            }
    }

    /// Two elements of a vector have the same labels at the same time.
    static let sameLabelSet = QueryError.execution(message: "vector cannot contain metrics with the same labelset")
}
