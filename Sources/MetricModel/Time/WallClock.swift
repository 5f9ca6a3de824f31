import Glibc

/// Where a part of the program learns the time.
///
/// Tests put a clock of their own here.
package protocol WallClock: Sendable {
    /// The time of day in milliseconds since the epoch.
    var now: Timestamp { get }
    /// Nanoseconds of a clock that never goes back, for measuring durations.
    var monotonicNanoseconds: UInt64 { get }
    /// Waits; ends early with `CancellationError` when the task is cancelled.
    func sleep(milliseconds: Int64) async throws
}

/// The machine's clock.
package struct SystemClock: WallClock {
    package init() {}

    package var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package var monotonicNanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    package func sleep(milliseconds: Int64) async throws {
        try await Task.sleep(for: .milliseconds(max(0, milliseconds)))
    }
}
