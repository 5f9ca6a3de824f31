import MetricModel
import Notifications
package import SQLite

/// Alert state and the history of its transitions in `state.sqlite`.
package final class SQLiteAlertStateStore: AlertStateStore {
    /// Transitions kept; the oldest go first.
    package static let transitionsKept = 100_000

    private let database: SharedDatabase

    package init(_ database: SharedDatabase) { self.database = database }

    package func load(rule identity: String) throws(RuleError) -> StoredAlertState? {
        do throws(SQLiteError) {
            return try database.read { (connection) throws(SQLiteError) in
                let evaluation = try connection.cached("SELECT at FROM rule_evaluation WHERE rule = ?1")
                defer { evaluation.reset() }
                try evaluation.bind(identity, at: 1)
                guard try evaluation.step() else { return nil }
                let evaluatedAt = Timestamp(milliseconds: evaluation.int64(at: 0))
                return StoredAlertState(alerts: try Self.alerts(of: identity, connection), evaluatedAt: evaluatedAt)
            }
        } catch {
            throw .state(message: error.description)
        }
    }

    /// Rows that cannot be read are left out: a damaged one must not keep the others from being restored.
    private static func alerts(
        of identity: String, _ connection: SQLiteConnection
    ) throws(SQLiteError) -> [ActiveAlert] {
        let statement = try connection.cached(
            """
            SELECT labels, annotations, value, phase, active_at, fired_at, resolved_at, keep_firing_since
            FROM alert WHERE rule = ?1
            """)
        defer { statement.reset() }
        try statement.bind(identity, at: 1)
        var alerts: [ActiveAlert] = []
        while try statement.step() {
            func time(_ column: Int) -> Timestamp? {
                statement.isNull(at: column) ? nil : Timestamp(milliseconds: statement.int64(at: column))
            }
            guard let labels = PairsBlob.decode(statement.bytes(at: 0)),
                let annotations = PairsBlob.decode(statement.bytes(at: 1)),
                let phase = ActiveAlert.Phase(rawValue: statement.int(at: 3)), let activeAt = time(4)
            else { continue }
            alerts.append(
                ActiveAlert(
                    labels: LabelSet(labels.map { (name: $0.key, value: $0.value) }), annotations: annotations,
                    value: statement.isNull(at: 2) ? .nan : statement.double(at: 2), phase: phase, activeAt: activeAt,
                    firedAt: time(5), resolvedAt: time(6), keepFiringSince: time(7)))
        }
        return alerts
    }

    package func save(_ change: AlertStateChange) throws(RuleError) {
        do throws(SQLiteError) {
            try database.write { (connection) throws(SQLiteError) in
                for rule in change.rules {
                    try Self.saveEvaluation(rule.identity, change.evaluatedAt, connection)
                    if let alerts = rule.alerts { try Self.replace(alerts, of: rule.identity, connection) }
                    try Self.record(rule.transitions, of: rule.identity, connection)
                }
            }
        } catch {
            throw .state(message: error.description)
        }
    }

    private static func saveEvaluation(
        _ identity: String, _ time: Timestamp, _ connection: SQLiteConnection
    ) throws(SQLiteError) {
        let statement = try connection.cached("INSERT OR REPLACE INTO rule_evaluation (rule, at) VALUES (?1, ?2)")
        try statement.bind(identity, at: 1)
        try statement.bind(time.milliseconds, at: 2)
        try statement.run()
    }

    private static func replace(
        _ alerts: [ActiveAlert], of identity: String, _ connection: SQLiteConnection
    ) throws(SQLiteError) {
        let deletion = try connection.cached("DELETE FROM alert WHERE rule = ?1")
        try deletion.bind(identity, at: 1)
        try deletion.run()
        let statement = try connection.cached(
            """
            INSERT INTO alert (rule, labels, annotations, value, phase, active_at, fired_at, resolved_at,
                keep_firing_since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        for alert in alerts {
            try statement.bind(identity, at: 1)
            try statement.bind(PairsBlob.encode(alert.labels.pairs), at: 2)
            try statement.bind(PairsBlob.encode(alert.annotations), at: 3)
            try statement.bind(alert.value, at: 4)
            try statement.bind(alert.phase.rawValue, at: 5)
            try statement.bind(alert.activeAt.milliseconds, at: 6)
            try bind(alert.firedAt, at: 7, statement)
            try bind(alert.resolvedAt, at: 8, statement)
            try bind(alert.keepFiringSince, at: 9, statement)
            try statement.run()
        }
    }

    private static func bind(
        _ time: Timestamp?, at parameter: Int, _ statement: SQLiteStatement
    ) throws(SQLiteError) {
        guard let time else { return try statement.bindNull(at: parameter) }
        try statement.bind(time.milliseconds, at: parameter)
    }

    private static func record(
        _ transitions: [AlertTransition], of identity: String, _ connection: SQLiteConnection
    ) throws(SQLiteError) {
        guard !transitions.isEmpty else { return }
        let statement = try connection.cached(
            "INSERT INTO alert_transition (at, rule, labels, source, target, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        for transition in transitions {
            try statement.bind(transition.at.milliseconds, at: 1)
            try statement.bind(identity, at: 2)
            try statement.bind(transition.labels.description, at: 3)
            try statement.bind(name(transition.source), at: 4)
            try statement.bind(name(transition.target), at: 5)
            try statement.bind(transition.value, at: 6)
            try statement.run()
        }
        let trimming = try connection.cached("DELETE FROM alert_transition WHERE id <= ?1")
        try trimming.bind(connection.lastInsertedRow - Int64(transitionsKept), at: 1)
        try trimming.run()
    }

    private static func name(_ phase: ActiveAlert.Phase?) -> String {
        switch phase {
        case nil: "inactive"
        case .pending: "pending"
        case .firing: "firing"
        case .resolved: "resolved"
        }
    }

    package func forget(rules identities: [String]) throws(RuleError) {
        do throws(SQLiteError) {
            try database.write { (connection) throws(SQLiteError) in
                for table in ["alert", "rule_evaluation"] {
                    let statement = try connection.cached("DELETE FROM \(table) WHERE rule = ?1")
                    for identity in identities {
                        try statement.bind(identity, at: 1)
                        try statement.run()
                    }
                }
            }
        } catch {
            throw .state(message: error.description)
        }
    }
}
