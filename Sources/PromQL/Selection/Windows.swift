import MetricModel

/// Where the windows of a selector lie: at each step the times in (time - length, time].
struct WindowTimes: Hashable, Sendable {
    /// The right ends, after `@` and `offset`.
    let times: Timeline
    let lengthMilliseconds: Int64

    /// The first time that any window holds.
    var firstTime: Int64 { times.start &- lengthMilliseconds &+ 1 }
    var lastTime: Int64 { times.end }

    /// The index ranges of the windows over ascending timestamps.
    /// - Complexity: O(timestamps + steps)
    func indexes(over timestamps: [Int64]) -> WindowIndexes {
        var first = [Int32](repeating: 0, count: times.count)
        var end = [Int32](repeating: 0, count: times.count)
        var firstIndex = 0
        var endIndex = 0
        for step in 0..<times.count {
            let right = times.time(at: step)
            let left = right &- lengthMilliseconds
            while endIndex < timestamps.count, timestamps[endIndex] <= right { endIndex += 1 }
            while firstIndex < endIndex, timestamps[firstIndex] <= left { firstIndex += 1 }
            first[step] = Int32(truncatingIfNeeded: firstIndex)
            end[step] = Int32(truncatingIfNeeded: endIndex)
        }
        return WindowIndexes(first: first, end: end, timestampCount: timestamps.count)
    }
}

/// For each step the half-open range of timestamps in its window.
struct WindowIndexes: Sendable {
    let first: [Int32]
    let end: [Int32]
    /// The samples in all windows together, one that lies in several counted for each.
    let sampleCount: Int
    /// The timestamps that the windows were found over.
    let timestampCount: Int
    /// How `rate` extrapolates each window where a series has all of its samples; empty where it was not asked for.
    private(set) var extrapolations: [Extrapolation] = []

    static let empty = WindowIndexes(first: [], end: [], timestampCount: 0)

    init(first: [Int32], end: [Int32], timestampCount: Int) {
        self.first = first
        self.end = end
        self.timestampCount = timestampCount
        var count = 0
        for step in first.indices { count += Int(end[step] - first[step]) }
        sampleCount = count
    }

    /// Works out the extrapolation of all windows, once for all series of the clock.
    mutating func prepareExtrapolations(over timestamps: [Int64], _ windows: WindowTimes) {
        extrapolations = first.indices.map { step in
            let low = Int(first[step])
            let high = Int(end[step])
            let rangeEnd = windows.times.time(at: step)
            guard high > low + 1 else { return Extrapolation.none }
            return Extrapolation(
                firstTime: timestamps[low], lastTime: timestamps[high - 1],
                rangeStart: rangeEnd - windows.lengthMilliseconds, rangeEnd: rangeEnd, intervals: high - low - 1)
        }
    }

    /// Whether a column has all samples of a step's window.
    @inline(__always)
    func isWhole(_ window: Range<Int>, at step: Int, offset: Int) -> Bool {
        window.lowerBound + offset == Int(first[step]) && window.upperBound + offset == Int(end[step])
    }

    /// The window of a step within a column that starts at `offset` of the clock and has `count` values.
    @inline(__always)
    func range(at step: Int, offset: Int, count: Int) -> Range<Int> {
        let low = max(Int(first[step]) - offset, 0)
        let high = min(Int(end[step]) - offset, count)
        return low < high ? low..<high : 0..<0
    }
}

/// The windows of the clocks seen lately, so that they are found once per clock and not once per series.
struct WindowCache {
    /// Clocks kept at a time; series with clocks of their own pass through without filling memory.
    private static let capacity = 64

    let times: WindowTimes
    private var lastClock: Clock?
    private var lastIndexes = WindowIndexes.empty
    private var known: [ObjectIdentifier: (clock: Clock, indexes: WindowIndexes)] = [:]

    private let preparesExtrapolations: Bool

    init(times: WindowTimes, preparesExtrapolations: Bool) {
        self.times = times
        self.preparesExtrapolations = preparesExtrapolations
    }

    mutating func indexes(for clock: Clock) -> WindowIndexes {
        if lastClock === clock { return lastIndexes }
        var indexes: WindowIndexes
        if let entry = known[ObjectIdentifier(clock)] {
            indexes = entry.indexes
        } else {
            indexes = times.indexes(over: clock.timestamps)
            if preparesExtrapolations { indexes.prepareExtrapolations(over: clock.timestamps, times) }
            if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
            known[ObjectIdentifier(clock)] = (clock, indexes)
        }
        lastClock = clock
        lastIndexes = indexes
        return indexes
    }
}
