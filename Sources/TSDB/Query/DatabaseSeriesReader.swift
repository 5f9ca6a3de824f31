import Bytes
import MetricModel
import Storage

/// Reads series of a selection a batch at a time, out of one frame of the partitions' segments.
///
/// A batch's values stay in the processor's second cache, until the caller takes them: written to it and not beside it they
/// cost a third less. The frame is kept decompressed for its next batch then. Where the range is so long that its frames are
/// too much to keep, a batch is all that stands in a frame, as far as that can be held.
struct DatabaseSeriesReader: SeriesReader {
    /// What the values of a batch may take where frames are kept, as far as they can be told beforehand.
    private static let batchBytes = 192 << 10
    /// How many series a batch has at most where columns are read: each takes memory of its own for its values.
    private static let batchLimit = 32
    private static let wholeBatchBytes = 16 << 20
    /// What a sample takes in a frame at most, as a rule.
    private static let frameBytesPerSample = 3

    private let series: SelectedDatabaseSeries
    private var position: Int
    private var end: Int
    private var batch: [ColumnPieces] = []
    /// The newest floats of the batch, where they are read in place of its columns.
    private var newest: [NewestFloat] = []
    private var readsNewest = false
    /// Nobody needs more than them, and they may be told without columns.
    private var mayReadNewest: Bool
    private var scratch = ColumnPieces()
    private var batchStart: Int
    private var batchEnd: Int
    private var joins: JoinedClocks
    private var headScratch = HeadScratch()
    private var wanted: [PartitionFrameReader.Wanted] = []
    /// Made when the first series of the partition is read.
    private var readers: [PartitionFrameReader?]
    /// What all of them decompress with.
    private let zstd = ZstdWorkspace()

    init(series: SelectedDatabaseSeries, indexes: Range<Int>) {
        self.series = series
        joins = JoinedClocks(series.clocks)
        position = indexes.lowerBound
        batchStart = position
        batchEnd = position
        end = indexes.upperBound
        mayReadNewest = series.needsOnlyNewest && series.partitions.allSatisfy(\.hasPlainFloatsOnly)
        readers = [PartitionFrameReader?](repeating: nil, count: series.partitions.count)
    }

    mutating func restart(over indexes: Range<Int>) {
        position = indexes.lowerBound
        batchStart = position
        batchEnd = position
        end = indexes.upperBound
    }

    mutating func next(into columns: inout SampleColumns) throws(StorageError) -> Bool {
        guard position < end else { return false }
        if position == batchEnd || readsNewest { try fill() }
        batch[position - batchStart].take(into: &columns, joins: &joins)
        position += 1
        return true
    }

    mutating func nextNewest() throws(StorageError) -> Double? {
        guard mayReadNewest, position < end else { return nil }
        if position == batchEnd { try fillNewest() }
        guard readsNewest else { return nil }
        position += 1
        return newest[position - 1 - batchStart].value
    }

    private mutating func beginBatch() {
        batchStart = position
        batchEnd = min(end, series.blockEnd(startingAt: position, limit: Self.batchSize(series).count))
    }

    /// Reads the newest floats of the next batch; where the head has histograms nothing is read.
    private mutating func fillNewest() throws(StorageError) {
        beginBatch()
        readsNewest = true
        newest.removeAll(keepingCapacity: true)
        newest.append(contentsOf: repeatElement(NewestFloat(), count: batchEnd - batchStart))
        // Once: its references are those of all threads.
        let selection = series.selection
        for index in batchStart..<batchEnd where series.headSeries[index] >= 0 {
            if selection.takeNewest(Int(series.headSeries[index]), into: &newest[index - batchStart]) { continue }
            scratch.removeAll()
            try selection.read(
                Int(series.headSeries[index]), clocks: series.clocks, scratch: &headScratch, into: &scratch)
            guard scratch.histograms.isEmpty else {
                (mayReadNewest, readsNewest) = (false, false)
                batchEnd = batchStart
                return
            }
            newest[index - batchStart] = scratch.newestFloat
        }
        for partition in (0..<readers.count).reversed() { try read(partition, onlyNewest: true) }
    }

    private mutating func fill() throws(StorageError) {
        beginBatch()
        readsNewest = false
        while batch.count < batchEnd - batchStart { batch.append(ColumnPieces()) }
        let sampleCount = series.samplesPerSeries
        for place in 0..<batchEnd - batchStart { batch[place].removeAll(reserving: sampleCount) }
        if series.needsOnlyNewest {
            try readHead()
            for partition in (0..<readers.count).reversed() { try read(partition, onlyNewest: true) }
        } else {
            for partition in 0..<readers.count { try read(partition, onlyNewest: false) }
            // Last, because it is the newest.
            try readHead()
        }
    }

    /// How many series are read together at most, and what the frames kept for them may take; 0 where none are.
    static func batchSize(_ series: SelectedDatabaseSeries) -> (count: Int, keptBytes: Int) {
        let whole = min(series.count, SegmentFormat.seriesPerFrame)
        let seriesBytes = max(1, 8 * series.samplesPerSeries)
        let limit = series.needsOnlyNewest ? whole : batchLimit
        let small = max(1, min(limit, batchBytes / seriesBytes))
        if small >= whole { return (max(1, whole), 0) }
        let frames = series.samplesPerSeries * SegmentFormat.seriesPerFrame * frameBytesPerSample
        if frames <= PartitionFrameReader.keptFramesLimit / 2 { return (small, frames) }
        return (max(1, min(whole, wholeBatchBytes / seriesBytes)), 0)
    }

    private mutating func readHead() throws(StorageError) {
        let selection = series.selection
        for index in batchStart..<batchEnd where series.headSeries[index] >= 0 {
            try selection.read(
                Int(series.headSeries[index]), clocks: series.clocks, scratch: &headScratch,
                into: &batch[index - batchStart])
        }
    }

    /// - Parameter onlyNewest: Series that have a newer sample already are left out.
    private mutating func read(_ partition: Int, onlyNewest: Bool) throws(StorageError) {
        let source = series.partitions[partition]
        let width = series.partitions.count
        let partitionEnd = source.reader.metadata.end
        wanted.removeAll(keepingCapacity: true)
        for index in batchStart..<batchEnd {
            let place = Int(series.places[index * width + partition])
            if place < 0 { continue }
            if onlyNewest, newestTimestamp(at: index - batchStart) >= partitionEnd { continue }
            wanted.append(PartitionFrameReader.Wanted(series: source.series[place], place: index - batchStart))
        }
        if wanted.isEmpty { return }
        do throws(StorageError) {
            if readers[partition] == nil {
                readers[partition] = try source.makeReader(
                    keepsFrames: Self.batchSize(series).keptBytes > 0, zstd)
            }
            guard let reader = readers[partition] else { return }
            if readsNewest {
                try reader.readNewest(wanted, into: &newest)
            } else {
                try reader.read(wanted, clocks: series.clocks, into: &batch)
            }
        } catch {
            source.reader.suspect(error)
            throw error
        }
    }

    /// The time of the newest sample that is known at a place of the batch.
    private func newestTimestamp(at place: Int) -> Int64 {
        readsNewest ? newest[place].timestamp : batch[place].newestTimestamp
    }
}
