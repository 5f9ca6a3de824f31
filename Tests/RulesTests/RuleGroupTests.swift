import Logging
import MetricModel
import Notifications
import PromQL
import SelfMetrics
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Rules

/// Answers rules from a table that the test changes.
final class TableQuerying: RuleQuerying {
    private let answers = Mutex<[String: [VectorElement]]>([:])

    func set(_ expression: String, _ elements: [(KeyValuePairs<String, String>, Double)]?) {
        answers.withLock { answers in
            answers[expression] = elements?.map { labels, value in
                VectorElement(labels: LabelSet(labels), timestamp: Timestamp(milliseconds: 0), value: value)
            }
        }
    }

    func canonical(_ expression: String) throws(RuleError) -> String { expression }

    func instant(_ expression: String, at time: Timestamp) throws(RuleError) -> QueryResult {
        guard let elements = answers.withLock({ $0[expression] }) else { throw .query(message: "no answer") }
        return QueryResult(value: .vector(elements))
    }
}

/// Collects what the rules send.
final class CollectedAlerts: AlertReceiving {
    private let all = Mutex<[Alert]>([])
    func receive(_ alerts: [Alert]) { all.withLock { $0 += alerts } }
    func take() -> [Alert] {
        all.withLock { all in
            defer { all = [] }
            return all
        }
    }
}

/// A group over a store in arrays, a table of answers and state in memory.
struct GroupFixture {
    let store = MemoryStore()
    let querying = TableQuerying()
    let alerts = CollectedAlerts()
    let states: SQLiteAlertStateStore
    var services: RuleGroupServices {
        RuleGroupServices(store: store, querying: querying, alerts: alerts, states: states, clock: SystemClock())
    }

    init() throws { states = SQLiteAlertStateStore(try AlertTables.inMemory()) }

    func group(_ settings: RuleGroupSettings, manager: RuleManagerSettings = .init()) throws -> RuleGroup {
        try RuleGroup(settings, file: "rules.yml", manager: manager, services: services)
    }

    /// All samples of a metric, as text: `labels@milliseconds value`.
    func samples(_ name: String) throws -> [String] {
        let selected = try store.querier().select(
            SelectRequest(matchers: [LabelMatcher(equal: LabelName.metricName, name)], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var result: [String] = []
        for index in 0..<selected.count {
            guard try reader.next(into: &columns) else { break }
            for position in columns.values.indices {
                let value = columns.values[position]
                let text = SpecialValue.isStale(value) ? "stale" : "\(value)"
                result.append("\(selected.labels(at: index))@\(columns.timestamp(at: position)) \(text)")
            }
        }
        return result.sorted()
    }
}

@Suite("A group of rules")
struct RuleGroupTests {
    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    @Test("a recording rule names its series, sets labels, and ends series that are gone")
    func recording() throws {
        let fixture = try GroupFixture()
        let group = try fixture.group(
            RuleGroupSettings(
                name: "g", queryOffsetMilliseconds: 500, labels: ["team": "x", "drop": ""],
                rules: [RuleSettings(kind: .recording, name: "r:sum", expression: "e", labels: ["team": "y"])]))
        fixture.querying.set("e", [(["__name__": "m", "a": "1", "drop": "d"], 1), (["a": "2"], 2)])
        #expect(group.evaluate(at: Self.at(10)).failures == [])
        fixture.querying.set("e", [(["a": "2"], 3)])
        #expect(group.evaluate(at: Self.at(20)).failures == [])
        #expect(
            try fixture.samples("r:sum") == [
                #"r:sum{a="1", team="y"}@19500 stale"#, #"r:sum{a="1", team="y"}@9500 1.0"#,
                #"r:sum{a="2", team="y"}@19500 3.0"#, #"r:sum{a="2", team="y"}@9500 2.0"#,
            ])
    }

    @Test("errors stay with their rule and write nothing")
    func errors() throws {
        let fixture = try GroupFixture()
        let group = try fixture.group(
            RuleGroupSettings(
                name: "g", limit: 1,
                rules: [
                    RuleSettings(kind: .recording, name: "same", expression: "same"),
                    RuleSettings(kind: .recording, name: "many", expression: "many"),
                    RuleSettings(kind: .recording, name: "bad", expression: "bad"),
                    RuleSettings(kind: .recording, name: "fine", expression: "fine"),
                ]))
        fixture.querying.set("same", [(["__name__": "a"], 1), (["__name__": "b"], 2)])
        fixture.querying.set("many", [(["x": "1"], 1), (["x": "2"], 2)])
        fixture.querying.set("fine", [([:], 1)])
        group.evaluate(at: Self.at(10))
        let rules = group.snapshot().rules
        #expect(rules.map(\.health) == [.bad, .bad, .bad, .good])
        #expect(
            rules.map(\.lastError) == [
                "vector contains metrics with the same labelset after applying rule labels",
                "exceeded limit of 1 with 2 series", "no answer", nil,
            ])
        #expect(try fixture.samples("fine") == ["fine@10000 1.0"])
        #expect(try fixture.samples("many").isEmpty)
    }

    private static let alerting = RuleGroupSettings(
        name: "g",
        rules: [
            RuleSettings(
                kind: .alerting, name: "Down", expression: "up == 0", holdMilliseconds: 20_000,
                labels: ["severity": "{{ if gt $value 5.0 }}page{{ else }}ticket{{ end }}"],
                annotations: ["summary": "{{ $labels.instance }} is down"])
        ])

    @Test("an alert pends, fires, is sent with the external labels, and resolves")
    func alerting() throws {
        let fixture = try GroupFixture()
        let manager = RuleManagerSettings(
            evaluationIntervalMilliseconds: 10_000, externalLabels: LabelSet(["site": "s"]), externalURL: "http://h",
            resendDelayMilliseconds: 60_000)
        let group = try fixture.group(Self.alerting, manager: manager)
        fixture.querying.set("up == 0", [(["__name__": "up", "instance": "i"], 0)])
        for seconds in [10, 20, 30] as [Int64] { group.evaluate(at: Self.at(seconds)) }
        let firing = fixture.alerts.take()
        let labels = LabelSet(["alertname": "Down", "instance": "i", "severity": "ticket", "site": "s"])
        #expect(
            firing == [
                Alert(
                    labels: labels, annotations: ["summary": "i is down"], startsAt: Self.at(30),
                    endsAt: Self.at(30 + 240), generatorURL: "http://h/graph?g0.expr=up+%3D%3D+0&g0.tab=1")
            ])
        fixture.querying.set("up == 0", [])
        group.evaluate(at: Self.at(40))
        let resolved = fixture.alerts.take()
        #expect(resolved.map(\.endsAt) == [Self.at(40)])
        #expect(resolved.map(\.startsAt) == [Self.at(30)])
        let name = #"ALERTS{alertname="Down", alertstate="#
        let rest = #", instance="i", severity="ticket"}@"#
        #expect(
            try fixture.samples("ALERTS") == [
                name + #""firing""# + rest + "30000 1.0", name + #""firing""# + rest + "40000 stale",
                name + #""pending""# + rest + "10000 1.0", name + #""pending""# + rest + "20000 1.0",
                name + #""pending""# + rest + "30000 stale",
            ])
    }

    @Test("a crash forgets nothing: a pending alert goes on, a firing one resolves")
    func restart() throws {
        let fixture = try GroupFixture()
        let manager = RuleManagerSettings(evaluationIntervalMilliseconds: 10_000)
        fixture.querying.set("up == 0", [(["instance": "i"], 0)])
        let first = try fixture.group(Self.alerting, manager: manager)
        first.evaluate(at: Self.at(10))
        first.evaluate(at: Self.at(20))
        let second = try fixture.group(Self.alerting, manager: manager)
        second.evaluate(at: Self.at(30))
        #expect(second.snapshot().rules.map(\.state) == [.firing])
        #expect(fixture.alerts.take().map(\.startsAt) == [Self.at(30)])
        let third = try fixture.group(Self.alerting, manager: manager)
        fixture.querying.set("up == 0", [])
        third.evaluate(at: Self.at(50))
        let resolved = fixture.alerts.take()
        #expect(resolved.map(\.endsAt) == [Self.at(50)])
        #expect(resolved.map(\.startsAt) == [Self.at(30)])
        #expect(try fixture.samples("ALERTS").last?.hasSuffix("stale") == true)
    }

    @Test("a changed group takes over the state of its rules and ends the series of those that went")
    func adoption() throws {
        let fixture = try GroupFixture()
        fixture.querying.set("up == 0", [(["instance": "i"], 0)])
        fixture.querying.set("e", [([:], 1)])
        var settings = Self.alerting
        settings.rules.append(RuleSettings(kind: .recording, name: "gone", expression: "e"))
        let old = try fixture.group(settings)
        old.evaluate(at: Self.at(10))
        settings.rules.removeLast()
        settings.rules[0].annotations = ["summary": "other"]
        let new = try fixture.group(settings)
        #expect(!new.isSame(as: old))
        new.adopt(old)
        new.evaluate(at: Self.at(30))
        #expect(new.snapshot().rules.map(\.state) == [.firing])
        #expect(try fixture.samples("gone") == ["gone@10000 1.0", "gone@30000 stale"])
    }

    @Test("a broken template refuses the whole settings and keeps the groups there are")
    func refusal() throws {
        let fixture = try GroupFixture()
        let manager = RuleManager(
            services: fixture.services, logger: .init(label: "test"), registry: Registry())
        var file = RuleFileContents(path: "rules.yml", groups: [Self.alerting])
        try manager.apply(RuleManagerSettings(files: [file]))
        file.groups[0].rules[0].annotations["summary"] = "{{ nope }}"
        #expect(throws: RuleError.self) { try manager.apply(RuleManagerSettings(files: [file])) }
        #expect(manager.snapshot().map(\.name) == ["g"])
        #expect(throws: RuleError.groupTwice(file: "rules.yml", name: "g")) {
            let twice = RuleFileContents(path: "rules.yml", groups: [Self.alerting, Self.alerting])
            try manager.apply(RuleManagerSettings(files: [twice]))
        }
    }
}
