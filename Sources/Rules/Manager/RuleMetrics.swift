import SelfMetrics

/// The rules' own metrics.
///
/// Totals without labels: names of groups come from files, and a page of ours must not grow with its input. Which group or
/// rule fails and how long each takes stands in `RuleGroupSnapshot`.
struct RuleMetrics: Sendable {
    private let groupEvaluations: Counter
    private let evaluations: Counter
    private let failures: Counter
    private let samples: Counter
    private let missedIterations: Counter
    private let duration: LatencyHistogram

    init(_ registry: Registry) {
        func counter(_ name: String, _ help: String) -> Counter {
            registry.counter("lapwing_rules_" + name, help: help)
        }
        groupEvaluations = counter("group_evaluations_total", "Evaluations of rule groups that ended.")
        evaluations = counter("evaluations_total", "Evaluations of single rules, failed ones included.")
        failures = counter("failures_total", "Rules, and writes of their state, that failed.")
        samples = counter("samples_total", "Samples that rules stored, ALERTS and ALERTS_FOR_STATE included.")
        missedIterations = counter(
            "group_iterations_missed_total", "Slots of groups that passed while an earlier evaluation ran.")
        duration = registry.histogram(
            "lapwing_rules_group_evaluation_seconds", help: "Duration of the evaluation of a whole group.")
    }

    /// - Parameter missed: Slots left out since the evaluation before this one.
    func record(_ evaluation: RuleGroupEvaluation, missed: UInt64) {
        groupEvaluations.increment()
        duration.observe(evaluation.seconds)
        if evaluation.evaluatedCount > 0 { evaluations.add(evaluation.evaluatedCount) }
        if !evaluation.failures.isEmpty { failures.add(evaluation.failures.count) }
        if evaluation.sampleCount > 0 { samples.add(evaluation.sampleCount) }
        if missed > 0 { missedIterations.add(Int(clamping: missed)) }
    }
}

extension RuleManager {
    /// Gauges of the moment, asked for when the page is written.
    func registerGauges(in registry: Registry) {
        registry.gauge("lapwing_rules_groups", help: "Rule groups loaded.") { [weak self] in
            Double(self?.snapshot().count ?? 0)
        }
        for state in [RuleSnapshot.State.pending, .firing] {
            registry.gauge(
                "lapwing_rules_alerts", help: "Alerts by state.", labels: ["state": state.rawValue]
            ) { [weak self] in
                Double(self?.alerts().count { $0.state == state } ?? 0)
            }
        }
    }
}
