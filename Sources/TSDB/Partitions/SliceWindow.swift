/// Finds where a group of series is cut into slices of time.
///
/// All slices of a group are equally long, so that columns of one scrape interval have equally many ticks, about
/// `SegmentFormat.preferredTickCount` in the series with the most.
struct SliceWindow {
    private var start = Int64.max
    private var end = Int64.min
    private var mostTicks = 0
    private var series: UInt32?
    private var seriesTicks = 0

    /// Takes note of a column; columns of one series come one after the other.
    mutating func note(series: UInt32, ticks: Int, from first: Int64, to last: Int64) {
        seriesTicks = series == self.series ? seriesTicks + ticks : ticks
        self.series = series
        mostTicks = max(mostTicks, seriesTicks)
        start = min(start, first)
        end = max(end, last)
    }

    /// The first moment of each slice, and one past the last; empty where there was no column.
    func bounds() -> [Int64] {
        guard start <= end else { return [] }
        let preferred = SegmentFormat.preferredTickCount
        // Up to a quarter more stays in one slice.
        let wanted = max(1, (mostTicks + preferred - 1 - preferred / 4) / preferred)
        // Differences of times that come from outside may not fit.
        let span = UInt64(bitPattern: end &- start)
        let count = UInt64(wanted)
        var bounds: [Int64] = []
        for slice in 0..<count {
            let distance = span / count * slice + span % count * slice / count
            bounds.append(start &+ Int64(bitPattern: distance))
        }
        bounds.append(end == .max ? .max : end + 1)
        return bounds
    }
}
