package import PromQL
import PromQLSyntax
package import Storage

/// An error as the API tells it: a type, the status that goes with it, a sentence.
package struct APIError: Error, Sendable {
    package enum Kind: String, Sendable {
        case badData = "bad_data"
        case execution
        case canceled
        case timeout
        case `internal`
        case unavailable
        case notFound = "not_found"
        case notAcceptable = "not_acceptable"
        /// Too many queries, or too large ones together: ask again later.
        case tooManyRequests = "too_many_requests"
    }

    package var kind: Kind
    package var message: String
    /// What a misspelt name in a query probably was, as a question.
    package var hint: String?

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// A parameter that is wrong, in the words `invalid parameter "name": cause`.
    package static func invalidParameter(_ name: String, _ cause: String) -> APIError {
        APIError(.badData, "invalid parameter \"\(name)\": \(cause)")
    }

    /// The HTTP status that Prometheus answers with; 499 is what proxies call a closed request.
    package var status: Int {
        switch kind {
        case .badData: 400
        case .execution: 422
        case .canceled: 499
        case .timeout: 503
        case .internal, .unavailable: 500
        case .notFound: 404
        case .notAcceptable: 406
        case .tooManyRequests: 429
        }
    }

    /// What is wrong with the text of a query.
    init(_ error: SyntaxError) {
        self = .invalidParameter("query", error.description)
        hint = error.hint
    }

    /// What became of a query.
    package init(_ error: QueryError) {
        switch error {
        case .syntax(let error): self.init(error)
        case .unsuitableType: self = .invalidParameter("query", error.description)
        case .queueIsFull, .queueShareIsFull, .tooManyBytesTogether: self.init(.tooManyRequests, error.description)
        case .timedOut: self.init(.timeout, error.description)
        case .cancelled: self.init(.canceled, error.description)
        case .storage: self.init(.internal, error.description)
        default: self.init(.execution, error.description)
        }
    }

    /// What became of a look into the store.
    package init(_ error: StorageError) {
        switch error {
        case .memory(_, _, isShared: true): self.init(.tooManyRequests, error.description)
        case .limitExceeded, .memory: self.init(.execution, error.description)
        case .cancelled: self.init(.canceled, error.description)
        default: self.init(.internal, error.description)
        }
    }
}
