package import MetricModel

/// A group as the API shows it.
package struct RuleGroupSnapshot: Sendable {
    package var file: String
    package var name: String
    package var intervalMilliseconds: Int64
    package var limit: Int
    /// Nil before the first evaluation.
    package var lastEvaluation: Timestamp?
    package var evaluationSeconds: Double
    /// Slots that passed while an earlier evaluation ran.
    package var missedCount: UInt64
    package var rules: [RuleSnapshot]
}

/// A rule as the API shows it.
package struct RuleSnapshot: Sendable {
    package enum Health: String, Sendable {
        case unknown
        case good = "ok"
        case bad = "err"
    }

    package enum State: String, Sendable, Comparable {
        case unknown, inactive, pending, firing
        package static func < (left: State, right: State) -> Bool { left.order < right.order }
        private var order: Int {
            switch self {
            case .unknown: 0
            case .inactive: 1
            case .pending: 2
            case .firing: 3
            }
        }
    }

    package var kind: RuleSettings.Kind
    package var name: String
    /// The expression in its canonical spelling.
    package var query: String
    package var holdMilliseconds: Int64
    package var keepFiringMilliseconds: Int64
    /// Labels as the file has them, templates unexpanded, those of the group included; by name.
    package var labels: [(name: String, value: String)]
    package var annotations: [(name: String, value: String)]
    /// Alerting only: firing ones first, then pending ones.
    package var alerts: [AlertSnapshot]
    package var health: Health
    package var lastError: String?
    /// Nil before the first evaluation.
    package var lastEvaluation: Timestamp?
    package var evaluationSeconds: Double
    /// Recording rules are `inactive`.
    package var state: State
}

/// An alert as the API shows it.
package struct AlertSnapshot: Sendable {
    package var labels: LabelSet
    package var annotations: [(name: String, value: String)]
    package var isFiring: Bool
    package var activeAt: Timestamp
    package var keepFiringSince: Timestamp?
    package var value: Double

    package var state: RuleSnapshot.State { isFiring ? .firing : .pending }
}
