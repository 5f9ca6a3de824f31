import Glibc
import MetricModel

/// Where the windows of a selector lie: at each step the times in (time - length, time].
struct WindowTimes: Hashable, Sendable {
    /// The right ends, after `@` and `offset`.
    let times: Timeline
    let lengthMilliseconds: Int64

    var lengthSeconds: Double { Double(lengthMilliseconds) / 1000 }

    /// The first time that any window holds.
    var firstTime: Int64 { times.start &- lengthMilliseconds &+ 1 }
    var lastTime: Int64 { times.end }

    /// The index ranges of the windows over ascending timestamps.
    /// - Complexity: O(timestamps + steps)
    /// - Parameter rate: The kernel whose extrapolations are worked out as well, once for all series of the clock.
    func indexes(over timestamps: [Int64], for rate: ExtrapolatedRate? = nil) -> WindowIndexes {
        var first = [Int32](repeating: 0, count: times.count)
        var end = [Int32](repeating: 0, count: times.count)
        var firsts = first.mutableSpan
        var ends = end.mutableSpan
        let ticks = timestamps.span
        let tickCount = ticks.count
        var firstIndex = 0
        var endIndex = 0
        var right = times.start
        for step in 0..<times.count {
            let left = right &- lengthMilliseconds
            // Both stay below the number of ticks, and the steps are as many as the arrays are long.
            while endIndex < tickCount, unsafe ticks[unchecked: endIndex] <= right { endIndex &+= 1 }
            while firstIndex < endIndex, unsafe ticks[unchecked: firstIndex] <= left { firstIndex &+= 1 }
            unsafe firsts[unchecked: step] = Int32(truncatingIfNeeded: firstIndex)
            unsafe ends[unchecked: step] = Int32(truncatingIfNeeded: endIndex)
            right = right &+ times.step
        }
        return WindowIndexes(
            first: first, end: end, timestampCount: timestamps.count,
            extrapolations: rate.map { extrapolations(of: first, end, over: timestamps, $0) } ?? .none)
    }

    private func extrapolations(
        of first: [Int32], _ end: [Int32], over timestamps: [Int64], _ rate: ExtrapolatedRate
    ) -> ClockExtrapolations {
        let steps = first.indices.map { step -> Extrapolation in
            let low = Int(first[step])
            let high = Int(end[step])
            let rangeEnd = times.time(at: step)
            guard high > low + 1 else { return Extrapolation.none }
            var extrapolation = Extrapolation(
                firstTime: timestamps[low], lastTime: timestamps[high - 1],
                rangeStart: rangeEnd - lengthMilliseconds, rangeEnd: rangeEnd, intervals: high - low - 1)
            extrapolation.prepare(rateSeconds: rate.isRate ? lengthSeconds : nil)
            return extrapolation
        }
        return ClockExtrapolations(steps, first: first, end: end)
    }
}

/// For each step the half-open range of timestamps in its window.
final class WindowIndexes: Sendable {
    let first: [Int32]
    let end: [Int32]
    /// The samples in all windows together, one that lies in several counted for each.
    let sampleCount: Int
    /// The timestamps that the windows were found over.
    let timestampCount: Int
    /// How `rate` extrapolates each window; none where it was not asked for.
    let extrapolations: ClockExtrapolations

    static let empty = WindowIndexes(first: [], end: [], timestampCount: 0)

    init(first: [Int32], end: [Int32], timestampCount: Int, extrapolations: ClockExtrapolations = .none) {
        self.extrapolations = extrapolations
        self.first = first
        self.end = end
        self.timestampCount = timestampCount
        var count = 0
        for step in first.indices { count += Int(end[step] - first[step]) }
        sampleCount = count
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
struct WindowCache: Sendable {
    /// What the windows kept may take; series with clocks of their own pass through without filling memory.
    private static let capacityBytes = 4 << 20
    private static let bytesPerStep = 8 + MemoryLayout<Extrapolation>.stride + 32

    let times: WindowTimes
    /// Clocks kept at a time.
    private let capacity: Int
    private var lastClock: Clock?
    /// The windows over the clock that was turned to last.
    private(set) var indexes = WindowIndexes.empty
    private var known = WindowsByClock()

    /// The kernel whose extrapolations are prepared.
    private let rate: ExtrapolatedRate?

    init(times: WindowTimes, rate: ExtrapolatedRate?) {
        self.times = times
        self.rate = rate
        capacity = max(16, Self.capacityBytes / (Self.bytesPerStep * max(1, times.times.count)))
    }

    /// What a cache may take for so many series.
    static func byteCount(steps: Int, series: Int) -> Int {
        min(max(capacityBytes, 16 * bytesPerStep * steps), bytesPerStep * steps * series)
    }

    /// Finds the windows over a clock.
    mutating func turn(to clock: Clock) {
        if lastClock === clock { return }
        if let known = known.find(clock) {
            indexes = known
        } else {
            // Targets that are scraped at one time have the same windows.
            if !(lastClock.map { Self.isSame($0.timestamps, clock.timestamps) } ?? false) {
                indexes = times.indexes(over: clock.timestamps, for: rate)
            }
            if known.count >= capacity { known = WindowsByClock() }
            known.add(indexes, of: clock)
        }
        lastClock = clock
    }

    /// Whether all times are the same, compared as bytes: element by element takes five times as long.
    private static func isSame(_ left: [Int64], _ right: [Int64]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                guard let start = left.baseAddress, let other = right.baseAddress else { return true }
                return unsafe memcmp(start, other, left.count) == 0
            }
        }
    }
}

/// Windows by the clock that they were found over.
///
/// Open addressing by the clock's address: a dictionary takes five times as long, which is a tenth of a query whose series have each a
/// clock of their own.
private struct WindowsByClock {
    private var entries: [(clock: Clock, indexes: WindowIndexes)] = []
    /// Where an entry stands + 1; 0 is empty.
    private var buckets = [UInt32](repeating: 0, count: 16)

    var count: Int { entries.count }

    func find(_ clock: Clock) -> WindowIndexes? {
        let entry = buckets[bucket(of: clock)]
        return entry == 0 ? nil : entries[Int(entry) - 1].indexes
    }

    /// Adds what is not there yet.
    mutating func add(_ indexes: WindowIndexes, of clock: Clock) {
        entries.append((clock, indexes))
        buckets[bucket(of: clock)] = UInt32(entries.count)
        guard entries.count * 2 > buckets.count else { return }
        buckets = [UInt32](repeating: 0, count: buckets.count * 2)
        for place in entries.indices { buckets[bucket(of: entries[place].clock)] = UInt32(place + 1) }
    }

    /// The bucket of a clock, or the empty one where it belongs.
    private func bucket(of clock: Clock) -> Int {
        let mask = buckets.count - 1
        let address = UInt64(UInt(bitPattern: ObjectIdentifier(clock)))
        var bucket = Int(truncatingIfNeeded: address &* 0x9E37_79B9_7F4A_7C15 >> 32) & mask
        while buckets[bucket] != 0, entries[Int(buckets[bucket]) - 1].clock !== clock { bucket = (bucket + 1) & mask }
        return bucket
    }
}
