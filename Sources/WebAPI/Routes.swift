/// One path, what may be done with it, and who answers.
///
/// A route without a scope does not compile: when access control comes, nothing is open by accident.
struct Route: Sendable {
    enum Scope: Sendable {
        case readOnly, write, administration
        /// Read only, and answered before the server is ready too.
        case always
    }

    enum Pattern: Sendable {
        case exact(String)
        /// A path with one changing part between two fixed ones.
        case between(prefix: String, suffix: String)

        /// The changing part (empty for an exact path); nil where the path does not fit.
        func match(_ path: String) -> String? {
            switch self {
            case .exact(let wanted): return path == wanted ? "" : nil
            case .between(let prefix, let suffix):
                guard path.hasPrefix(prefix), path.hasSuffix(suffix),
                    path.utf8.count > prefix.utf8.count + suffix.utf8.count
                else { return nil }
                let part = path.dropFirst(prefix.count).dropLast(suffix.count)
                return part.contains("/") ? nil : String(part)
            }
        }
    }

    typealias Handler = @Sendable (_ request: APIRequest, _ part: String) throws(APIError) -> APIResponse

    var methods: Set<APIRequest.Method>
    var pattern: Pattern
    var scope: Scope
    var handler: Handler

    /// The methods as the header `Allow` lists them; every path answers OPTIONS.
    var allowedMethods: String {
        (methods.map(\.rawValue) + [APIRequest.Method.options.rawValue]).sorted().joined(separator: ", ")
    }

    init(_ methods: Set<APIRequest.Method>, _ pattern: Pattern, scope: Scope, handler: @escaping Handler) {
        self.methods = methods
        self.pattern = pattern
        self.scope = scope
        self.handler = handler
    }

    init(_ methods: Set<APIRequest.Method>, _ path: String, scope: Scope, handler: @escaping Handler) {
        self.init(methods, .exact(path), scope: scope, handler: handler)
    }

    /// A path without a changing part, answered by an endpoint's method.
    init(
        _ methods: Set<APIRequest.Method>, _ path: String, scope: Scope,
        _ endpoint: @escaping @Sendable (APIRequest) throws(APIError) -> APIResponse
    ) {
        self.init(methods, .exact(path), scope: scope) { (request, _) throws(APIError) in try endpoint(request) }
    }
}
