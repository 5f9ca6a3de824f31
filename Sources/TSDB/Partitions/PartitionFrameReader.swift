import Bytes
import MetricModel
import SQLite
import Storage

/// Reads neighbouring series of a partition together, for one query: of each segment the frame that has them is
/// decompressed once, all wanted columns are taken out, and the next segment's frame takes its memory.
///
/// It borrows a connection for its life and belongs to one thread.
final class PartitionFrameReader {
    /// A series and the place of its samples in the caller's pieces.
    struct Wanted {
        var series: UInt32
        var place: Int
    }

    /// Frames are kept, for the next call, while they take no more than this.
    static let keptFramesLimit = 8 << 20
    /// Compressed segments of a group are kept for its next frame while they take no more than this.
    private static let keptBytesLimit = 4 << 20

    private let reader: PartitionReader
    private let connection: SQLiteConnection
    private let clocks: PartitionClocks
    private let needsValues: Bool
    private let keepsFrames: Bool
    private let zstd: ZstdWorkspace
    private var group = SegmentGroup()
    /// The bytes of the group's segments, as far as they are kept for its next frame.
    private var blobs: [[UInt8]?] = []
    private var keptBytes = 0
    private var frame = SegmentFrame()
    /// What is known of one frame of each of the group's segments, where they are kept.
    private enum Kept {
        case unknown, missing
        case content(FrameContent)
    }
    private var keptFrames: [Kept] = []
    private var keptNumber = -1
    private var keptFrameBytes = 0
    /// The clocks seen, by number.
    private var views = PartitionClocks.KnownViews()
    /// Reads what is not in segments, and series of which something was deleted.
    private var single: PartitionSeriesReader?

    /// - Parameters:
    ///   - needsValues: As in `SelectRequest`.
    ///   - keepsFrames: The caller comes several times for each frame.
    ///   - zstd: Of the thread that reads; one does for all its readers.
    init(
        reader: PartitionReader, clocks: PartitionClocks, needsValues: Bool, keepsFrames: Bool, zstd: ZstdWorkspace
    ) throws(StorageError) {
        self.keepsFrames = keepsFrames
        self.zstd = zstd
        self.reader = reader
        self.clocks = clocks
        self.needsValues = needsValues
        connection = try reader.borrowConnection()
    }

    deinit { reader.returnConnection(connection) }

    /// Adds the samples of the wanted series inside the range to their pieces, in order of time.
    ///
    /// - Parameter wanted: Best in order, so that series of one frame stand together.
    func read(
        _ wanted: [Wanted], clocks shared: ClockCache, into batch: inout [ColumnPieces]
    ) throws(StorageError) {
        try forEachColumn(of: wanted) { (frame, index, view, place) throws(SegmentDamage) in
            try frame.append(index, on: view, to: &batch[place], shared: shared, needsValues: needsValues)
        }
        guard reader.metadata.histogramCount > 0 || !reader.deletions.isEmpty else { return }
        for entry in wanted { try readApart(entry, shared: shared, into: &batch[entry.place]) }
    }

    /// Takes the newest samples of the wanted series inside the range, where they are newer than what is known; of a partition
    /// that has neither histograms nor deletions.
    func readNewest(_ wanted: [Wanted], into newest: inout [NewestFloat]) throws(StorageError) {
        try forEachColumn(of: wanted) { (frame, index, view, place) throws(SegmentDamage) in
            try frame.takeNewest(index, on: view, needsValue: needsValues, into: &newest[place])
        }
    }

    /// What takes a column: the frame that has it, its number, the query's view of its clock, the place that is wanted.
    private typealias ColumnBody =
        (inout SegmentFrame, Int, PartitionClocks.View, Int) throws(SegmentDamage) -> Void

    /// Calls `body` with the columns of wanted series, a frame after the other.
    private func forEachColumn(of wanted: [Wanted], _ body: ColumnBody) throws(StorageError) {
        var start = 0
        while start < wanted.count {
            let series = wanted[start].series
            if !group.series.contains(Int64(series)) { try open(series) }
            let number = group.frame(of: series)
            var end = start + 1
            while end < wanted.count, group.series.contains(Int64(wanted[end].series)),
                group.frame(of: wanted[end].series) == number
            {
                end += 1
            }
            // Whether the caller goes on to the group's next frame, for which the bytes are kept.
            let goesOn = end < wanted.count && group.series.contains(Int64(wanted[end].series))
            for segment in group.rows.indices where try load(number, segment, keepsBytes: goesOn) {
                try forEachColumn(of: wanted[start..<end], in: &frame, row: group.rows[segment], body)
            }
            start = end
        }
    }

    private func forEachColumn(
        of wanted: ArraySlice<Wanted>, in frame: inout SegmentFrame, row: Int64, _ body: ColumnBody
    ) throws(StorageError) {
        let hasDeletions = !reader.deletions.isEmpty
        var nextColumn = 0
        // Neighbouring columns are often on one clock.
        var clock: UInt32?
        var view = PartitionClocks.View.empty
        for entry in wanted {
            if hasDeletions, reader.deletions.touches(entry.series) { continue }
            let found = frame.columnRange(of: entry.series, startingAt: nextColumn)
            nextColumn = found.upperBound
            for index in found {
                if frame.columns[index].clock != clock {
                    view = try self.view(of: frame.columns[index].clock)
                    clock = frame.columns[index].clock
                }
                do throws(SegmentDamage) {
                    try body(&frame, index, view, entry.place)
                } catch {
                    try reader.note(error, in: "segment \(row)")
                }
            }
        }
    }

    /// Adds histograms, and floats where some were deleted.
    private func readApart(
        _ entry: Wanted, shared: ClockCache, into pieces: inout ColumnPieces
    ) throws(StorageError) {
        if self.single == nil { self.single = try PartitionSeriesReader(reader: reader, clocks: clocks) }
        guard let single else { return }
        if reader.deletions.touches(entry.series) {
            try single.read(entry.series, clocks: shared, into: &pieces)
        } else if reader.metadata.histogramCount > 0 {
            pieces.append(histograms: try single.histograms(of: entry.series))
        }
    }

    // MARK: Segments

    private func open(_ series: UInt32) throws(StorageError) {
        group = try SegmentGroup(of: series, in: clocks.range, reader, connection)
        blobs = [[UInt8]?](repeating: nil, count: group.rows.count)
        keptBytes = 0
        keptNumber = -1
    }

    /// Brings a frame of one of the group's segments; false where it is not there.
    private func load(_ number: Int, _ segment: Int, keepsBytes: Bool) throws(StorageError) -> Bool {
        guard keepsFrames else { return try find(number, segment, keepsBytes: keepsBytes) }
        if keptNumber != number {
            keptFrames = [Kept](repeating: .unknown, count: group.rows.count)
            (keptNumber, keptFrameBytes) = (number, 0)
        }
        switch keptFrames[segment] {
        case .content(let content): frame.load(content)
        case .missing: return false
        case .unknown:
            guard try find(number, segment, keepsBytes: keepsBytes) else {
                keptFrames[segment] = .missing
                return false
            }
            guard keptFrameBytes < Self.keptFramesLimit else { return true }
            let content = frame.shareContent()
            keptFrameBytes += content.byteCount
            keptFrames[segment] = .content(content)
        }
        return true
    }

    /// The same, from where others have left it or the file.
    private func find(_ number: Int, _ segment: Int, keepsBytes: Bool) throws(StorageError) -> Bool {
        let row = group.rows[segment]
        let key = BlockCache.Key(partition: reader.number, place: row, kind: .frame(number))
        let (known, isWanted) = reader.cache?.find(key, as: FrameContent.self) ?? (nil, false)
        let isThere: Bool
        if let known {
            frame.load(known)
            isThere = true
        } else if let bytes = blobs[segment] {
            isThere = try noting(row) { () throws(SegmentDamage) in
                try SegmentBlob.load(
                    frame: number, of: bytes, firstSeries: UInt32(group.series.lowerBound), into: &frame,
                    workspace: zstd)
            }
        } else {
            isThere =
                unsafe try SegmentGroup.withBytes(row: row, reader, connection) { bytes throws(StorageError) in
                    if keepsBytes, keptBytes + bytes.count <= Self.keptBytesLimit {
                        keptBytes += bytes.count
                        blobs[segment] = unsafe [UInt8](bytes)
                    }
                    return try noting(row) { () throws(SegmentDamage) in unsafe try decompress(number, of: bytes) }
                } ?? false
        }
        if isThere, isWanted { reader.cache?.insert(frame.loadedContent, for: key) }
        return isThere
    }

    private func decompress(_ number: Int, of bytes: UnsafeRawBufferPointer) throws(SegmentDamage) -> Bool {
        unsafe try SegmentBlob.load(
            frame: number, of: bytes, firstSeries: UInt32(group.series.lowerBound), into: &frame, workspace: zstd)
    }

    private func noting(_ row: Int64, _ body: () throws(SegmentDamage) -> Bool) throws(StorageError) -> Bool {
        do throws(SegmentDamage) {
            return try body()
        } catch {
            try reader.note(error, in: "segment \(row)")
            return false
        }
    }

    /// The clock as the query sees it, from this reader's own list where it was asked for before.
    private func view(of number: UInt32) throws(StorageError) -> PartitionClocks.View {
        try views.view(of: number, from: clocks, reader: reader, connection: connection)
    }
}
