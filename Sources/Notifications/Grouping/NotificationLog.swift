package import MetricModel

/// What a receiver was told last about a group; it keeps a notification from being repeated.
package struct NotificationLogEntry: Hashable, Sendable {
    package var at: Timestamp
    package var firing: Set<AlertFingerprint>
    package var resolved: Set<AlertFingerprint>
    /// When the entry may be forgotten.
    package var expiresAt: Timestamp

    package init(
        at: Timestamp, firing: Set<AlertFingerprint>, resolved: Set<AlertFingerprint>, expiresAt: Timestamp
    ) {
        self.at = at
        self.firing = firing
        self.resolved = resolved
        self.expiresAt = expiresAt
    }

    /// Why to tell the receiver, nil where there is nothing to tell.
    ///
    /// The order of the questions is that of Alertmanager's dedup stage.
    static func reason(
        after entry: NotificationLogEntry?, firing: Set<AlertFingerprint>, resolved: Set<AlertFingerprint>,
        sendsResolved: Bool, repeatIntervalMilliseconds: Int64, at time: Timestamp
    ) -> NotificationReason? {
        guard let entry else { return firing.isEmpty ? nil : .firstNotification }
        guard firing.isSubset(of: entry.firing) else { return .newAlerts }
        // Told even to those who do not want to hear of it, so that the log forgets what was firing.
        guard !firing.isEmpty else { return entry.firing.isEmpty ? nil : .allResolved }
        if sendsResolved, !resolved.isSubset(of: entry.resolved) { return .someResolved }
        let age = time.milliseconds &- entry.at.milliseconds
        return age >= repeatIntervalMilliseconds ? .repeatInterval : nil
    }
}

/// Why a notification is sent, in Alertmanager's words.
package enum NotificationReason: String, Hashable, Sendable {
    case firstNotification = "first notification"
    case newAlerts = "new alerts added"
    case someResolved = "some alerts resolved"
    case allResolved = "all alerts resolved"
    case repeatInterval = "repeat interval elapsed"
}
