/// What leaves the index at once: series of lanes that ended, in parts where a lane has many.
struct LaneRemoval {
    private(set) var parts: [(number: UInt32, series: ArraySlice<UInt32>)] = []
    /// Lanes of which these are the last series.
    private(set) var ended: [UInt32] = []
    private(set) var seriesCount = 0

    /// Adds series of a lane, as many as there is room for; the others.
    mutating func add(_ series: ArraySlice<UInt32>, of lane: UInt32, upTo limit: Int) -> ArraySlice<UInt32> {
        let part = series.prefix(limit - seriesCount)
        parts.append((lane, part))
        seriesCount += part.count
        let rest = series.dropFirst(part.count)
        if rest.isEmpty { ended.append(lane) }
        return rest
    }
}
