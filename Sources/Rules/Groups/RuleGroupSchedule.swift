import Bytes
package import MetricModel

/// When a group is due: at slots aligned to its interval and shifted by a phase of its own.
///
/// Pure; the clock comes in.
///
/// Samples carry the slot's time, not the time at which the evaluation really ran, so that their distances are equal.
package struct RuleGroupSchedule: Hashable, Sendable {
    package let intervalMilliseconds: Int64
    /// The shift, the same in every run for the same group: `0 ..< interval`.
    package let phaseMilliseconds: Int64
    /// The next slot; nil before `start`.
    private(set) package var next: Timestamp?
    /// Slots that were due, and those of them that passed while an earlier evaluation ran.
    private(set) package var scheduledCount: UInt64 = 0
    private(set) package var missedCount: UInt64 = 0

    package init(identity: String, intervalMilliseconds: Int64) {
        self.intervalMilliseconds = max(1, intervalMilliseconds)
        phaseMilliseconds = Int64(
            ByteHash.hash(Array(identity.utf8)) % UInt64(self.intervalMilliseconds))
    }

    /// The newest slot that is not after `time`.
    package func slot(notAfter time: Timestamp) -> Timestamp {
        let shifted = time.milliseconds &- phaseMilliseconds
        var rest = shifted % intervalMilliseconds
        if rest < 0 { rest += intervalMilliseconds }
        return Timestamp(milliseconds: shifted &- rest &+ phaseMilliseconds)
    }

    /// Waits for the first slot after `time`.
    package mutating func start(at time: Timestamp) {
        next = Timestamp(milliseconds: slot(notAfter: time).milliseconds &+ intervalMilliseconds)
    }

    /// The slot to evaluate now, nil where none is due.
    ///
    /// Slots that were missed are counted, never made up for.
    package mutating func take(at time: Timestamp) -> Timestamp? {
        guard let due = next else {
            start(at: time)
            return nil
        }
        // A clock that was set back must not silence the group until it has caught up.
        if time.milliseconds < due.milliseconds &- 2 &* intervalMilliseconds {
            start(at: time)
            return nil
        }
        guard due <= time else { return nil }
        let current = slot(notAfter: time)
        let missed = UInt64((current.milliseconds &- due.milliseconds) / intervalMilliseconds)
        missedCount &+= missed
        scheduledCount &+= missed &+ 1
        next = Timestamp(milliseconds: current.milliseconds &+ intervalMilliseconds)
        return current
    }

    /// How long to wait for the next slot.
    package func waitMilliseconds(at time: Timestamp) -> Int64 {
        max(0, (next ?? time).milliseconds &- time.milliseconds)
    }
}
