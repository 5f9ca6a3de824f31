import MetricModel
import Testing

@testable import Rules

@Suite("Alert state")
struct AlertStateTests {
    private static let minute: Int64 = 60_000
    private static let labels = LabelSet(["alertname": "A", "x": "1"])

    private static func at(_ minutes: Int64) -> Timestamp { Timestamp(milliseconds: minutes * minute) }

    /// Runs a row of evaluations a minute apart, `1` where the expression gives the alert; a letter for each phase.
    private static func phases(_ presence: String, hold: Int64, keepFiring: Int64 = 0) throws -> String {
        var state = AlertState()
        var result = ""
        for (index, character) in presence.enumerated() {
            let elements = character == "1" ? [AlertElement(labels: labels, value: Double(index))] : []
            _ = try state.update(
                with: elements, at: at(Int64(index)), holdMilliseconds: hold * minute,
                keepFiringMilliseconds: keepFiring * minute)
            switch state.alerts[labels]?.phase {
            case nil: result += "-"
            case .pending: result += "p"
            case .firing: result += "F"
            case .resolved: result += "r"
            }
        }
        return result
    }

    @Test(
        "an alert goes its way",
        arguments: [
            ("111", 0, 0, "FFF"), ("1110", 2, 0, "ppFr"), ("10", 2, 0, "p-"), ("1010", 2, 0, "p-p-"),
            ("1100", 0, 2, "FFFF"), ("11000", 0, 2, "FFFFr"), ("110100", 0, 2, "FFFFFF"), ("101", 0, 0, "FrF"),
            ("11101", 2, 0, "ppFrp"),
            ("1" + String(repeating: "0", count: 18), 0, 0, "F" + String(repeating: "r", count: 16) + "--"),
        ] as [(String, Int64, Int64, String)])
    func phases(presence: String, hold: Int64, keepFiring: Int64, expected: String) throws {
        #expect(try Self.phases(presence, hold: hold, keepFiring: keepFiring) == expected)
    }

    @Test("transitions name where an alert comes from and where it goes")
    func transitions() throws {
        var state = AlertState()
        let element = AlertElement(labels: Self.labels, value: 3)
        let first = try state.update(with: [element], at: Self.at(0), holdMilliseconds: Self.minute)
        #expect(first.map(\.source) == [nil])
        #expect(first.map(\.target) == [.pending])
        let second = try state.update(with: [element], at: Self.at(1), holdMilliseconds: Self.minute)
        #expect(second.map(\.source) == [.pending])
        #expect(second.map(\.target) == [.firing])
        #expect(try state.update(with: [element], at: Self.at(2), holdMilliseconds: Self.minute).isEmpty)
        let last = try state.update(with: [], at: Self.at(3), holdMilliseconds: Self.minute)
        #expect(last.map(\.target) == [.resolved])
    }

    @Test("two elements with the same labels change nothing")
    func duplicates() throws {
        var state = AlertState()
        let element = AlertElement(labels: Self.labels, value: 3)
        _ = try state.update(with: [element], at: Self.at(0), holdMilliseconds: 0)
        let before = state
        #expect(throws: RuleError.duplicateLabels(isAlert: true)) {
            try state.update(with: [element, element], at: Self.at(1), holdMilliseconds: 0)
        }
        #expect(state == before)
    }

    @Test("more alerts than the limit drop them all")
    func limit() throws {
        var state = AlertState()
        let elements = (0..<3).map { AlertElement(labels: LabelSet(["x": "\($0)"]), value: 1) }
        #expect(throws: RuleError.limitExceeded(limit: 2, count: 3, isAlert: true)) {
            try state.update(with: elements, at: Self.at(0), holdMilliseconds: 0, limit: 2)
        }
        #expect(state.alerts.isEmpty)
    }

    @Test("a longer for after a reload makes a firing alert pend again")
    func longerHold() throws {
        var state = AlertState()
        let element = AlertElement(labels: Self.labels, value: 3)
        _ = try state.update(with: [element], at: Self.at(0), holdMilliseconds: 0)
        _ = try state.update(with: [element], at: Self.at(1), holdMilliseconds: 5 * Self.minute)
        #expect(state.alerts[Self.labels]?.phase == .pending)
        #expect(state.alerts[Self.labels]?.firedAt == nil)
    }

    @Test("firing alerts are sent once and then every delay, resolved ones at once and for fifteen minutes")
    func sending() throws {
        var state = AlertState()
        let element = AlertElement(labels: Self.labels, value: 3)
        var sent: [Int64] = []
        for minute in Int64(0)..<30 {
            _ = try state.update(with: minute < 5 ? [element] : [], at: Self.at(minute), holdMilliseconds: Self.minute)
            if !state.takeDue(at: Self.at(minute), resendDelayMilliseconds: Self.minute).isEmpty { sent.append(minute) }
        }
        #expect(sent == [1, 3, 5, 7, 9, 11, 13, 15, 17, 19])
    }

    @Test("the series of an alert carry its state and since when it is active")
    func samples() throws {
        var state = AlertState()
        _ = try state.update(
            with: [AlertElement(labels: Self.labels, value: 3)], at: Self.at(2), holdMilliseconds: Self.minute)
        let samples = state.samples()
        #expect(
            samples == [
                RuleSample(
                    labels: LabelSet([
                        "__name__": "ALERTS", "alertname": "A", "alertstate": "pending", "x": "1",
                    ]), value: 1),
                RuleSample(
                    labels: LabelSet(["__name__": "ALERTS_FOR_STATE", "alertname": "A", "x": "1"]), value: 120),
            ])
    }
}

@Suite("Restoring alerts")
struct AlertRestorationTests {
    private static let minute: Int64 = 60_000
    private static let restoration = AlertRestoration(
        intervalMilliseconds: minute, toleranceMilliseconds: 60 * minute, graceMilliseconds: 10 * minute)

    private static func alert(_ phase: ActiveAlert.Phase, activeAt: Int64) -> ActiveAlert {
        ActiveAlert(
            labels: LabelSet(["a": "b"]), value: 1, phase: phase, activeAt: Timestamp(milliseconds: activeAt * minute),
            lastSentAt: Timestamp(milliseconds: 0))
    }

    /// Minutes until a pending alert that was active since 0 fires, counted from the first evaluation.
    @Test(
        "a pending alert goes on where it stopped",
        arguments: [
            // A short outage is none; a longer one does not count; the grace period is the least; beyond the tolerance.
            (30, 10, 11, 19), (30, 10, 40, 20), (30, 25, 40, 10), (5, 3, 20, 2), (30, 30, 40, -10), (30, 10, 71, nil),
        ] as [(Int64, Int64, Int64, Int64?)])
    func pending(hold: Int64, stoppedAt: Int64, slot: Int64, firesAfter: Int64?) {
        let restored = Self.restoration.restored(
            [Self.alert(.pending, activeAt: 0)], stoppedAt: Timestamp(milliseconds: stoppedAt * Self.minute),
            at: Timestamp(milliseconds: slot * Self.minute), holdMilliseconds: hold * Self.minute)
        let expected = firesAfter.map { [$0] } ?? []
        #expect(restored.map { $0.activeAt.milliseconds / Self.minute + hold - slot } == expected)
    }

    @Test("a firing alert goes on firing after any outage and is sent anew")
    func firing() {
        let restored = Self.restoration.restored(
            [Self.alert(.firing, activeAt: 0)], stoppedAt: Timestamp(milliseconds: 0),
            at: Timestamp(milliseconds: 600 * Self.minute), holdMilliseconds: Self.minute)
        #expect(restored.map(\.phase) == [.firing])
        #expect(restored.map(\.lastSentAt) == [nil])
    }
}

@Suite("The schedule of a group")
struct RuleGroupScheduleTests {
    @Test("slots are aligned, spread by name and the same in every run")
    func slots() {
        var schedule = RuleGroupSchedule(identity: "a;b", intervalMilliseconds: 15_000)
        let phase = schedule.phaseMilliseconds
        #expect((0..<15_000).contains(phase))
        #expect(RuleGroupSchedule(identity: "a;b", intervalMilliseconds: 15_000).phaseMilliseconds == phase)
        schedule.start(at: Timestamp(milliseconds: 1_000_000))
        let next = schedule.next?.milliseconds ?? 0
        #expect(next > 1_000_000 && next <= 1_015_000)
        #expect((next - phase) % 15_000 == 0)
        #expect(schedule.take(at: Timestamp(milliseconds: next - 1)) == nil)
        #expect(schedule.take(at: Timestamp(milliseconds: next + 20))?.milliseconds == next)
        #expect(schedule.take(at: Timestamp(milliseconds: next + 21)) == nil)
    }

    @Test("slots that passed are counted and not made up for")
    func missed() {
        var schedule = RuleGroupSchedule(identity: "x", intervalMilliseconds: 1_000)
        schedule.start(at: Timestamp(milliseconds: 0))
        let first = schedule.next?.milliseconds ?? 0
        #expect(schedule.take(at: Timestamp(milliseconds: first + 3_500))?.milliseconds == first + 3_000)
        #expect(schedule.missedCount == 3)
        #expect(schedule.scheduledCount == 4)
        #expect(schedule.next?.milliseconds == first + 4_000)
    }

    @Test("a clock that was set back does not silence the group")
    func setBack() {
        var schedule = RuleGroupSchedule(identity: "x", intervalMilliseconds: 1_000)
        schedule.start(at: Timestamp(milliseconds: 10_000_000))
        #expect(schedule.take(at: Timestamp(milliseconds: 5_000_000)) == nil)
        #expect((schedule.next?.milliseconds ?? 0) <= 5_001_000)
    }
}
