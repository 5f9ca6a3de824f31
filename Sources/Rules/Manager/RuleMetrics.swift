/// Counts what the rules do; what counts stands above.
package protocol RuleMetrics: Sendable {
    func note(_ evaluation: RuleGroupEvaluation, of group: RuleGroup)
}
