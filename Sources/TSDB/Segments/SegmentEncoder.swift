import Bytes
import Storage

/// Puts columns together to the blob of one segment.
///
/// Columns come in order of series; the encoder closes a frame every 128 series. It belongs to one thread.
@safe struct SegmentEncoder: ~Copyable {
    private var frameEncoder = SegmentFrameEncoder()
    private let zstd = ZstdWorkspace()
    private let compressionLevel: Int
    private var compressed = OutputBytes(capacity: 64 << 10)
    private var frames: [(byteCount: Int, checksum: UInt32)] = []
    private var firstSeries: UInt32 = 0
    private(set) var sampleCount = 0

    init(compressionLevel: Int = SegmentFormat.compressionLevel) { self.compressionLevel = compressionLevel }

    /// Starts a segment whose first series has this number.
    mutating func begin(firstSeries: UInt32) {
        self.firstSeries = firstSeries
        frames.removeAll(keepingCapacity: true)
        compressed.removeAll()
        frameEncoder.removeAll()
        sampleCount = 0
    }

    /// Adds a column of values; see `SegmentFrameEncoder.add`.
    mutating func add(
        series: UInt32, clock: UInt32, clockOffset: Int, values: UnsafeBufferPointer<Double>,
        startTimestamps: UnsafeBufferPointer<Int64>
    ) throws(StorageError) {
        try openFrame(of: series)
        unsafe frameEncoder.add(
            series: series, clock: clock, clockOffset: clockOffset, values: values, startTimestamps: startTimestamps)
    }

    /// Adds a column that is encoded already.
    mutating func add(
        series: UInt32, clock: UInt32, column: EncodedColumn, of bytes: UnsafeRawBufferPointer
    ) throws(StorageError) {
        try openFrame(of: series)
        unsafe frameEncoder.add(series: series, clock: clock, column: column, of: bytes)
    }

    private mutating func openFrame(of series: UInt32) throws(StorageError) {
        let frame = Int(series - firstSeries) / SegmentFormat.seriesPerFrame
        precondition(frame < SegmentFormat.framesPerSegment, "the series lies outside of the segment")
        while frames.count < frame { try closeFrame() }
    }

    /// The finished blob, empty where no column was added.
    mutating func finish() throws(StorageError) -> [UInt8] {
        if frameEncoder.columnCount > 0 { try closeFrame() }
        guard frames.contains(where: { $0.byteCount > 0 }) else { return [] }
        var blob = SegmentBlob.head(frames: frames)
        unsafe blob.append(contentsOf: compressed.bytes)
        return blob
    }

    private mutating func closeFrame() throws(StorageError) {
        guard frameEncoder.columnCount > 0 else {
            frames.append((0, 0))
            return
        }
        let first = firstSeries + UInt32(frames.count * SegmentFormat.seriesPerFrame)
        let content = unsafe frameEncoder.finish(firstSeries: first)
        let bound = ZstdWorkspace.compressedBound(content.count)
        compressed.reserve(bound)
        let target = unsafe UnsafeMutableRawBufferPointer(start: compressed.end, count: bound)
        let written: Int
        do throws(CompressionError) {
            written = unsafe try zstd.compress(content, level: compressionLevel, into: target)
        } catch {
            throw .inputOutput(path: "segment", reason: "\(error)")
        }
        let checksum = unsafe Checksum.crc32c(UnsafeRawBufferPointer(start: compressed.end, count: written))
        compressed.advance(by: written)
        frames.append((written, checksum))
        frameEncoder.removeAll()
    }
}
