package import MetricModel

/// What the grouping asks its shell to do.
package enum GroupingAction: Sendable {
    /// Deliver it, with retries, until its deadline; then call `delivered` or `failed` with the number.
    case deliver(Notification, number: UInt64)
    /// Stop attempts: a newer notification takes its place.
    case cancel(number: UInt64)
    /// The log changed: write the entry down.
    case record(key: String, NotificationLogEntry)
}

/// All alerts in their groups and when each group is flushed.
///
/// Pure: events and the time in, actions out.
///
///     receive(alerts) -> route -> group: first flush after group_wait (at once for alerts older than that),
///                                        then every group_interval until nothing is left in it
///     flush -> for each integration of the receiver: compare with the log -> deliver, or nothing to say
///     delivered -> the log; resolved alerts leave the group once every integration has been told
package struct GroupingState: Sendable {
    private struct GroupKey: Hashable, Sendable {
        var key: String
        var receiver: String
    }

    private struct Group: Sendable {
        var leaf: RoutingTree.Leaf
        var labels: LabelSet
        var key: String
        var alerts: [AlertFingerprint: Alert] = [:]
        var nextFlush: Timestamp
        /// Deliveries under way, by integration.
        var underWay: [NotificationIntegration: UInt64] = [:]
    }

    private struct Delivery: Sendable {
        var group: GroupKey
        var notification: Notification
    }

    private let tree: RoutingTree
    private let receivers: [String: NotificationReceiver]
    private let limits: NotificationLimits
    private let resolveTimeoutMilliseconds: Int64
    private var groups: [GroupKey: Group] = [:]
    private var deliveries: [UInt64: Delivery] = [:]
    private var lastNumber: UInt64
    private(set) package var log: [String: NotificationLogEntry]
    /// Alerts that a limit kept out.
    private(set) package var refusedCount: UInt64 = 0

    package init(
        settings: NotificationSettings, log: [String: NotificationLogEntry] = [:], firstNumber: UInt64 = 0
    ) {
        tree = RoutingTree(settings.route)
        receivers = Dictionary(settings.receivers.map { ($0.name, $0) }) { first, _ in first }
        limits = settings.limits
        resolveTimeoutMilliseconds = settings.resolveTimeoutMilliseconds
        self.log = log
        lastNumber = firstNumber
    }

    /// Alerts in all groups; one in two groups counts twice.
    private(set) package var alertCount = 0
    package var groupCount: Int { groups.count }
    /// The last number given to a delivery; a state that follows this one goes on from it.
    package var lastDeliveryNumber: UInt64 { lastNumber }

    // MARK: Events

    /// Takes alerts in: new ones, known ones again, and the ends of known ones.
    package mutating func receive(_ alerts: [Alert], at time: Timestamp) {
        for alert in alerts {
            var alert = alert
            if alert.endsAt.milliseconds == 0 {
                alert.endsAt = Timestamp(milliseconds: time.milliseconds &+ resolveTimeoutMilliseconds)
            }
            for leaf in tree.leaves(for: alert.labels) { insert(alert, leaf, at: time) }
        }
    }

    private mutating func insert(_ alert: Alert, _ leaf: RoutingTree.Leaf, at time: Timestamp) {
        let labels = leaf.groupLabels(of: alert.labels)
        let key = GroupKey(key: leaf.groupKey(labels), receiver: leaf.receiver)
        if groups[key] == nil {
            // The end of something unknown is told only where the log knows of its beginning.
            if alert.status(at: time) == .resolved, !logKnows(alert.fingerprint, key) { return }
            guard groups.count < limits.groups else { return refusedCount &+= 1 }
            let age = time.milliseconds &- alert.startsAt.milliseconds
            let wait = age >= leaf.groupWaitMilliseconds ? 0 : leaf.groupWaitMilliseconds
            groups[key] = Group(
                leaf: leaf, labels: labels, key: key.key,
                nextFlush: Timestamp(milliseconds: time.milliseconds &+ wait))
        }
        let fingerprint = alert.fingerprint
        if groups[key]?.alerts[fingerprint] == nil {
            if alert.status(at: time) == .resolved, !logKnows(fingerprint, key) { return }
            guard alertCount < limits.alerts else { return refusedCount &+= 1 }
            alertCount += 1
        }
        groups[key]?.alerts[fingerprint] = alert
    }

    private func logKnows(_ fingerprint: AlertFingerprint, _ group: GroupKey) -> Bool {
        integrations(of: group.receiver).contains { integration, _ in
            log[group.receiver + "/" + integration.name + " " + group.key]?.firing.contains(fingerprint) ?? false
        }
    }

    /// When `flush` has something to do; nil where there is no group.
    package var nextFlush: Timestamp? { groups.values.map(\.nextFlush).min() }

    /// Flushes the groups that are due.
    package mutating func flush(at time: Timestamp) -> [GroupingAction] {
        var actions: [GroupingAction] = []
        let due = groups.filter { $0.value.nextFlush <= time }
        for key in due.keys.sorted(by: { ($0.key, $0.receiver) < ($1.key, $1.receiver) }) {
            flush(key, at: time, &actions)
        }
        return actions
    }

    private mutating func flush(_ key: GroupKey, at time: Timestamp, _ actions: inout [GroupingAction]) {
        guard var group = groups[key] else { return }
        group.nextFlush = Timestamp(milliseconds: time.milliseconds &+ group.leaf.groupIntervalMilliseconds)
        let alerts = group.alerts.values.sorted { left, right in
            let (first, second) = (left.status(at: time), right.status(at: time))
            return first == second ? left.labels < right.labels : first == .firing
        }
        let firing = Set(alerts.filter { $0.status(at: time) == .firing }.map(\.fingerprint))
        let resolved = Set(alerts.filter { $0.status(at: time) == .resolved }.map(\.fingerprint))
        for (integration, sendsResolved) in integrations(of: key.receiver) {
            var notification = Notification(
                receiver: key.receiver, integration: integration, groupKey: group.key, groupLabels: group.labels,
                reason: .firstNotification, at: time, alerts: alerts, firing: firing, resolved: resolved,
                deadline: Timestamp(
                    milliseconds: time.milliseconds &+ max(10_000, group.leaf.groupIntervalMilliseconds)),
                repeatIntervalMilliseconds: group.leaf.repeatIntervalMilliseconds)
            let reason = NotificationLogEntry.reason(
                after: log[notification.logKey], firing: firing, resolved: resolved, sendsResolved: sendsResolved,
                repeatIntervalMilliseconds: group.leaf.repeatIntervalMilliseconds, at: time)
            guard let reason else { continue }
            if let older = group.underWay.removeValue(forKey: integration) {
                deliveries[older] = nil
                actions.append(.cancel(number: older))
            }
            notification.reason = reason
            if !sendsResolved { notification.alerts.removeAll { $0.status(at: time) == .resolved } }
            guard !notification.alerts.isEmpty else {
                record(notification, &actions)
                continue
            }
            lastNumber += 1
            group.underWay[integration] = lastNumber
            deliveries[lastNumber] = Delivery(group: key, notification: notification)
            actions.append(.deliver(notification, number: lastNumber))
        }
        groups[key] = group
        if group.underWay.isEmpty { removeTold(key, endedBy: time, told: resolved) }
    }

    private func integrations(of receiver: String) -> [(NotificationIntegration, sendsResolved: Bool)] {
        guard let receiver = receivers[receiver] else { return [] }
        return receiver.outputs.enumerated().map { (.standardOutput($0.offset), $0.element.sendsResolved) }
            + receiver.webhooks.enumerated().map { (.webhook($0.offset), $0.element.sendsResolved) }
    }

    private mutating func record(_ notification: Notification, _ actions: inout [GroupingAction]) {
        // Twice the repeat interval, as in Alertmanager: an entry must outlive the moment of its repetition.
        let entry = NotificationLogEntry(
            at: notification.at, firing: notification.firing, resolved: notification.resolved,
            expiresAt: Timestamp(
                milliseconds: notification.at.milliseconds &+ 2 &* notification.repeatIntervalMilliseconds))
        log[notification.logKey] = entry
        actions.append(.record(key: notification.logKey, entry))
    }

    /// A delivery reached its receiver.
    package mutating func delivered(number: UInt64, at time: Timestamp) -> [GroupingAction] {
        guard let delivery = deliveries.removeValue(forKey: number) else { return [] }
        var actions: [GroupingAction] = []
        record(delivery.notification, &actions)
        finish(delivery, hasTold: true)
        return actions
    }

    /// The attempts of a delivery came to an end without success; the next flush of its group tries anew.
    package mutating func failed(number: UInt64) {
        guard let delivery = deliveries.removeValue(forKey: number) else { return }
        finish(delivery, hasTold: false)
    }

    private mutating func finish(_ delivery: Delivery, hasTold: Bool) {
        groups[delivery.group]?.underWay[delivery.notification.integration] = nil
        guard hasTold, let group = groups[delivery.group], group.underWay.isEmpty else { return }
        removeTold(delivery.group, endedBy: delivery.notification.at, told: delivery.notification.resolved)
    }

    /// Lets alerts go that had ended when the group was flushed, and the group with the last of them.
    private mutating func removeTold(_ key: GroupKey, endedBy time: Timestamp, told: Set<AlertFingerprint>) {
        guard var group = groups[key] else { return }
        for fingerprint in told where group.alerts[fingerprint]?.status(at: time) == .resolved {
            // Another integration that could not be told keeps the alert for the next flush.
            let isOwed = integrations(of: key.receiver).contains { integration, sendsResolved in
                let entry = log[key.receiver + "/" + integration.name + " " + group.key]
                return sendsResolved && (entry?.firing.contains(fingerprint) ?? false)
            }
            guard !isOwed else { continue }
            group.alerts[fingerprint] = nil
            alertCount -= 1
        }
        groups[key] = group.alerts.isEmpty ? nil : group
    }

    /// Forgets entries of the log that have expired.
    package mutating func expireLog(at time: Timestamp) { log = log.filter { $0.value.expiresAt > time } }

    // MARK: Reload

    /// Every alert that is known, for a state with other settings that follows this one.
    package var alerts: [Alert] {
        var seen: [LabelSet: Alert] = [:]
        for group in groups.values { for alert in group.alerts.values { seen[alert.labels] = alert } }
        return seen.values.sorted { $0.labels < $1.labels }
    }
}
