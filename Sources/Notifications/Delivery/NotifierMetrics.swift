package import SelfMetrics

extension Notifier {
    /// Shows `statistics()` and their limits on the process' own page.
    package func register(in registry: Registry) {
        func counter(_ name: String, _ help: String, _ count: @escaping @Sendable (NotifierStatistics) -> UInt64) {
            registry.counter("lapwing_notifications_" + name, help: help) { [weak self] in
                self.map { Double(count($0.statistics())) } ?? 0
            }
        }
        func gauge(_ name: String, _ help: String, _ count: @escaping @Sendable (NotifierStatistics) -> Int) {
            registry.gauge("lapwing_notifications_" + name, help: help) { [weak self] in
                self.map { Double(count($0.statistics())) } ?? 0
            }
        }
        counter("alerts_received_total", "Alerts that rules sent, repetitions included.", \.receivedCount)
        counter("alerts_refused_total", "Alerts kept out by the limit for alerts.", \.refusedCount)
        counter("delivered_total", "Notifications that their receiver took.", \.deliveredCount)
        counter("attempts_retried_total", "Attempts that failed and were tried again.", \.retriedCount)
        counter("failed_total", "Notifications given up until the group's next flush.", \.failedCount)
        gauge("alerts", "Alerts that the notifier holds.", \.alertCount)
        gauge("groups", "Groups of alerts, over all routes.", \.groupCount)
    }
}
