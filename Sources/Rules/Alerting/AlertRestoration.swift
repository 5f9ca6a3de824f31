package import MetricModel

/// What becomes of alerts that were written down before the process stopped, when it runs again.
///
/// Firing alerts go on firing (or resolve, at the first evaluation that does not give them). For pending ones the time in
/// which nobody looked does not count towards `for`, within the rules that Prometheus has for it:
///
/// - an outage of no more than two intervals changes nothing: nothing was missed;
/// - after an outage beyond the tolerance they start anew;
/// - otherwise the time that is left of `for` starts at the first evaluation, and with a `for` of at least the grace
///   period not less than the grace period is left.
package struct AlertRestoration: Sendable {
    package var intervalMilliseconds: Int64
    package var toleranceMilliseconds: Int64
    package var graceMilliseconds: Int64

    package init(intervalMilliseconds: Int64, toleranceMilliseconds: Int64, graceMilliseconds: Int64) {
        self.intervalMilliseconds = intervalMilliseconds
        self.toleranceMilliseconds = toleranceMilliseconds
        self.graceMilliseconds = graceMilliseconds
    }

    /// The alerts to go on with at `slot`, the first evaluation; `stoppedAt` was the last one before.
    package func restored(
        _ alerts: [ActiveAlert], stoppedAt: Timestamp, at slot: Timestamp, holdMilliseconds: Int64
    ) -> [ActiveAlert] {
        let outage = slot.milliseconds &- stoppedAt.milliseconds
        return alerts.compactMap { alert in
            var alert = alert
            // The notifier has a log of its own against repeating; it must learn of the alerts again.
            alert.lastSentAt = nil
            if alert.activeAt > slot { alert.activeAt = slot }
            guard alert.phase == .pending else { return alert }
            guard outage <= toleranceMilliseconds else { return nil }
            guard outage > 2 &* intervalMilliseconds else { return alert }
            let left = holdMilliseconds &- (stoppedAt.milliseconds &- alert.activeAt.milliseconds)
            guard left > 0 else { return alert }
            let wanted = holdMilliseconds >= graceMilliseconds ? max(left, graceMilliseconds) : left
            alert.activeAt = Timestamp(milliseconds: slot.milliseconds &+ wanted &- holdMilliseconds)
            return alert
        }
    }
}
