package import Logging
import MetricModel
import Notifications
package import SelfMetrics
import Synchronization

/// Runs all rule groups on their schedules and exchanges them on reload without forgetting.
///
///     apply(settings) -> groups, each with a task:  wait for slot -> gate -> evaluate on a thread -> wait ...
///                        a changed group: the new task waits for the old one to stop, then adopts its state
///                        a removed group: its series get staleness markers two intervals later
package final class RuleManager: Sendable {
    private struct Running: Sendable {
        var group: RuleGroup
        var task: Task<Void, Never>?
    }

    private struct State {
        var groups: [String: Running] = [:]
        /// The order of the configuration.
        var order: [String] = []
        var isRunning = false
        var isFinished = false
        var endings: [Task<Void, Never>] = []
    }

    private let services: RuleGroupServices
    private let gate: EvaluationGate
    private let logger: Logger
    private let metrics: RuleMetrics
    private let state = Mutex(State())

    package init(
        services: RuleGroupServices, concurrentEvaluations: Int = 4, logger: Logger, registry: Registry
    ) {
        self.services = services
        self.logger = logger
        metrics = RuleMetrics(registry)
        gate = EvaluationGate(limit: concurrentEvaluations)
        registerGauges(in: registry)
    }

    // MARK: Settings

    /// Exchanges the groups, all or none: with an error the old ones go on.
    ///
    /// Groups that stay the same are not touched; changed ones take over the state of the old ones.
    package func apply(_ settings: RuleManagerSettings) throws(RuleError) {
        var groups: [String: RuleGroup] = [:]
        var order: [String] = []
        for file in settings.files {
            for group in file.groups {
                let made = try RuleGroup(group, file: file.path, manager: settings, services: services)
                guard groups.updateValue(made, forKey: made.identity) == nil else {
                    throw .groupTwice(file: file.path, name: group.name)
                }
                order.append(made.identity)
            }
        }
        state.withLock { state in
            guard !state.isFinished else { return }
            var next: [String: Running] = [:]
            for (identity, group) in groups {
                let old = state.groups.removeValue(forKey: identity)
                if let old, old.group.isSame(as: group) {
                    next[identity] = old
                } else {
                    old?.task?.cancel()
                    next[identity] = Running(group: group, task: nil)
                    if let old, old.task == nil { group.adopt(old.group) }
                    if state.isRunning { next[identity]?.task = start(group, after: old) }
                }
            }
            for removed in state.groups.values {
                removed.task?.cancel()
                if state.isRunning { state.endings.append(end(removed)) }
            }
            state.groups = next
            state.order = order
        }
    }

    // MARK: Running

    /// Runs the groups until the task is cancelled, then waits for evaluations under way.
    package func run() async {
        state.withLock { state in
            state.isRunning = true
            for (identity, running) in state.groups where running.task == nil {
                state.groups[identity]?.task = start(running.group, after: nil)
            }
        }
        while !Task.isCancelled { try? await services.clock.sleep(milliseconds: 3_600_000) }
        let tasks = state.withLock { state in
            state.isRunning = false
            state.isFinished = true
            return state.groups.values.compactMap(\.task) + state.endings
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func start(_ group: RuleGroup, after old: Running?) -> Task<Void, Never> {
        Task {
            if let old, let task = old.task {
                await task.value
                group.adopt(old.group)
            }
            await self.loop(group)
        }
    }

    private func loop(_ group: RuleGroup) async {
        var schedule = RuleGroupSchedule(identity: group.identity, intervalMilliseconds: group.intervalMilliseconds)
        schedule.start(at: services.clock.now)
        var countedMisses: UInt64 = 0
        while !Task.isCancelled {
            let wait = schedule.waitMilliseconds(at: services.clock.now)
            do { try await services.clock.sleep(milliseconds: wait) } catch { return }
            guard let slot = schedule.take(at: services.clock.now) else { continue }
            group.setMissedCount(schedule.missedCount)
            let evaluation = await gate.run { group.evaluate(at: slot) }
            metrics.record(evaluation, missed: schedule.missedCount &- countedMisses)
            countedMisses = schedule.missedCount
            for failure in evaluation.failures {
                logger.warning("rule failed", metadata: ["group": "\(group.identity)", "error": "\(failure)"])
            }
        }
    }

    /// Ends a removed group's series once it is sure that no other group writes them: a moved rule keeps its series.
    private func end(_ removed: Running) -> Task<Void, Never> {
        Task {
            await removed.task?.value
            let group = removed.group
            do {
                try await services.clock.sleep(milliseconds: 2 * group.intervalMilliseconds)
            } catch { return }
            var series = group.series
            let others = self.state.withLock { $0.groups.values.map(\.group) }
            for other in others { series.subtract(other.series) }
            let identities = Set(others.flatMap(\.ruleIdentities))
            let forgotten = group.ruleIdentities.filter { !identities.contains($0) }
            let ended = series
            let failure: String? = await gate.run {
                do throws(RuleError) {
                    if !ended.isEmpty { try group.endSeries(ended, at: self.services.clock.now) }
                    try self.services.states.forget(rules: forgotten)
                    return nil
                } catch {
                    return error.description
                }
            }
            if let failure {
                logger.warning(
                    "removed group did not end well",
                    metadata: ["group": "\(group.identity)", "error": "\(failure)"])
            }
        }
    }

    // MARK: What the API sees

    /// All groups in the order of the configuration.
    package func snapshot() -> [RuleGroupSnapshot] {
        let groups = state.withLock { state in state.order.compactMap { state.groups[$0]?.group } }
        return groups.map { $0.snapshot() }
    }

    /// All pending and firing alerts.
    package func alerts() -> [AlertSnapshot] {
        snapshot().flatMap { group in group.rules.flatMap(\.alerts) }
    }
}
