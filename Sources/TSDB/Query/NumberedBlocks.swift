import MetricModel
import Storage

/// The series of the head in the order of their numbers, a block at a time.
///
/// Series of one target mostly have neighbouring numbers, so that few blocks read the same lane.
final class NumberedBlocks: SeriesBlocks {
    private let numbers: Postings
    private let reading: ViewReading
    private let seriesLimit: Int
    private let held: HeldMemory
    /// How many series the blocks so far had.
    private var done = 0

    init(_ numbers: Postings, in reading: ViewReading, seriesLimit: Int, _ held: consuming HeldMemory) {
        self.numbers = numbers
        self.reading = reading
        self.seriesLimit = seriesLimit
        self.held = held
    }

    var estimatedSeriesCount: Int { numbers.count }

    func next() throws(StorageError) -> (any SelectedSeries)? {
        guard done < numbers.count else { return nil }
        let end = min(numbers.count, done + seriesLimit)
        var held = HeldMemory(reading.request.reservation)
        let found = try FoundSeries(reading.head, numbers[done..<end], &held)
        done = end
        return try reading.select(found, [], held)
    }
}
