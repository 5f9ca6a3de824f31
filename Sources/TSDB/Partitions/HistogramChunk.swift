import MetricModel
import Storage

/// The native histograms of one series over a slice of time, as a sealed and compressed blob.
///
///     varint    number of samples
///     timestamps  `IntegerColumn`
///     samples     `HistogramCodec`, one after the other
///     starts      `IntegerColumn` of their start timestamps, nothing where none is known (since format 2)
///
/// zstd finds what neighbouring samples share: spans, bounds, most buckets.
enum HistogramChunk {
    static let preferredSampleCount = 120
    static let maximumSampleCount = 4096

    static func encode(_ samples: ArraySlice<HistogramSample>) throws(StorageError) -> [UInt8] {
        var output = OutputBytes()
        output.append(varint: UInt64(samples.count))
        let timestamps = samples.map(\.timestamp)
        let residuals = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, samples.count))
        defer { unsafe residuals.deallocate() }
        unsafe timestamps.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe IntegerColumn.encode(start, count: timestamps.count, residuals: residuals, into: &output)
        }
        var content = unsafe Array(output.bytes)
        for sample in samples { HistogramCodec.append(sample.histogram, to: &content) }
        if samples.contains(where: { $0.startTimestamp != 0 }) {
            var tail = OutputBytes()
            let starts = samples.map(\.startTimestamp)
            unsafe starts.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                unsafe IntegerColumn.encode(start, count: starts.count, residuals: residuals, into: &tail)
            }
            content += unsafe Array(tail.bytes)
        }
        return try SealedBlob.seal(content, compresses: true)
    }

    static func decode(_ blob: UnsafeRawBufferPointer) throws(SegmentDamage) -> [HistogramSample] {
        let content = unsafe try SealedBlob.open(blob)
        var samples: [HistogramSample] = []
        let isSound = unsafe content.withUnsafeBytes { bytes -> Bool in
            var input = unsafe InputBytes(bytes)
            let count = input.count(limit: maximumSampleCount)
            var timestamps = [Int64](repeating: 0, count: count)
            let areTimesSound = unsafe timestamps.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return true }
                return unsafe IntegerColumn.decode(&input, count: count, into: start)
            }
            guard areTimesSound, !input.isDamaged else { return false }
            var offset = input.position
            for timestamp in timestamps {
                guard let histogram = unsafe HistogramCodec.read(bytes, at: &offset) else { return false }
                samples.append(HistogramSample(timestamp: timestamp, histogram: histogram))
            }
            if offset == bytes.count { return true }
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
            return unsafe readStarts(rest, into: &samples)
        }
        guard isSound else { throw .structure("histograms") }
        return samples
    }

    private static func readStarts(_ bytes: UnsafeRawBufferPointer, into samples: inout [HistogramSample]) -> Bool {
        var input = unsafe InputBytes(bytes)
        var starts = [Int64](repeating: 0, count: samples.count)
        let isSound = unsafe starts.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe IntegerColumn.decode(&input, count: buffer.count, into: start)
        }
        guard isSound, input.isAtEnd else { return false }
        for index in samples.indices { samples[index].startTimestamp = starts[index] }
        return true
    }
}
