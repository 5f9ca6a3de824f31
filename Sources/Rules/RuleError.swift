/// Why a rule could not be loaded or evaluated.
package enum RuleError: Error, Hashable, Sendable {
    /// The expression does not parse; the message has its position.
    case expression(rule: String, message: String)
    /// A label's or annotation's template does not parse.
    case template(rule: String, name: String, error: TemplateError)
    /// The query failed; the engine's own sentence.
    case query(message: String)
    /// The result is not a vector or a scalar.
    case resultType(String)
    case duplicateLabels(isAlert: Bool)
    case limitExceeded(limit: Int, count: Int, isAlert: Bool)
    /// The store refused the samples, or some of them.
    case append(message: String)
    case groupTwice(file: String, name: String)
    case state(message: String)
}

extension RuleError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .expression(let rule, let message): "rule \(rule): \(message)"
        case .template(let rule, let name, let error): "rule \(rule), template of \(name): \(error)"
        case .query(let message): message
        case .resultType(let type): "rule result is not a vector or scalar but a \(type)"
        case .duplicateLabels(let isAlert):
            "vector contains metrics with the same labelset after applying \(isAlert ? "alert" : "rule") labels"
        case .limitExceeded(let limit, let count, let isAlert):
            "exceeded limit of \(limit) with \(count) \(isAlert ? "alerts" : "series")"
        case .append(let message): message
        case .groupTwice(let file, let name): "\(file): group \(name) is defined twice"
        case .state(let message): message
        }
    }
}
