import Glibc
package import MetricModel
import Synchronization

/// Collects the metrics of all cgroups of a machine and writes them in the text format 0.0.4.
///
/// Whoever owns it calls `sweep()` at an interval of its choice, or only `render(into:)`: a page makes a sweep of its
/// own when the last one is older than `CollectorSettings.freshnessMilliseconds`. One call at a time does its work,
/// others wait; the work reads files, so it belongs on a thread that may block, not in the concurrency pool.
///
/// A thread given to `run(sweepIntervalMilliseconds:)` makes the collector follow what happens between sweeps too: a new
/// container is read at once, one that ends is read a last time.
package final class Collector: Sendable {
    private struct State {
        var sweeper: Sweeper
        var renderer: Renderer
        var condition = CollectorCondition()
        /// The size of the last page: the next one gets its room at once.
        var pageByteCount = 0

        /// The circumstances of the last sweep, if they are others than before.
        mutating func changedCondition() -> CollectorCondition? {
            let current = CollectorCondition(
                isPolling: sweeper.settings.watchesDirectories && sweeper.watcher == nil,
                lacksDescriptors: sweeper.lacksDescriptors)
            if current == condition { return nil }
            condition = current
            return current
        }
    }

    private let clock: any WallClock
    private let state: Mutex<State>
    private let isStopping = Atomic<Bool>(false)
    private let queue: EventQueue?
    private let onChange: @Sendable (CollectorCondition) -> Void

    /// Opens the hierarchies; the first sweep finds the cgroups.
    ///
    /// Never fails: what cannot be read is missing from the
    /// page, and `container_scrape_error` is 1 when there is no hierarchy at all.
    ///
    /// `onChange` is called after a sweep that found other circumstances than the one before.
    package init(
        settings: CollectorSettings, clock: any WallClock = SystemClock(),
        onChange: @escaping @Sendable (CollectorCondition) -> Void = { _ in }
    ) {
        self.onChange = onChange
        self.clock = clock
        let sweeper = Sweeper(settings: settings, clock: clock)
        queue = sweeper.queue
        state = Mutex(State(sweeper: sweeper, renderer: Renderer(settings: settings)))
    }

    deinit {
        state.withLock { $0.sweeper.close() }
    }

    /// Takes over groups, filters, ceilings, intervals, labels and runtimes from the next sweep on.
    ///
    /// Where the host's files are, who hears notices, and how descriptors and watches are had stays as it was.
    package func apply(_ settings: CollectorSettings) {
        state.withLock { state in
            var new = settings
            let old = state.sweeper.settings
            new.rootPath = old.rootPath
            new.notice = old.notice
            new.watchesDirectories = old.watchesDirectories
            new.raisesDescriptorLimit = old.raisesDescriptorLimit
            new.maximumKeptDescriptors = old.maximumKeptDescriptors
            state.sweeper.apply(new)
            state.renderer = Renderer(settings: new)
        }
    }

    /// Looks at the sweeper while nothing moves, for tests of what it holds.
    func inspect<Result: Sendable>(_ body: (borrowing Sweeper) -> Result) -> Result {
        state.withLock { body($0.sweeper) }
    }

    /// Learns which cgroups came and went and reads what is due.
    package func sweep() {
        let changed = state.withLock { state in
            state.sweeper.sweep()
            return state.changedCondition()
        }
        if let changed { onChange(changed) }
    }

    /// Follows events until `stop()`, on a thread that has nothing else to do.
    ///
    /// With an interval it also sweeps that often; without one only pages do. Called once.
    package func run(sweepIntervalMilliseconds: Int64?) {
        let interval = sweepIntervalMilliseconds.map { UInt64(clamping: max(1, $0)) &* 1_000_000 }
        var sweepDue = interval == nil ? UInt64.max : clock.monotonicNanoseconds
        if interval == nil { sweep() }
        while !isStopping.load(ordering: .acquiring) {
            let now = clock.monotonicNanoseconds
            if let interval, now >= sweepDue {
                sweep()
                // A sweep that took longer than the interval lets the missed ones go.
                sweepDue = max(sweepDue &+ interval, now)
            }
            let lookDue = state.withLock { $0.sweeper.lookAtDue(now: clock.monotonicNanoseconds) }
            wait(until: min(sweepDue, lookDue ?? .max))
        }
    }

    /// Ends `run`; may be called from any thread.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        queue?.wake()
    }

    /// Waits for events at most until the time, and follows those that came.
    private func wait(until due: UInt64) {
        let now = clock.monotonicNanoseconds
        let left = due > now ? (due - now + 999_999) / 1_000_000 : 0
        let milliseconds = Int32(clamping: min(left, Self.longestWaitMilliseconds))
        guard let queue else {
            _ = poll(nil, 0, min(milliseconds, 100))
            return
        }
        let sources = queue.wait(milliseconds: milliseconds)
        guard !sources.isEmpty else { return }
        state.withLock { $0.sweeper.follow(sources) }
    }

    /// The thread looks up at least this often.
    private static let longestWaitMilliseconds: UInt64 = 60_000

    /// Appends the page of all families to the buffer.
    ///
    /// - Complexity: linear in the number of series; no allocation per series once the buffer has its size.
    package func render(into output: inout [UInt8]) {
        let changed = state.withLock { state in
            let start = clock.monotonicNanoseconds
            let limit = UInt64(clamping: state.sweeper.settings.freshnessMilliseconds) &* 1_000_000
            if let last = state.sweeper.lastSweepMonotonic, start &- last <= limit {
                state.sweeper.takeRuntimeAnswers(now: start)
            } else {
                state.sweeper.sweep()
            }
            let renderStart = clock.monotonicNanoseconds
            let bytesBefore = output.count
            output.reserveCapacity(bytesBefore + state.pageByteCount + state.pageByteCount / 16)
            state.renderer.render(&state.sweeper, into: &output)
            state.pageByteCount = output.count - bytesBefore
            state.sweeper.statistics.renderNanoseconds &+= clock.monotonicNanoseconds &- renderStart
            return state.changedCondition()
        }
        if let changed { onChange(changed) }
    }
}

/// What the collector has to do without, for its owner's log.
package struct CollectorCondition: Equatable, Sendable, CustomStringConvertible {
    /// Directories are listed because the kernel gives no more watches.
    package var isPolling = false
    /// Files could not be opened because no descriptors are left; their last numbers stand.
    package var lacksDescriptors = false

    package init(isPolling: Bool = false, lacksDescriptors: Bool = false) {
        self.isPolling = isPolling
        self.lacksDescriptors = lacksDescriptors
    }

    /// Whether nothing is lacking.
    package var isSound: Bool { !isPolling && !lacksDescriptors }

    /// What is lacking and what helps, as a sentence.
    package var description: String {
        var parts: [String] = []
        if isPolling {
            parts.append(
                "no more inotify watches: cgroups are listed, a new one is seen later (fs.inotify.max_user_watches)")
        }
        if lacksDescriptors { parts.append("no descriptors left: some numbers are old (LimitNOFILE, fs.file-max)") }
        return parts.isEmpty ? "cgroups are watched again, all files can be read" : parts.joined(separator: "; ")
    }
}
