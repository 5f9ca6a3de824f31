/// How long to wait between attempts: doubling from the first to the longest, with a spread of a quarter, so that many
/// deliveries to one broken receiver do not come all at once.
package struct RetryBackoff: Hashable, Sendable {
    package var firstMilliseconds: Int64
    package var longestMilliseconds: Int64

    package init(firstMilliseconds: Int64, longestMilliseconds: Int64) {
        self.firstMilliseconds = max(1, firstMilliseconds)
        self.longestMilliseconds = max(self.firstMilliseconds, longestMilliseconds)
    }

    /// The wait after a failed attempt, counted from 1; `chance` is `0 ..< 1`.
    package func milliseconds(afterAttempt attempt: Int, chance: Double) -> Int64 {
        var wait = firstMilliseconds
        for _ in 1..<max(2, min(attempt, 64)) where attempt > 1 && wait < longestMilliseconds { wait &*= 2 }
        wait = min(wait, longestMilliseconds)
        return wait - Int64(Double(wait) * 0.25 * min(max(chance, 0), 1))
    }
}
