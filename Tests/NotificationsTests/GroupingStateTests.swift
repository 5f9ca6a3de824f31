import MetricModel
import Testing

@testable import Notifications

@Suite("Grouping")
struct GroupingStateTests {
    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

    static func alert(_ name: String, _ instance: String, from start: Int64, to end: Int64 = 1_000_000) -> Alert {
        Alert(
            labels: LabelSet(["alertname": name, "instance": instance]), startsAt: at(start), endsAt: at(end))
    }

    private static func settings(sendsResolved: Bool = true) -> NotificationSettings {
        NotificationSettings(
            route: NotificationRoute(
                receiver: "r", groupBy: .labels(["alertname"]), groupWaitMilliseconds: 30_000,
                groupIntervalMilliseconds: 300_000, repeatIntervalMilliseconds: 3_600_000),
            receivers: [
                NotificationReceiver(name: "r", webhooks: [WebhookSettings(sendsResolved: sendsResolved)])
            ])
    }

    /// Flushes and reports each delivery as done; the reasons and instances of what was delivered.
    private static func flush(_ state: inout GroupingState, at time: Int64, succeeds: Bool = true) -> [String] {
        var result: [String] = []
        for case .deliver(let notification, let number) in state.flush(at: at(time)) {
            let names = notification.alerts.map { alert in
                (alert.labels["instance"] ?? "") + (alert.status(at: notification.at) == .resolved ? "-" : "+")
            }
            result.append(notification.reason.rawValue + ": " + names.joined(separator: " "))
            if succeeds {
                _ = state.delivered(number: number, at: at(time))
            } else {
                state.failed(number: number)
            }
        }
        return result
    }

    @Test("a group waits, then tells of changes at its interval, repeats late, and ends with its last alert")
    func journey() {
        var state = GroupingState(settings: Self.settings())
        state.receive([Self.alert("A", "1", from: 100)], at: Self.at(100))
        #expect(state.nextFlush == Self.at(130))
        #expect(Self.flush(&state, at: 129).isEmpty)
        state.receive([Self.alert("A", "2", from: 120)], at: Self.at(120))
        #expect(Self.flush(&state, at: 130) == ["first notification: 1+ 2+"])
        #expect(Self.flush(&state, at: 430).isEmpty)
        state.receive([Self.alert("A", "3", from: 500)], at: Self.at(500))
        #expect(Self.flush(&state, at: 730) == ["new alerts added: 1+ 2+ 3+"])
        state.receive([Self.alert("A", "2", from: 120, to: 800)], at: Self.at(800))
        #expect(Self.flush(&state, at: 1030) == ["some alerts resolved: 1+ 3+ 2-"])
        #expect(state.alertCount == 2)
        #expect(Self.flush(&state, at: 1330).isEmpty)
        #expect(Self.flush(&state, at: 4700) == ["repeat interval elapsed: 1+ 3+"])
        state.receive(
            [Self.alert("A", "1", from: 100, to: 4800), Self.alert("A", "3", from: 500, to: 4800)], at: Self.at(4800))
        #expect(Self.flush(&state, at: 5000) == ["all alerts resolved: 1- 3-"])
        #expect(state.groupCount == 0)
        #expect(state.alertCount == 0)
        #expect(state.nextFlush == nil)
    }

    @Test("an alert that is older than the wait is told at once")
    func oldAlert() {
        var state = GroupingState(settings: Self.settings())
        state.receive([Self.alert("A", "1", from: 0)], at: Self.at(100))
        #expect(Self.flush(&state, at: 100) == ["first notification: 1+"])
    }

    @Test("what could not be delivered is tried again at the next flush, with what is true then")
    func failure() {
        var state = GroupingState(settings: Self.settings())
        state.receive([Self.alert("A", "1", from: 0)], at: Self.at(100))
        #expect(Self.flush(&state, at: 100, succeeds: false) == ["first notification: 1+"])
        state.receive([Self.alert("A", "2", from: 150)], at: Self.at(150))
        #expect(Self.flush(&state, at: 400) == ["first notification: 1+ 2+"])
    }

    @Test("a newer notification takes the place of one that is still under way")
    func superseding() {
        var state = GroupingState(settings: Self.settings())
        state.receive([Self.alert("A", "1", from: 0)], at: Self.at(100))
        _ = state.flush(at: Self.at(100))
        state.receive([Self.alert("A", "2", from: 150)], at: Self.at(150))
        var kinds: [String] = []
        for action in state.flush(at: Self.at(400)) {
            switch action {
            case .cancel(let number): kinds.append("cancel \(number)")
            case .deliver(_, let number): kinds.append("deliver \(number)")
            case .record: kinds.append("record")
            }
        }
        #expect(kinds == ["cancel 1", "deliver 2"])
        #expect(state.delivered(number: 1, at: Self.at(401)).isEmpty)
    }

    @Test("a restart repeats nothing and still tells of the end")
    func restart() {
        var first = GroupingState(settings: Self.settings())
        first.receive([Self.alert("A", "1", from: 0)], at: Self.at(100))
        _ = Self.flush(&first, at: 100)
        var second = GroupingState(settings: Self.settings(), log: first.log)
        second.receive([Self.alert("A", "1", from: 0)], at: Self.at(200))
        #expect(Self.flush(&second, at: 200).isEmpty)
        var third = GroupingState(settings: Self.settings(), log: first.log)
        third.receive([Self.alert("A", "1", from: 0, to: 210)], at: Self.at(220))
        #expect(Self.flush(&third, at: 220) == ["all alerts resolved: 1-"])
    }

    @Test("an alert that nobody knew of does not begin with its end")
    func unknownEnd() {
        var state = GroupingState(settings: Self.settings())
        state.receive([Self.alert("A", "1", from: 0, to: 50)], at: Self.at(100))
        #expect(state.groupCount == 0)
    }

    @Test("an alert that is not sent again counts as ended")
    func timeout() {
        var state = GroupingState(settings: Self.settings())
        state.receive([Self.alert("A", "1", from: 0, to: 350)], at: Self.at(100))
        #expect(Self.flush(&state, at: 100) == ["first notification: 1+"])
        #expect(Self.flush(&state, at: 400) == ["all alerts resolved: 1-"])
    }

    @Test("who does not want to hear of ends does not, and the log forgets all the same")
    func withoutResolved() {
        var state = GroupingState(settings: Self.settings(sendsResolved: false))
        state.receive([Self.alert("A", "1", from: 0)], at: Self.at(100))
        #expect(Self.flush(&state, at: 100) == ["first notification: 1+"])
        state.receive([Self.alert("A", "1", from: 0, to: 200)], at: Self.at(200))
        #expect(Self.flush(&state, at: 400).isEmpty)
        #expect(state.groupCount == 0)
        #expect(state.log.values.allSatisfy { $0.firing.isEmpty })
    }

    @Test("limits keep new groups and alerts out and count them")
    func limits() {
        var settings = Self.settings()
        settings.limits.groups = 1
        settings.limits.alerts = 1
        var state = GroupingState(settings: settings)
        state.receive(
            [Self.alert("A", "1", from: 0), Self.alert("A", "2", from: 0), Self.alert("B", "1", from: 0)],
            at: Self.at(100))
        #expect(state.alertCount == 1)
        #expect(state.refusedCount == 2)
    }
}

@Suite("Routing")
struct RoutingTreeTests {
    private static func tree() throws -> RoutingTree {
        RoutingTree(
            NotificationRoute(
                receiver: "default", groupBy: .labels(["alertname"]),
                routes: [
                    NotificationRoute(
                        receiver: "log", matchers: [try LabelMatcher("severity", .regex, "page|ticket")],
                        continues: true),
                    NotificationRoute(
                        receiver: "pager", repeatIntervalMilliseconds: 60_000,
                        matchers: [LabelMatcher(equal: "severity", "page")],
                        routes: [
                            NotificationRoute(
                                receiver: "database", groupBy: .all, matchers: [LabelMatcher(equal: "team", "db")])
                        ]),
                    NotificationRoute(receiver: "never", matchers: [LabelMatcher(equal: "severity", "page")]),
                ]))
    }

    @Test(
        "the deepest match wins, and continue tries the siblings",
        arguments: [
            (["severity": "info"], ["default"]), (["severity": "ticket"], ["log"]),
            (["severity": "page"], ["log", "pager"]), (["severity": "page", "team": "db"], ["log", "database"]),
        ] as [([String: String], [String])])
    func receivers(labels: [String: String], expected: [String]) throws {
        let set = LabelSet(labels.map { (name: $0.key, value: $0.value) })
        #expect(try Self.tree().leaves(for: set).map(\.receiver) == expected)
    }

    @Test("children inherit what they do not say, and the key of a group names its route")
    func inheritance() throws {
        let labels = LabelSet(["alertname": "A", "severity": "page", "team": "db"])
        let leaf = try #require(try Self.tree().leaves(for: labels).last)
        #expect(leaf.repeatIntervalMilliseconds == 60_000)
        #expect(leaf.groupWaitMilliseconds == 30_000)
        #expect(leaf.groupLabels(of: labels) == labels)
        let first = try #require(try Self.tree().leaves(for: labels).first)
        #expect(
            first.groupKey(first.groupLabels(of: labels)) == #"{}/{severity=~"page|ticket"}:{alertname="A"}"#)
    }

    @Test("settings that cannot work are named")
    func problems() {
        #expect(NotificationSettings.standard.problems().isEmpty)
        let broken = NotificationSettings(
            route: NotificationRoute(
                matchers: [LabelMatcher(equal: "a", "b")], routes: [NotificationRoute(receiver: "none")]),
            receivers: [NotificationReceiver(name: "a"), NotificationReceiver(name: "a")])
        #expect(
            broken.problems() == [
                #"receiver "a" is defined twice"#, "the root route names no receiver",
                "the root route must not have matchers", #"a route names receiver "none", which is not defined"#,
            ])
    }
}
