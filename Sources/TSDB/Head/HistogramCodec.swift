import Bytes
import MetricModel

/// A native histogram as bytes.
///
///     u8 counter reset hint, varint zigzag(schema), f64 zero threshold, f64 sum, number zero count, number count,
///     2 x spans (varint how many, then varint zigzag(offset), varint length),
///     2 x numbers (varint how many, then each number against the one before), custom bounds (varint how many, f64 each)
///
/// A number is varint(zigzag(difference of whole numbers) << 1), or 1 and the eight bytes where it is no whole number.
enum HistogramCodec {
    /// No histogram has more spans, buckets or bounds than this; more is damage.
    static let elementLimit = 1 << 20

    static func append(_ histogram: NativeHistogram, to bytes: inout [UInt8]) {
        bytes.append(histogram.counterResetHint.rawValue)
        VarInt.appendZigzag(Int64(histogram.schema), to: &bytes)
        append(bitsOf: histogram.zeroThreshold, to: &bytes)
        append(bitsOf: histogram.sum, to: &bytes)
        var before: Int64 = 0
        append(number: histogram.zeroCount, before: &before, to: &bytes)
        append(number: histogram.count, before: &before, to: &bytes)
        for spans in [histogram.positiveSpans, histogram.negativeSpans] {
            VarInt.append(UInt64(spans.count), to: &bytes)
            for span in spans {
                VarInt.appendZigzag(Int64(span.offset), to: &bytes)
                VarInt.append(UInt64(span.length), to: &bytes)
            }
        }
        for buckets in [histogram.positiveBuckets, histogram.negativeBuckets] {
            VarInt.append(UInt64(buckets.count), to: &bytes)
            before = 0
            for bucket in buckets { append(number: bucket, before: &before, to: &bytes) }
        }
        VarInt.append(UInt64(histogram.customValues.count), to: &bytes)
        for bound in histogram.customValues { append(bitsOf: bound, to: &bytes) }
    }

    private static func append(bitsOf value: Double, to bytes: inout [UInt8]) {
        var bits = value.bitPattern
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
        }
    }

    private static func append(number: Double, before: inout Int64, to bytes: inout [UInt8]) {
        if number.magnitude < 4_503_599_627_370_496, Double(Int64(number)).bitPattern == number.bitPattern {
            let whole = Int64(number)
            VarInt.append(VarInt.zigzag(whole - before) << 1, to: &bytes)
            before = whole
        } else {
            bytes.append(1)
            append(bitsOf: number, to: &bytes)
        }
    }

    /// The histogram that starts at `offset`, nil where the bytes are not one.
    static func read(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> NativeHistogram? {
        guard offset < bytes.count, let hint = unsafe NativeHistogram.CounterResetHint(rawValue: bytes[offset]) else {
            return nil
        }
        offset += 1
        var histogram = NativeHistogram(counterResetHint: hint)
        guard let schema = unsafe VarInt.readZigzag(bytes, at: &offset),
            let zeroThreshold = unsafe readBits(bytes, at: &offset), let sum = unsafe readBits(bytes, at: &offset)
        else { return nil }
        histogram.schema = Int32(truncatingIfNeeded: schema)
        histogram.zeroThreshold = zeroThreshold
        histogram.sum = sum
        var before: Int64 = 0
        guard let zeroCount = unsafe readNumber(bytes, at: &offset, before: &before),
            let count = unsafe readNumber(bytes, at: &offset, before: &before),
            let positiveSpans = unsafe readSpans(bytes, at: &offset),
            let negativeSpans = unsafe readSpans(bytes, at: &offset),
            let positiveBuckets = unsafe readNumbers(bytes, at: &offset),
            let negativeBuckets = unsafe readNumbers(bytes, at: &offset),
            let boundCount = unsafe readCount(bytes, at: &offset)
        else { return nil }
        histogram.zeroCount = zeroCount
        histogram.count = count
        histogram.positiveSpans = positiveSpans
        histogram.negativeSpans = negativeSpans
        histogram.positiveBuckets = positiveBuckets
        histogram.negativeBuckets = negativeBuckets
        for _ in 0..<boundCount {
            guard let bound = unsafe readBits(bytes, at: &offset) else { return nil }
            histogram.customValues.append(bound)
        }
        return histogram
    }

    private static func readCount(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Int? {
        guard let count = unsafe VarInt.read(bytes, at: &offset), count <= UInt64(elementLimit),
            Int(count) <= bytes.count - offset
        else { return nil }
        return Int(count)
    }

    private static func readBits(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Double? {
        guard bytes.count - offset >= 8 else { return nil }
        let bits = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
        return Double(bitPattern: bits)
    }

    private static func readNumber(
        _ bytes: UnsafeRawBufferPointer, at offset: inout Int, before: inout Int64
    ) -> Double? {
        guard let first = unsafe VarInt.read(bytes, at: &offset) else { return nil }
        if first & 1 == 1 { return unsafe readBits(bytes, at: &offset) }
        before &+= VarInt.unzigzag(first >> 1)
        return Double(before)
    }

    private static func readNumbers(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> [Double]? {
        guard let count = unsafe readCount(bytes, at: &offset) else { return nil }
        var numbers: [Double] = []
        numbers.reserveCapacity(count)
        var before: Int64 = 0
        for _ in 0..<count {
            guard let number = unsafe readNumber(bytes, at: &offset, before: &before) else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private static func readSpans(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> [NativeHistogram.Span]? {
        guard let count = unsafe readCount(bytes, at: &offset) else { return nil }
        var spans: [NativeHistogram.Span] = []
        spans.reserveCapacity(count)
        for _ in 0..<count {
            guard let spanOffset = unsafe VarInt.readZigzag(bytes, at: &offset),
                let length = unsafe VarInt.read(bytes, at: &offset)
            else { return nil }
            spans.append(
                NativeHistogram.Span(
                    offset: Int32(truncatingIfNeeded: spanOffset), length: UInt32(truncatingIfNeeded: length)))
        }
        return spans
    }
}
