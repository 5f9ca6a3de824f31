import Synchronization

/// The numbers that all writers of the head share.
struct HeadCounters: ~Copyable, Sendable {
    /// Counts rows; a view sees the rows up to the number it was made at.
    let sequence = Atomic<UInt64>(0)
    /// Counts batches of loose samples, for the same purpose.
    let generation = Atomic<UInt64>(0)
    /// Bytes of rows and streams that the head holds.
    let rowBytes = Atomic<Int>(0)
    /// The newest time of any sample, `Int64.min` before the first.
    let newestTimestamp = Atomic<Int64>(.min)
    let appendedSamples = Atomic<UInt64>(0)
    let appendedRows = Atomic<UInt64>(0)
    let refusedSamples = Atomic<UInt64>(0)
    /// Times that a series found no room.
    let refusedSeries = Atomic<UInt64>(0)
    /// When the log last said so, monotonic.
    let refusalLogged = Atomic<UInt64>(0)

    /// The most series that maintenance looked at while it held the index; everybody else waits as long.
    let longestTurn = Atomic<Int>(0)

    func raiseNewestTimestamp(to timestamp: Int64) {
        _ = newestTimestamp.max(timestamp, ordering: .relaxed)
    }
}
