package import MetricModel
package import PromQL

/// How rules and their templates ask questions.
///
/// Safe on several threads.
package protocol RuleQuerying: Sendable {
    /// The expression in its canonical spelling, which the API shows.
    func canonical(_ expression: String) throws(RuleError) -> String

    /// The answer at one time; blocks its thread until it is there.
    func instant(_ expression: String, at time: Timestamp) throws(RuleError) -> QueryResult
}
