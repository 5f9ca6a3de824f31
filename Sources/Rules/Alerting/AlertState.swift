package import MetricModel

/// An element of an alerting rule's result, its templates expanded.
package struct AlertElement: Hashable, Sendable {
    package var labels: LabelSet
    package var annotations: [String: String]
    package var value: Double

    package init(labels: LabelSet, annotations: [String: String] = [:], value: Double) {
        self.labels = labels
        self.annotations = annotations
        self.value = value
    }
}

/// An alert of a rule and how far it has come.
package struct ActiveAlert: Hashable, Sendable {
    package enum Phase: Int, Hashable, Sendable {
        /// It fired, ended, and is remembered for a while.
        case resolved = 0
        /// The expression gives it, but not for long enough yet.
        case pending = 1
        case firing = 2
    }

    package var labels: LabelSet
    package var annotations: [String: String]
    package var value: Double
    package var phase: Phase
    package var activeAt: Timestamp
    package var firedAt: Timestamp?
    package var resolvedAt: Timestamp?
    /// The first evaluation that missed it while `keep_firing_for` keeps it firing.
    package var keepFiringSince: Timestamp?
    package var lastSentAt: Timestamp?

    package init(
        labels: LabelSet, annotations: [String: String] = [:], value: Double, phase: Phase = .pending,
        activeAt: Timestamp, firedAt: Timestamp? = nil, resolvedAt: Timestamp? = nil,
        keepFiringSince: Timestamp? = nil, lastSentAt: Timestamp? = nil
    ) {
        self.labels = labels
        self.annotations = annotations
        self.value = value
        self.phase = phase
        self.activeAt = activeAt
        self.firedAt = firedAt
        self.resolvedAt = resolvedAt
        self.keepFiringSince = keepFiringSince
        self.lastSentAt = lastSentAt
    }
}

/// A step of an alert from one phase to another; nil is "not there".
package struct AlertTransition: Hashable, Sendable {
    package var labels: LabelSet
    package var source: ActiveAlert.Phase?
    package var target: ActiveAlert.Phase?
    package var at: Timestamp
    package var value: Double
}

/// All alerts of one rule.
///
/// Pure: the query's elements and the slot come in, transitions come out.
///
///                 element gone (no notice)
///        +-------------------------------------+
///        v                                     |
///     (none) -- element there --> pending -- for is over --> firing -- gone, keep_firing_for over --> resolved
///                                    ^                          |                                        |
///                                    |       for grew (reload)  |                                        |
///                                    +--------------------------+                                        |
///                                    ^------------------ element there again ----------------------------+
///                                                                  forgotten 15 minutes after it resolved
package struct AlertState: Hashable, Sendable {
    /// How long a resolved alert is remembered and sent again.
    package static let resolvedRetentionMilliseconds: Int64 = 15 * 60 * 1000

    package private(set) var alerts: [LabelSet: ActiveAlert]

    package init(_ alerts: [ActiveAlert] = []) {
        self.alerts = Dictionary(alerts.map { ($0.labels, $0) }) { first, _ in first }
    }

    /// Takes the result of an evaluation in.
    ///
    /// With elements of equal labels nothing changes and the error is thrown; beyond the limit every alert is dropped.
    package mutating func update(
        with elements: [AlertElement], at slot: Timestamp, holdMilliseconds: Int64, keepFiringMilliseconds: Int64 = 0,
        limit: Int = 0
    ) throws(RuleError) -> [AlertTransition] {
        var present: Set<LabelSet> = []
        present.reserveCapacity(elements.count)
        for element in elements where !present.insert(element.labels).inserted {
            throw .duplicateLabels(isAlert: true)
        }
        var before: [LabelSet: ActiveAlert.Phase] = [:]
        for element in elements {
            if var known = alerts[element.labels], known.phase != .resolved {
                known.value = element.value
                known.annotations = element.annotations
                alerts[element.labels] = known
            } else {
                before[element.labels] = alerts[element.labels]?.phase
                alerts[element.labels] = ActiveAlert(
                    labels: element.labels, annotations: element.annotations, value: element.value, activeAt: slot)
            }
        }
        var transitions: [AlertTransition] = []
        var activeCount = 0
        for (labels, alert) in alerts {
            let isPresent = present.contains(labels)
            let isNew = isPresent && alert.activeAt == slot && alert.phase == .pending
            let source = isNew ? before[labels] : alert.phase
            let updated =
                isPresent
                ? Self.present(alert, at: slot, holdMilliseconds)
                : Self.missing(alert, at: slot, keepFiringMilliseconds)
            alerts[labels] = updated
            if let phase = updated?.phase, phase != .resolved { activeCount += 1 }
            if source != updated?.phase {
                transitions.append(
                    AlertTransition(
                        labels: labels, source: source, target: updated?.phase, at: slot, value: alert.value))
            }
        }
        if limit > 0, activeCount > limit {
            alerts = [:]
            throw .limitExceeded(limit: limit, count: activeCount, isAlert: true)
        }
        return transitions.sorted { $0.labels < $1.labels }
    }

    private static func present(_ alert: ActiveAlert, at slot: Timestamp, _ hold: Int64) -> ActiveAlert {
        var alert = alert
        alert.keepFiringSince = nil
        let age = slot.milliseconds &- alert.activeAt.milliseconds
        if alert.phase == .pending, age >= hold {
            alert.phase = .firing
            alert.firedAt = slot
        } else if alert.phase == .firing, age < hold {
            // Only a reload that made `for` longer leads here.
            alert.phase = .pending
            alert.firedAt = nil
        }
        return alert
    }

    private static func missing(_ alert: ActiveAlert, at slot: Timestamp, _ keepFiring: Int64) -> ActiveAlert? {
        var alert = alert
        switch alert.phase {
        case .pending: return nil
        case .resolved:
            let age = slot.milliseconds &- (alert.resolvedAt ?? slot).milliseconds
            return age > resolvedRetentionMilliseconds ? nil : alert
        case .firing:
            if keepFiring > 0 {
                let since = alert.keepFiringSince ?? slot
                alert.keepFiringSince = since
                if slot.milliseconds &- since.milliseconds < keepFiring { return alert }
            }
            alert.phase = .resolved
            alert.resolvedAt = slot
            return alert
        }
    }

    // MARK: What leaves

    /// The alerts to send after this evaluation; they count as sent from here on.
    package mutating func takeDue(at slot: Timestamp, resendDelayMilliseconds: Int64) -> [ActiveAlert] {
        var due: [ActiveAlert] = []
        for (labels, alert) in alerts where Self.isDue(alert, at: slot, resendDelayMilliseconds) {
            due.append(alert)
            alerts[labels]?.lastSentAt = slot
        }
        return due.sorted { $0.labels < $1.labels }
    }

    private static func isDue(_ alert: ActiveAlert, at slot: Timestamp, _ resendDelay: Int64) -> Bool {
        guard alert.phase != .pending else { return false }
        guard let sent = alert.lastSentAt else { return true }
        if let resolved = alert.resolvedAt, resolved > sent { return true }
        return sent.milliseconds &+ resendDelay < slot.milliseconds
    }

    /// The series that tell of the alerts: `ALERTS` is 1, `ALERTS_FOR_STATE` the second since which one is active.
    package func samples() -> [RuleSample] {
        var samples: [RuleSample] = []
        for alert in alerts.values where alert.phase != .resolved {
            var builder = LabelSetBuilder(alert.labels)
            builder.set(LabelName.metricName, to: "ALERTS_FOR_STATE")
            let seconds = Double(alert.activeAt.milliseconds / 1000)
            samples.append(RuleSample(labels: builder.build(), value: seconds))
            builder.set(LabelName.metricName, to: "ALERTS")
            builder.set(LabelName.alertState, to: alert.phase == .firing ? "firing" : "pending")
            samples.append(RuleSample(labels: builder.build(), value: 1))
        }
        return samples.sorted { $0.labels < $1.labels }
    }

    /// The alerts that the API shows: firing and pending ones, by phase and labels.
    package var active: [ActiveAlert] {
        alerts.values.filter { $0.phase != .resolved }.sorted { left, right in
            left.phase == right.phase ? left.labels < right.labels : left.phase.rawValue > right.phase.rawValue
        }
    }
}

/// A sample that a rule gives; its time is the group's.
package struct RuleSample: Hashable, Sendable {
    package var labels: LabelSet
    package var value: Double
    package var histogram: NativeHistogram?

    package init(labels: LabelSet, value: Double, histogram: NativeHistogram? = nil) {
        self.labels = labels
        self.value = value
        self.histogram = histogram
    }
}
