package import MetricModel

/// The alerts of one rule as they were written down, and when that rule was evaluated last.
package struct StoredAlertState: Hashable, Sendable {
    package var alerts: [ActiveAlert]
    package var evaluatedAt: Timestamp

    package init(alerts: [ActiveAlert], evaluatedAt: Timestamp) {
        self.alerts = alerts
        self.evaluatedAt = evaluatedAt
    }
}

/// What an evaluation of a group changed, written in one transaction.
package struct AlertStateChange: Sendable {
    package struct Rule: Sendable {
        package var identity: String
        /// All alerts of the rule as they are now, nil where none moved (values and annotations alone are not written).
        package var alerts: [ActiveAlert]?
        package var transitions: [AlertTransition]
    }

    package var rules: [Rule]
    package var evaluatedAt: Timestamp
}

/// Where alert state outlives the process.
///
/// Safe on several threads.
package protocol AlertStateStore: Sendable {
    /// What is known of a rule, nil where nothing is.
    func load(rule identity: String) throws(RuleError) -> StoredAlertState?

    /// Writes a change, all or nothing.
    func save(_ change: AlertStateChange) throws(RuleError)

    /// Forgets rules that are configured no more.
    func forget(rules identities: [String]) throws(RuleError)
}

/// A store that keeps nothing: rule tests, and running without a folder.
package struct ForgetfulAlertStateStore: AlertStateStore {
    package init() {}
    package func load(rule identity: String) throws(RuleError) -> StoredAlertState? { nil }
    package func save(_ change: AlertStateChange) throws(RuleError) {}
    package func forget(rules identities: [String]) throws(RuleError) {}
}
