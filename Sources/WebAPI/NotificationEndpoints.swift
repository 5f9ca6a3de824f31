import MetricModel
import Notifications

/// `/status/notifications`: what was sent to whom, and what came of it.
///
/// Ours; Prometheus leaves this to Alertmanager.
struct NotificationEndpoints: Sendable {
    /// Attempts in an answer where the request names no `limit`, and the most that it may ask for.
    static let defaultLimit = 100
    static let highestLimit = 10_000

    let notifier: Notifier

    /// The newest attempts first.
    func attempts(_ request: APIRequest) throws(APIError) -> APIResponse {
        let asked = try request.parameters.limit("limit")
        let attempts: [DeliveryAttempt]
        do throws(NotificationStateError) {
            attempts = try notifier.attempts(limit: asked > 0 ? min(asked, Self.highestLimit) : Self.defaultLimit)
        } catch {
            throw APIError(.internal, "the attempts cannot be read: \(error)")
        }
        return .success { writer in
            writer.object {
                $0.key("attempts")
                $0.array(of: attempts) { $0.attempt($1) }
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func attempt(_ attempt: DeliveryAttempt) {
        object {
            for (name, text) in [
                ("time", TimeText.rfc3339(attempt.at)), ("receiver", attempt.receiver),
                ("integration", attempt.integration), ("groupKey", attempt.groupKey), ("reason", attempt.reason),
                ("outcome", attempt.outcome.rawValue), ("message", attempt.message),
            ] {
                $0.key(name)
                $0.string(text)
            }
            for (name, count) in [
                ("firing", attempt.firingCount), ("resolved", attempt.resolvedCount), ("attempt", attempt.attempt),
            ] {
                $0.key(name)
                $0.integer(count)
            }
            $0.key("status")
            if let status = attempt.status { $0.integer(status) } else { $0.null() }
            $0.key("duration")
            $0.number(Double(attempt.milliseconds) / 1000)
        }
    }
}
