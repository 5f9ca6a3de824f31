import Bytes
import MetricModel

/// The samples of one series with timestamps of its own, as differences.
///
///     sample: varint(batches since the sample before << 2 | kind), varint zigzag(timestamp, its first or second
///             difference), then by kind
///         0   the value (`ValueCodec`)
///         1   nothing: the value of before
///         2   varint byte count, histogram (`HistogramCodec`)
///     start:  varint 3, varint zigzag(difference to the start timestamp before): for all samples behind it
///
/// The batch number says which views see the sample.
struct LooseStream {
    private(set) var sampleCount = 0
    /// Of the sample that was added or read last.
    private(set) var timestamp: Int64 = 0
    private var step: Int64 = 0
    private(set) var generation: UInt64 = 0
    private(set) var bits = SpecialValue.absentBits
    private var mantissa: Int64 = 0
    private var exponent = ValueCodec.noExponent
    /// When the counters of the next samples began, 0 for unknown.
    private(set) var start: Int64 = 0

    /// One decoded sample.
    enum Sample {
        case value(bits: UInt64)
        case histogram(NativeHistogram)
    }

    // MARK: Writing

    /// Room that a float sample needs while it is written, the eight bytes included that its last part may overwrite.
    static let maximumSampleByteCount = 48

    mutating func append(value newBits: UInt64, timestamp: Int64, generation: UInt64, to bytes: inout [UInt8]) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maximumSampleByteCount) { buffer in
            guard let start = buffer.baseAddress else { return }
            let written = unsafe encode(
                bits: newBits, timestamp: timestamp, generation: generation,
                powers: ValueCodec.Powers.shared.table, at: start)
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: written.end - start))
        }
    }

    /// Writes a float sample at `start`, which has `maximumSampleByteCount` room; answers where the value begins and
    /// where it ends, one place when it is that of before.
    @inline(__always)
    mutating func encode(
        bits newBits: UInt64, timestamp newTimestamp: Int64, generation newGeneration: UInt64,
        powers: UnsafePointer<Double>, at start: UnsafeMutablePointer<UInt8>
    ) -> (value: UnsafeMutablePointer<UInt8>, end: UnsafeMutablePointer<UInt8>) {
        let isUnchanged = newBits == bits
        let value = unsafe encodeTime(
            newTimestamp, generation: newGeneration, kind: isUnchanged ? 1 : 0, at: start)
        guard !isUnchanged else { return unsafe (value, value) }
        let end = unsafe ValueCodec.encode(
            newBits, lastBits: &bits, mantissa: &mantissa, exponent: &exponent, powers: powers, at: value)
        return unsafe (value, end)
    }

    /// Writes what stands before a value and moves time, generation and count along.
    @inline(__always)
    private mutating func encodeTime(
        _ newTimestamp: Int64, generation newGeneration: UInt64, kind: UInt64, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        let cursor = unsafe ValueCodec.writeVarInt((newGeneration &- generation) &<< 2 | kind, at: start)
        let newStep = newTimestamp &- timestamp
        let end = unsafe ValueCodec.writeVarInt(ValueCodec.zigzag(newStep &- step), at: cursor)
        generation = newGeneration
        // The first sample's step is its distance from 1970, no help for the next one.
        step = sampleCount == 0 ? 0 : newStep
        timestamp = newTimestamp
        sampleCount &+= 1
        return unsafe end
    }

    /// Takes a float sample whose value was written by `encode` of a stream in this state, from `cursor` on; false where
    /// the bytes are damaged.
    mutating func replay(
        isUnchanged: Bool, value cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>,
        timestamp: Int64, generation: UInt64, to bytes: inout [UInt8]
    ) -> Bool {
        appendTime(timestamp, generation: generation, kind: isUnchanged ? 1 : 0, to: &bytes)
        guard !isUnchanged else { return true }
        let start = unsafe cursor
        let isSound = unsafe ValueCodec.decode(
            &cursor, end: end, powers: ValueCodec.Powers.shared.table, bits: &bits, mantissa: &mantissa,
            exponent: &exponent)
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: cursor - start))
        return isSound
    }

    /// Says when the counters of the next samples began.
    mutating func append(start newStart: Int64, to bytes: inout [UInt8]) {
        guard newStart != start else { return }
        bytes.append(3)
        VarInt.appendZigzag(newStart &- start, to: &bytes)
        start = newStart
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
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maximumSampleByteCount) { buffer in
            guard let start = buffer.baseAddress else { return }
            let end = unsafe encodeTime(newTimestamp, generation: newGeneration, kind: kind, at: start)
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: end - start))
        }
    }

    // MARK: Reading

    /// Decodes samples until the end of the bytes, and moves the state along; false where they are damaged.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (_ timestamp: Int64, _ generation: UInt64, _ start: Int64, Sample) -> Void

    ) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard let first = unsafe VarInt.read(bytes, at: &offset),
                let difference = unsafe VarInt.readZigzag(bytes, at: &offset)
            else { return false }
            if first & 3 == 3 {
                start = start &+ difference
                continue
            }
            generation = generation &+ first >> 2
            let newStep = step &+ difference
            timestamp = timestamp &+ newStep
            step = sampleCount == 0 ? 0 : newStep
            sampleCount += 1
            switch first & 3 {
            case 0:
                guard unsafe readValue(bytes, at: &offset) else { return false }
                body(timestamp, generation, start, .value(bits: bits))
            case 1: body(timestamp, generation, start, .value(bits: bits))
            case 2:
                guard let count = unsafe VarInt.read(bytes, at: &offset), count <= UInt64(bytes.count - offset) else {
                    return false
                }
                let end = offset + Int(count)
                guard let histogram = unsafe HistogramCodec.read(bytes, at: &offset), offset == end else {
                    return false
                }
                body(timestamp, generation, start, .histogram(histogram))
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
