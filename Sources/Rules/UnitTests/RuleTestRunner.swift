import MetricModel
import Notifications
package import PromQL
import PromQLSyntax
package import Storage

/// What a test of a rule file came to; without failures it passed.
package struct RuleTestOutcome: Hashable, Sendable {
    /// The test's name, or its number in the file where it has none.
    package var name: String
    package var failures: [String]
}

/// Runs unit tests of rules as `promtool test rules` does: input series are appended tick by tick, every group is evaluated
/// at every tick, and alerts and expressions are compared with what the file expects.
package struct RuleTestRunner: Sendable {
    /// The most ticks of one test.
    package static let tickLimit = 1_000_000

    private let makeStore: @Sendable () throws(RuleError) -> any SampleStore
    private let engineSettings: EngineSettings

    /// Each test gets an empty store of its own.
    package init(
        engineSettings: EngineSettings = EngineSettings(),
        makeStore: @escaping @Sendable () throws(RuleError) -> any SampleStore
    ) {
        self.engineSettings = engineSettings
        self.makeStore = makeStore
    }

    package func run(_ file: RuleTestFile) -> [RuleTestOutcome] {
        file.tests.enumerated().map { index, test in
            let name = test.name.isEmpty ? "test \(index + 1)" : test.name
            do throws(RuleError) {
                return RuleTestOutcome(name: name, failures: try run(test, of: file))
            } catch {
                return RuleTestOutcome(name: name, failures: [error.description])
            }
        }
    }

    private func run(_ test: RuleTest, of file: RuleTestFile) throws(RuleError) -> [String] {
        let store = try makeStore()
        var settings = engineSettings
        settings.defaultSubqueryStepMilliseconds = file.evaluationIntervalMilliseconds
        let querying = EngineRuleQuerying(engine: QueryEngine(settings: settings), store: store)
        let groups = try groups(for: test, of: file, store: store, querying: querying)
        var input = try RuleTestInput(
            test, intervalMilliseconds: test.intervalMilliseconds ?? file.evaluationIntervalMilliseconds)
        let step = max(1, file.evaluationIntervalMilliseconds)
        let last =
            (test.alertChecks.map(\.evaluationMilliseconds) + test.expressionChecks.map(\.evaluationMilliseconds)).max()
            ?? 0
        guard last / step < Int64(Self.tickLimit) else {
            throw .limitExceeded(limit: Self.tickLimit, count: Int(clamping: last / step), isAlert: false)
        }
        var failures: [String] = []
        for offset in stride(from: 0, through: last, by: Int64.Stride(step)) {
            let time = Timestamp(milliseconds: test.start.milliseconds &+ offset)
            try input.append(upTo: offset, to: store)
            for group in groups {
                let problems = group.evaluate(at: time).failures
                guard problems.isEmpty else { return failures + problems.map { "at \(Self.text(offset)): \($0)" } }
            }
            for check in test.alertChecks where (offset..<offset + step).contains(check.evaluationMilliseconds) {
                if let failure = Self.compare(check, with: groups) { failures.append(failure) }
            }
        }
        for check in test.expressionChecks {
            let time = Timestamp(milliseconds: test.start.milliseconds &+ check.evaluationMilliseconds)
            let result = try querying.instant(check.expression, at: time).value
            if let failure = try RuleTestComparison.failure(of: check, result, isFuzzy: file.comparesFuzzily) {
                failures.append(failure)
            }
        }
        return failures
    }

    /// The groups of all files: first those that the file wants first, then the others in their order.
    private func groups(
        for test: RuleTest, of file: RuleTestFile, store: any SampleStore, querying: any RuleQuerying
    ) throws(RuleError) -> [RuleGroup] {
        let services = RuleGroupServices(
            store: store, querying: querying, alerts: DiscardedAlerts(), states: ForgetfulAlertStateStore(),
            clock: SystemClock())
        let manager = RuleManagerSettings(
            evaluationIntervalMilliseconds: file.evaluationIntervalMilliseconds,
            externalLabels: LabelSet(test.externalLabels.map { (name: $0.key, value: $0.value) }),
            externalURL: test.externalURL)
        var groups: [RuleGroup] = []
        for rules in file.files {
            for settings in rules.groups {
                let group = try RuleGroup(settings, file: rules.path, manager: manager, services: services)
                group.markRestored()
                groups.append(group)
            }
        }
        let order = Dictionary(file.groupOrder.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
        let ranked = groups.enumerated().sorted { left, right in
            let (first, second) = (order[left.element.settings.name], order[right.element.settings.name])
            return (first ?? .max, left.offset) < (second ?? .max, right.offset)
        }
        return ranked.map(\.element)
    }

    static func text(_ milliseconds: Int64) -> String { DurationText.text(milliseconds: milliseconds) }

    // MARK: Alerts

    private static func compare(_ check: RuleTest.AlertCheck, with groups: [RuleGroup]) -> String? {
        let found = groups.flatMap { $0.snapshot().rules }
            .filter { $0.kind == .alerting && $0.name == check.alertName }
            .flatMap(\.alerts).filter(\.isFiring)
            .map { alert in
                describe(alert.labels, Dictionary(alert.annotations.map { ($0.name, $0.value) }) { first, _ in first })
            }
        let expected = check.expected.map { alert in
            var labels = LabelSetBuilder()
            for (name, value) in alert.labels { labels.set(name, to: value) }
            labels.set(LabelName.alertName, to: check.alertName)
            return describe(labels.build(), alert.annotations)
        }
        guard found.sorted() != expected.sorted() else { return nil }
        return """
            alertname: \(check.alertName), time: \(text(check.evaluationMilliseconds)),
                expected: \(list(expected))
                got:      \(list(found))
            """
    }

    private static func describe(_ labels: LabelSet, _ annotations: [String: String]) -> String {
        labels.description + " annotations {" + PairsText.sorted(annotations) + "}"
    }

    static func list(_ texts: [String]) -> String {
        texts.isEmpty ? "nothing" : texts.sorted().joined(separator: "\n              ")
    }
}

/// Nobody is told of the alerts of a test.
private struct DiscardedAlerts: AlertReceiving {
    func receive(_ alerts: [Alert]) {}
}
