import Bytes
import MetricModel

/// The samples of one series with timestamps of its own, as differences.
///
///     sample: varint(batches since the sample before << 2 | kind), varint zigzag(timestamp, its first or second
///             difference), then by kind
///         0   the value (`ValueCodec`)
///         1   nothing: the value of before
///         2   varint byte count, histogram (`HistogramCodec`)
///
/// The batch number says which views see the sample.
struct LooseStream {
    private(set) var sampleCount = 0
    private var timestamp: Int64 = 0
    private var step: Int64 = 0
    private var generation: UInt64 = 0
    private var bits = SpecialValue.absentBits
    private var mantissa: Int64 = 0
    private var exponent = ValueCodec.noExponent

    /// One decoded sample.
    enum Sample {
        case value(bits: UInt64)
        case histogram(NativeHistogram)
    }

    // MARK: Writing

    mutating func append(value newBits: UInt64, timestamp: Int64, generation: UInt64, to bytes: inout [UInt8]) {
        let isUnchanged = newBits == bits
        appendTime(timestamp, generation: generation, kind: isUnchanged ? 1 : 0, to: &bytes)
        guard !isUnchanged else { return }
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { buffer in
            guard let start = buffer.baseAddress else { return }
            let end = unsafe ValueCodec.encode(
                newBits, lastBits: &bits, mantissa: &mantissa, exponent: &exponent,
                powers: ValueCodec.Powers.shared.table, at: start)
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: end - start))
        }
    }

    mutating func append(
        histogram: NativeHistogram, timestamp: Int64, generation: UInt64, to bytes: inout [UInt8]
    ) {
        appendTime(timestamp, generation: generation, kind: 2, to: &bytes)
        var encoded: [UInt8] = []
        HistogramCodec.append(histogram, to: &encoded)
        VarInt.append(UInt64(encoded.count), to: &bytes)
        bytes.append(contentsOf: encoded)
    }

    private mutating func appendTime(
        _ newTimestamp: Int64, generation newGeneration: UInt64, kind: UInt64, to bytes: inout [UInt8]
    ) {
        VarInt.append((newGeneration &- generation) << 2 | kind, to: &bytes)
        generation = newGeneration
        let newStep = newTimestamp &- timestamp
        VarInt.appendZigzag(newStep &- step, to: &bytes)
        // The first sample's step is its distance from 1970, no help for the next one.
        step = sampleCount == 0 ? 0 : newStep
        timestamp = newTimestamp
        sampleCount += 1
    }

    // MARK: Reading

    /// Decodes samples until the end of the bytes, and moves the state along; false where they are damaged.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ body: (_ timestamp: Int64, _ generation: UInt64, Sample) -> Void
    ) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard let first = unsafe VarInt.read(bytes, at: &offset),
                let difference = unsafe VarInt.readZigzag(bytes, at: &offset)
            else { return false }
            generation = generation &+ first >> 2
            let newStep = step &+ difference
            timestamp = timestamp &+ newStep
            step = sampleCount == 0 ? 0 : newStep
            sampleCount += 1
            switch first & 3 {
            case 0:
                guard unsafe readValue(bytes, at: &offset) else { return false }
                body(timestamp, generation, .value(bits: bits))
            case 1: body(timestamp, generation, .value(bits: bits))
            case 2:
                guard let count = unsafe VarInt.read(bytes, at: &offset), count <= UInt64(bytes.count - offset) else {
                    return false
                }
                let end = offset + Int(count)
                guard let histogram = unsafe HistogramCodec.read(bytes, at: &offset), offset == end else {
                    return false
                }
                body(timestamp, generation, .histogram(histogram))
            default: return false
            }
        }
        return true
    }

    private mutating func readValue(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        var cursor = unsafe (base + offset).assumingMemoryBound(to: UInt8.self)
        let end = unsafe (base + bytes.count).assumingMemoryBound(to: UInt8.self)
        let isSound = unsafe ValueCodec.decode(
            &cursor, end: end, powers: ValueCodec.Powers.shared.table, bits: &bits, mantissa: &mantissa,
            exponent: &exponent)
        offset = unsafe UnsafeRawPointer(cursor) - base
        return isSound
    }
}
