package import MetricModel
import Synchronization

/// Collects the metrics of all cgroups of a machine and writes them in the text format 0.0.4.
///
/// Whoever owns it calls `sweep()` at an interval of its choice, or only `render(into:)`: a page makes a sweep of its
/// own when the last one is older than `CollectorSettings.freshnessMilliseconds`. One call at a time does its work,
/// others wait; the work reads files, so it belongs on a thread that may block, not in the concurrency pool.
package final class Collector: Sendable {
    private struct State {
        var sweeper: Sweeper
        var renderer: Renderer
    }

    private let settings: CollectorSettings
    private let clock: any WallClock
    private let state: Mutex<State>

    /// Opens the hierarchies; the first sweep finds the cgroups.
    ///
    /// Never fails: what cannot be read is missing from the
    /// page, and `container_scrape_error` is 1 when there is no hierarchy at all.
    package init(settings: CollectorSettings, clock: any WallClock = SystemClock()) {
        self.settings = settings
        self.clock = clock
        state = Mutex(
            State(sweeper: Sweeper(settings: settings, clock: clock), renderer: Renderer(settings: settings)))
    }

    deinit {
        state.withLock { $0.sweeper.close() }
    }

    /// Learns which cgroups came and went and reads what is due.
    package func sweep() {
        state.withLock { $0.sweeper.sweep() }
    }

    /// Appends the page of all families to the buffer.
    ///
    /// - Complexity: linear in the number of series; no allocation per series once the buffer has its size.
    package func render(into output: inout [UInt8]) {
        state.withLock { state in
            let start = clock.monotonicNanoseconds
            let limit = UInt64(clamping: settings.freshnessMilliseconds) &* 1_000_000
            if let last = state.sweeper.lastSweepMonotonic, start &- last <= limit {
                // Fresh enough.
            } else {
                state.sweeper.sweep()
            }
            let renderStart = clock.monotonicNanoseconds
            state.renderer.render(&state.sweeper, into: &output)
            state.sweeper.statistics.renderNanoseconds &+= clock.monotonicNanoseconds &- renderStart
        }
    }
}
