import Bytes
package import MetricModel
package import Notifications
import PromQL
package import Storage
import Synchronization

/// What a group needs from the world.
package struct RuleGroupServices: Sendable {
    package var store: any SampleStore
    package var querying: any RuleQuerying
    package var alerts: any AlertReceiving
    package var states: any AlertStateStore
    package var clock: any WallClock

    package init(
        store: any SampleStore, querying: any RuleQuerying, alerts: any AlertReceiving, states: any AlertStateStore,
        clock: any WallClock
    ) {
        self.store = store
        self.querying = querying
        self.alerts = alerts
        self.states = states
        self.clock = clock
    }
}

/// The rules of one group with what they remember between evaluations.
///
/// `evaluate` belongs to one thread at a time; snapshots may be taken meanwhile and see the state between two rules.
package final class RuleGroup: Sendable {
    /// A rule and what is known of its last evaluation.
    struct Entry: Sendable {
        enum Rule: Sendable {
            case recording(RecordingRule)
            case alerting(AlertingRule)
        }

        var rule: Rule
        let settings: RuleSettings
        /// The expression in its canonical spelling.
        let query: String
        let labels: [(name: String, value: String)]
        /// The series of the last evaluation; those that are missing in the next get a staleness marker.
        var series: Set<LabelSet> = []
        var health = RuleSnapshot.Health.unknown
        var lastError: String?
        var lastEvaluation: Timestamp?
        var evaluationSeconds = 0.0
    }

    struct State: Sendable {
        var entries: [Entry]
        var lastEvaluation: Timestamp?
        var evaluationSeconds = 0.0
        var missedCount: UInt64 = 0
        /// Series of rules that a reload took away; they get their markers at the next evaluation.
        var orphans: Set<LabelSet> = []
        var isRestored = false
    }

    package let settings: RuleGroupSettings
    package let file: String
    package let manager: RuleManagerSettings
    package let intervalMilliseconds: Int64
    package let queryOffsetMilliseconds: Int64
    let services: RuleGroupServices
    let state: Mutex<State>

    /// The group's name within the whole configuration.
    package var identity: String { file + ";" + settings.name }

    /// Parses every expression and template.
    package init(
        _ settings: RuleGroupSettings, file: String, manager: RuleManagerSettings, services: RuleGroupServices
    ) throws(RuleError) {
        self.settings = settings
        self.file = file
        var manager = manager
        manager.files = []
        self.manager = manager
        self.services = services
        intervalMilliseconds = settings.intervalMilliseconds ?? manager.evaluationIntervalMilliseconds
        queryOffsetMilliseconds = settings.queryOffsetMilliseconds ?? manager.queryOffsetMilliseconds
        var entries: [Entry] = []
        var occurrences: [String: Int] = [:]
        for rule in settings.rules {
            let query: String
            do throws(RuleError) {
                query = try services.querying.canonical(rule.expression)
            } catch {
                throw .expression(rule: rule.name, message: error.description)
            }
            let key = rule.name + "\u{1}" + PairsText.sorted(rule.labels)
            let occurrence = occurrences[key, default: 0]
            occurrences[key] = occurrence + 1
            let labels = settings.labels.merging(rule.labels) { _, own in own }
            let body: Entry.Rule
            switch rule.kind {
            case .recording:
                body = .recording(RecordingRule(rule, groupLabels: settings.labels, limit: settings.limit))
            case .alerting:
                let identity = "\(file);\(settings.name);\(rule.name);\(PairsText.sorted(rule.labels));\(occurrence)"
                body = .alerting(
                    try AlertingRule(
                        rule, groupLabels: settings.labels, limit: settings.limit, identity: identity))
            }
            entries.append(
                Entry(rule: body, settings: rule, query: query, labels: PairsText.pairs(labels)))
        }
        state = Mutex(State(entries: entries))
    }

    /// Whether another group would do exactly the same, so that a reload may keep this one.
    package func isSame(as other: RuleGroup) -> Bool {
        identity == other.identity && settings == other.settings && manager == other.manager
            && intervalMilliseconds == other.intervalMilliseconds
            && queryOffsetMilliseconds == other.queryOffsetMilliseconds
    }

    /// What alerting rules are called in the state's store.
    package var ruleIdentities: [String] {
        state.withLock { state in
            state.entries.compactMap { entry in
                if case .alerting(let rule) = entry.rule { rule.identity } else { nil }
            }
        }
    }

    // MARK: Continuity

    /// Takes over what the group of the same name knew before a reload; rules are matched by kind, name and labels.
    package func adopt(_ old: RuleGroup) {
        var known = old.state.withLock { $0 }
        state.withLock { state in
            for index in state.entries.indices {
                let wanted = state.entries[index].settings
                guard
                    let match = known.entries.firstIndex(where: { entry in
                        entry.settings.kind == wanted.kind && entry.settings.name == wanted.name
                            && entry.settings.labels == wanted.labels
                    })
                else { continue }
                let entry = known.entries.remove(at: match)
                state.entries[index].series = entry.series
                if case .alerting(var rule) = state.entries[index].rule, case .alerting(let before) = entry.rule {
                    rule.state = before.state
                    state.entries[index].rule = .alerting(rule)
                }
            }
            state.orphans.formUnion(known.orphans)
            for entry in known.entries { state.orphans.formUnion(entry.series) }
            state.isRestored = known.isRestored
        }
    }

    /// Declares that there is nothing to restore, as rule tests do.
    package func markRestored() { state.withLock { $0.isRestored = true } }

    /// Reads what was written down before the process started; `slot` is the first evaluation.
    func restore(at slot: Timestamp) throws(RuleError) {
        guard !state.withLock({ $0.isRestored }) else { return }
        let restoration = AlertRestoration(
            intervalMilliseconds: intervalMilliseconds, toleranceMilliseconds: manager.outageToleranceMilliseconds,
            graceMilliseconds: manager.graceMilliseconds)
        let identities = state.withLock { $0.entries.map(\.alertingIdentity) }
        var restored: [Int: AlertState] = [:]
        for (index, identity) in identities.enumerated() {
            guard let identity, let stored = try services.states.load(rule: identity) else { continue }
            restored[index] = AlertState(
                restoration.restored(
                    stored.alerts, stoppedAt: stored.evaluatedAt, at: slot,
                    holdMilliseconds: settings.rules[index].holdMilliseconds))
        }
        state.withLock { state in
            for (index, alerts) in restored {
                guard case .alerting(var rule) = state.entries[index].rule else { continue }
                rule.state = alerts
                state.entries[index].rule = .alerting(rule)
                // The series that the last run left behind end properly when their alerts are gone.
                state.entries[index].series = Set(alerts.samples().map(\.labels))
            }
            state.isRestored = true
        }
    }

    /// Every series that the group wrote at its last evaluation.
    package var series: Set<LabelSet> {
        state.withLock { state in
            state.entries.reduce(into: state.orphans) { $0.formUnion($1.series) }
        }
    }

    // MARK: What the API sees

    package func snapshot() -> RuleGroupSnapshot {
        let current = state.withLock { $0 }
        return RuleGroupSnapshot(
            file: file, name: settings.name, intervalMilliseconds: intervalMilliseconds, limit: settings.limit,
            lastEvaluation: current.lastEvaluation, evaluationSeconds: current.evaluationSeconds,
            missedCount: current.missedCount, rules: current.entries.map(\.snapshot))
    }

    func setMissedCount(_ count: UInt64) { state.withLock { $0.missedCount = count } }
}

extension RuleGroup.Entry {
    var alertingIdentity: String? {
        if case .alerting(let rule) = rule { rule.identity } else { nil }
    }

    var snapshot: RuleSnapshot {
        var alerts: [AlertSnapshot] = []
        var state = RuleSnapshot.State.inactive
        if case .alerting(let rule) = rule {
            alerts = rule.state.active.map { alert in
                AlertSnapshot(
                    labels: alert.labels, annotations: PairsText.pairs(alert.annotations),
                    isFiring: alert.phase == .firing, activeAt: alert.activeAt,
                    keepFiringSince: alert.keepFiringSince, value: alert.value)
            }
            if lastEvaluation == nil, alerts.isEmpty { state = .unknown }
            state = alerts.reduce(state) { max($0, $1.state) }
        }
        return RuleSnapshot(
            kind: settings.kind, name: settings.name, query: query, holdMilliseconds: settings.holdMilliseconds,
            keepFiringMilliseconds: settings.keepFiringMilliseconds, labels: labels,
            annotations: PairsText.pairs(settings.annotations), alerts: alerts, health: health, lastError: lastError,
            lastEvaluation: lastEvaluation, evaluationSeconds: evaluationSeconds, state: state)
    }
}

/// Labels of the configuration in order of name.
enum PairsText {
    static func pairs(_ values: [String: String]) -> [(name: String, value: String)] {
        values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { (name: $0.key, value: $0.value) }
    }

    static func sorted(_ values: [String: String]) -> String {
        pairs(values).map { $0.name + "=" + LabelName.quoted($0.value) }.joined(separator: ",")
    }
}
