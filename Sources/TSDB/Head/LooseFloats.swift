import MetricModel

/// Reads streams of floats, which nearly all of them are, without a call for each sample.
///
/// The state of the stream stays in registers, and what a view does not see or a range leaves out is overwritten by the
/// next sample.
struct LooseFloats {
    /// Samples of later batches are left out.
    let generation: UInt64
    let range: TimeRange

    /// What was found: so many samples, some of which may be staleness markers.
    struct Found {
        var count = 0
        var hasStaleMarkers = false
    }

    /// How many samples a stream may have: one takes two bytes at least.
    static func limit(byteCount: Int) -> Int { byteCount / 2 + 1 }

    /// Decodes all samples of a stream; nil at the first that is no float, that brings a start timestamp, or that is damaged.
    ///
    /// - Parameters:
    ///   - timestamps: Room for `limit(byteCount:)` times.
    ///   - values: Room for as many values.
    func read(
        _ bytes: UnsafeRawBufferPointer, timestamps: UnsafeMutablePointer<Int64>, values: UnsafeMutablePointer<Double>
    ) -> Found? {
        guard let start = bytes.baseAddress else { return Found() }
        var cursor = unsafe start.assumingMemoryBound(to: UInt8.self)
        let end = unsafe cursor + bytes.count
        let powers = unsafe ValueCodec.Powers.shared.table
        let earliest = range.start.milliseconds
        let latest = range.end.milliseconds
        let staleBits = SpecialValue.staleBits
        var found = Found()
        var generation: UInt64 = 0
        var timestamp: Int64 = 0
        var step: Int64 = 0
        var bits = SpecialValue.absentBits
        var mantissa: Int64 = 0
        var exponent = ValueCodec.noExponent
        var isFirst = true
        while unsafe cursor < end {
            guard let head = unsafe Self.readSmall(&cursor, end: end), head & 2 == 0,
                let change = unsafe Self.readSmall(&cursor, end: end)
            else { return nil }
            generation &+= head &>> 2
            let newStep = step &+ ValueCodec.unzigzag(change)
            timestamp &+= newStep
            // As the writer has it: the first sample's step is no help for the next one.
            step = isFirst ? 0 : newStep
            isFirst = false
            if head & 1 == 0 {
                guard
                    unsafe ValueCodec.decode(
                        &cursor, end: end, powers: powers, bits: &bits, mantissa: &mantissa, exponent: &exponent)
                else { return nil }
            }
            unsafe timestamps[found.count] = timestamp
            unsafe values[found.count] = Double(bitPattern: bits)
            let isWanted = generation <= self.generation && timestamp >= earliest && timestamp <= latest
            found.count &+= isWanted ? 1 : 0
            if bits == staleBits { found.hasStaleMarkers = true }
        }
        return found
    }

    /// A varint that is mostly one byte.
    @inline(__always)
    private static func readSmall(_ cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> UInt64? {
        if unsafe cursor < end {
            let byte = unsafe cursor.pointee
            if byte < 0x80 {
                unsafe cursor += 1
                return UInt64(byte)
            }
        }
        return unsafe ValueCodec.readVarInt(&cursor, end: end)
    }
}

extension LoosePiece {
    /// Adds the floats of a stream; false, with nothing added, where it has anything else.
    fileprivate mutating func appendFloats(_ bytes: UnsafeRawBufferPointer, _ reader: LooseFloats) -> Bool {
        var timestamps: [Int64] = []
        var values: [Double] = []
        swap(&timestamps, &self.timestamps)
        swap(&values, &self.values)
        let limit = LooseFloats.limit(byteCount: bytes.count)
        var found: LooseFloats.Found?
        timestamps.append(addingCapacity: limit) { times in
            unsafe times.withUnsafeMutableBufferPointer { times, timeCount in
                values.append(addingCapacity: limit) { numbers in
                    unsafe numbers.withUnsafeMutableBufferPointer { numbers, numberCount in
                        guard let firstTime = times.baseAddress, let firstNumber = numbers.baseAddress else { return }
                        found = unsafe reader.read(bytes, timestamps: firstTime, values: firstNumber)
                        timeCount = found?.count ?? 0
                        numberCount = timeCount
                    }
                }
            }
        }
        swap(&timestamps, &self.timestamps)
        swap(&values, &self.values)
        guard let found else { return false }
        if found.hasStaleMarkers { mayHaveStaleMarkers = true }
        if !startTimestamps.isEmpty {
            startTimestamps.append(contentsOf: repeatElement(0, count: found.count))
        }
        return true
    }

    /// Adds the samples of a stream that a view sees; false where it is damaged.
    mutating func append(stream bytes: UnsafeRawBufferPointer, generation limit: UInt64, range: TimeRange) -> Bool {
        if unsafe appendFloats(bytes, LooseFloats(generation: limit, range: range)) { return true }
        var stream = LooseStream()
        return unsafe stream.read(bytes) { timestamp, generation, start, sample in
            guard generation <= limit, range.contains(Timestamp(milliseconds: timestamp)) else { return }
            switch sample {
            case .value(let bits): append(timestamp, value: Double(bitPattern: bits), start: start)
            case .histogram(let histogram):
                histograms.append(HistogramSample(timestamp: timestamp, histogram: histogram, startTimestamp: start))
            }
        }
    }
}
