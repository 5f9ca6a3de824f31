import Glibc
package import Logging
package import MetricModel
import Synchronization

/// Groups alerts, delivers notifications and remembers what was told: the shell around `GroupingState`.
///
///     receive -> GroupingState -> wake the loop -> flush -> a task for each delivery -> attempts with backoff
///                     ^                                            |
///                     +------------- delivered / failed -----------+
package final class Notifier: AlertReceiving {
    private struct State {
        var grouping: GroupingState
        var settings: NotificationSettings
        var deliveries: [UInt64: Task<Void, Never>] = [:]
        var runningCount = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// The loop's wait for the next flush.
        var sleeper: Task<Void, any Error>?
        var isRunning = false
        /// Set by whoever changes the state while the loop does not sleep.
        var mustLook = false
        var statistics = NotifierStatistics()
    }

    private let externalURL: String
    private let store: any NotificationStateStore
    private let transport: any WebhookTransport
    private let output: @Sendable ([UInt8]) -> Void
    private let clock: any WallClock
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads the log that an earlier run left; one that cannot be read is begun anew.
    package init(
        settings: NotificationSettings = .standard, externalURL: String, store: any NotificationStateStore,
        transport: any WebhookTransport, output: @escaping @Sendable ([UInt8]) -> Void = Notifier.writeLine,
        clock: any WallClock = SystemClock(), logger: Logger
    ) {
        self.externalURL = externalURL
        self.store = store
        self.transport = transport
        self.output = output
        self.clock = clock
        self.logger = logger
        var log: [String: NotificationLogEntry] = [:]
        do throws(NotificationStateError) {
            log = try store.loadLog()
        } catch {
            logger.warning("notification log unreadable", metadata: ["error": "\(error)"])
        }
        state = Mutex(State(grouping: GroupingState(settings: settings, log: log), settings: settings))
    }

    /// Writes a whole line to standard output in one go.
    package static let writeLine: @Sendable ([UInt8]) -> Void = { line in
        var position = 0
        while position < line.count {
            let written = unsafe line[position...].withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return }
            position += written
        }
    }

    // MARK: Events

    package func receive(_ alerts: [Alert]) {
        let time = clock.now
        state.withLock { state in
            state.grouping.receive(alerts, at: time)
            state.statistics.receivedCount &+= UInt64(alerts.count)
            Self.wake(&state)
        }
    }

    /// Takes other settings; alerts and the log stay, groups are formed anew.
    package func apply(_ settings: NotificationSettings) {
        let time = clock.now
        let tasks = state.withLock { state -> [Task<Void, Never>] in
            guard settings != state.settings else { return [] }
            var grouping = GroupingState(
                settings: settings, log: state.grouping.log, firstNumber: state.grouping.lastDeliveryNumber)
            grouping.receive(state.grouping.alerts, at: time)
            state.grouping = grouping
            state.settings = settings
            defer { state.deliveries = [:] }
            Self.wake(&state)
            return Array(state.deliveries.values)
        }
        for task in tasks { task.cancel() }
    }

    private static func wake(_ state: inout State) {
        state.mustLook = true
        state.sleeper?.cancel()
    }

    // MARK: The loop

    /// Delivers until the task is cancelled.
    package func run() async {
        state.withLock { $0.isRunning = true }
        var nextCleaning = clock.now
        while !Task.isCancelled {
            let time = clock.now
            if time >= nextCleaning {
                forgetExpired(at: time)
                nextCleaning = Timestamp(milliseconds: time.milliseconds &+ 3_600_000)
            }
            let actions = state.withLock { state in
                state.mustLook = false
                return state.grouping.flush(at: time)
            }
            perform(actions)
            await sleep()
        }
        let tasks = state.withLock { state in
            state.isRunning = false
            return Array(state.deliveries.values)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        await transport.shutDown()
    }

    /// Waits for the next flush or a change.
    private func sleep() async {
        let time = clock.now
        let clock = clock
        let sleeper = state.withLock { state -> Task<Void, any Error>? in
            guard !state.mustLook else { return nil }
            let next = state.grouping.nextFlush.map { $0.milliseconds &- time.milliseconds } ?? 3_600_000
            guard next > 0 else { return nil }
            let sleeper = Task { try await clock.sleep(milliseconds: min(next, 3_600_000)) }
            state.sleeper = sleeper
            return sleeper
        }
        guard let sleeper else { return }
        await withTaskCancellationHandler {
            _ = try? await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.withLock { $0.sleeper = nil }
    }

    private func forgetExpired(at time: Timestamp) {
        state.withLock { $0.grouping.expireLog(at: time) }
        do throws(NotificationStateError) {
            try store.removeExpired(before: time)
        } catch {
            logger.warning("notification log not cleaned", metadata: ["error": "\(error)"])
        }
    }

    private func perform(_ actions: [GroupingAction]) {
        for action in actions {
            switch action {
            case .cancel(let number):
                let task = state.withLock { $0.deliveries.removeValue(forKey: number) }
                task?.cancel()
            case .record(let key, let entry): save(key, entry)
            case .deliver(let notification, let number):
                // Entered while the lock is held, so that a quick delivery cannot end before it is known.
                state.withLock { state in
                    state.deliveries[number] = Task { await self.deliver(notification, number: number) }
                }
            }
        }
    }

    private func save(_ key: String, _ entry: NotificationLogEntry) {
        do throws(NotificationStateError) {
            try store.save(key: key, entry)
        } catch {
            logger.warning("notification log not written", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Deliveries

    private func deliver(_ notification: Notification, number: UInt64) async {
        await enter()
        let isDelivered = await attempt(notification)
        leave()
        let time = clock.now
        let actions = state.withLock { state -> [GroupingAction] in
            state.deliveries[number] = nil
            guard isDelivered else {
                state.grouping.failed(number: number)
                return []
            }
            return state.grouping.delivered(number: number, at: time)
        }
        perform(actions)
    }

    /// Attempts until it is delivered, cannot be, or its time is over.
    private func attempt(_ notification: Notification) async -> Bool {
        let limits = state.withLock { $0.settings.limits }
        let backoff = RetryBackoff(
            firstMilliseconds: limits.firstBackoffMilliseconds, longestMilliseconds: limits.longestBackoffMilliseconds)
        for attempt in 1...max(1, limits.attempts) {
            guard !Task.isCancelled else { return false }
            let start = clock.monotonicNanoseconds
            let at = clock.now
            let outcome = await send(notification)
            let elapsed = Int64((clock.monotonicNanoseconds &- start) / 1_000_000)
            var wait = backoff.milliseconds(afterAttempt: attempt, chance: Double.random(in: 0..<1))
            if case .retryable(_, _, let asked?) = outcome { wait = max(wait, asked) }
            let isLast =
                attempt >= limits.attempts || clock.now.milliseconds &+ wait >= notification.deadline.milliseconds
            note(outcome, of: notification, attempt: attempt, at: at, elapsed, isLast: isLast, limits)
            switch outcome {
            case .delivered: return true
            case .permanent: return false
            case .retryable:
                guard !isLast else { return false }
                do { try await clock.sleep(milliseconds: wait) } catch { return false }
            }
        }
        return false
    }

    private func send(_ notification: Notification) async -> DeliveryOutcome {
        let settings = state.withLock { $0.settings }
        guard let receiver = settings.receivers.first(where: { $0.name == notification.receiver }) else {
            return .permanent(status: nil, message: "receiver is configured no more")
        }
        switch notification.integration {
        case .standardOutput:
            output(
                NotificationPayload.line(
                    notification, externalURL: externalURL, limitBytes: settings.limits.payloadBytes))
            return .delivered(status: nil)
        case .webhook(let index):
            guard receiver.webhooks.indices.contains(index) else {
                return .permanent(status: nil, message: "webhook is configured no more")
            }
            return await WebhookReceiver(
                settings: receiver.webhooks[index], limits: settings.limits, externalURL: externalURL,
                transport: transport
            ).send(notification)
        }
    }

    private func note(
        _ outcome: DeliveryOutcome, of notification: Notification, attempt: Int, at time: Timestamp,
        _ milliseconds: Int64, isLast: Bool, _ limits: NotificationLimits
    ) {
        var kept = DeliveryAttempt(
            at: time, receiver: notification.receiver, integration: notification.integration.name,
            groupKey: notification.groupKey, reason: notification.reason.rawValue,
            firingCount: notification.firing.count, resolvedCount: notification.resolved.count, attempt: attempt,
            outcome: .delivered, status: nil, message: "", milliseconds: milliseconds)
        switch outcome {
        case .delivered(let status): kept.status = status
        case .retryable(let status, let message, _):
            kept.status = status
            kept.message = message
            kept.outcome = Task.isCancelled ? .cancelled : isLast ? .failed : .retrying
        case .permanent(let status, let message):
            kept.status = status
            kept.message = message
            kept.outcome = Task.isCancelled ? .cancelled : .failed
        }
        state.withLock { $0.statistics.note(kept) }
        if kept.outcome == .failed || kept.outcome == .retrying && attempt == 1 {
            logger.warning(
                kept.outcome == .failed
                    ? "notification not delivered" : "notification not delivered yet, it is tried again",
                metadata: [
                    "receiver": "\(kept.receiver)", "integration": "\(kept.integration)", "group": "\(kept.groupKey)",
                    "attempts": "\(attempt)", "error": "\(kept.message)",
                ])
        }
        do throws(NotificationStateError) {
            try store.record(kept, keeping: limits.attemptsKept)
        } catch {
            logger.warning("attempt not written down", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Places

    private func enter() async {
        await withCheckedContinuation { continuation in
            let mayEnter = state.withLock { state in
                guard state.runningCount >= max(1, state.settings.limits.concurrentDeliveries) else {
                    state.runningCount += 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if mayEnter { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.runningCount -= 1
            return nil
        }
        next?.resume()
    }

    // MARK: What the API sees

    /// The newest attempts first.
    package func attempts(limit: Int = 100) throws(NotificationStateError) -> [DeliveryAttempt] {
        try store.attempts(limit: limit)
    }

    package func statistics() -> NotifierStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.alertCount = state.grouping.alertCount
            statistics.groupCount = state.grouping.groupCount
            statistics.refusedCount = state.grouping.refusedCount
            return statistics
        }
    }
}

/// What the notifier did since the process started.
package struct NotifierStatistics: Hashable, Sendable {
    package var receivedCount: UInt64 = 0
    /// Alerts that a limit kept out.
    package var refusedCount: UInt64 = 0
    package var alertCount = 0
    package var groupCount = 0
    package var deliveredCount: UInt64 = 0
    package var retriedCount: UInt64 = 0
    package var failedCount: UInt64 = 0

    mutating func note(_ attempt: DeliveryAttempt) {
        switch attempt.outcome {
        case .delivered: deliveredCount &+= 1
        case .retrying: retriedCount &+= 1
        case .failed: failedCount &+= 1
        case .cancelled: break
        }
    }
}
