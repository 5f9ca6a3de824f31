package import MetricModel

/// One place of a receiver: the numbers count within its kind, from 0.
package enum NotificationIntegration: Hashable, Sendable {
    case standardOutput(Int)
    case webhook(Int)

    /// The name in the log, in attempts and in metrics: `webhook/0`.
    package var name: String {
        switch self {
        case .standardOutput(let index): "stdout/\(index)"
        case .webhook(let index): "webhook/\(index)"
        }
    }
}

/// One thing to tell one integration of a receiver.
package struct Notification: Hashable, Sendable {
    package var receiver: String
    package var integration: NotificationIntegration
    package var groupKey: String
    package var groupLabels: LabelSet
    package var reason: NotificationReason
    /// When the group was flushed; the status of the alerts is that of this moment.
    package var at: Timestamp
    /// Firing ones first, each kind in order of labels; for integrations that do not want resolved ones only firing.
    package var alerts: [Alert]
    /// What the log is to say once it is delivered.
    package var firing: Set<AlertFingerprint>
    package var resolved: Set<AlertFingerprint>
    /// Attempts end here; the group's next flush makes a newer notification.
    package var deadline: Timestamp
    package var repeatIntervalMilliseconds: Int64

    package var status: Alert.Status {
        alerts.contains { $0.status(at: at) == .firing } ? .firing : .resolved
    }

    /// The key of the log's entry.
    package var logKey: String { receiver + "/" + integration.name + " " + groupKey }
}
