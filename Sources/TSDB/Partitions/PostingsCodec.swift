import Storage

/// Postings as bytes: runs of neighbouring series, each against the end of the run before.
///
///     varint    gap << 1                        one series
///     varint    gap << 1 | 1, varint length - 2   a run of two or more
///
/// Series stand in label order, so a metric name is one run and most labels are few.
struct PostingsEncoder {
    private(set) var bytes: [UInt8] = []
    private var previousEnd: UInt32 = 0
    private var runStart: UInt32 = 0
    private var runEnd: UInt32 = 0

    /// Adds a series; numbers ascend, the last one may come again.
    mutating func append(_ series: UInt32) {
        if runEnd > runStart, series == runEnd {
            runEnd += 1
        } else if runEnd == runStart || series > runEnd {
            closeRun()
            runStart = series
            runEnd = series + 1
        }
    }

    private mutating func closeRun() {
        guard runEnd > runStart else { return }
        let gap = UInt64(runStart - previousEnd)
        let length = UInt64(runEnd - runStart)
        Self.append(gap << 1 | (length > 1 ? 1 : 0), to: &bytes)
        if length > 1 { Self.append(length - 2, to: &bytes) }
        previousEnd = runEnd
    }

    /// The finished bytes; nothing may be added any more.
    mutating func finish() -> [UInt8] {
        closeRun()
        runEnd = runStart
        return bytes
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

enum PostingsCodec {
    /// The postings of a sealed blob; no number reaches `seriesCount`.
    static func decode(_ blob: UnsafeRawBufferPointer, seriesCount: UInt32) throws(SegmentDamage) -> Postings {
        let content = unsafe try SealedBlob.open(blob)
        var runs: [Range<UInt32>] = []
        var total = 0
        var isSound = true
        unsafe content.withUnsafeBytes { bytes in
            var input = unsafe InputBytes(bytes)
            var end: UInt64 = 0
            while !input.isAtEnd {
                let token = input.varint()
                let length = token & 1 == 1 ? input.varint() &+ 2 : 1
                let start = end &+ token >> 1
                guard !input.isDamaged, token >> 1 < UInt64(seriesCount), length <= UInt64(seriesCount),
                    start + length <= UInt64(seriesCount)
                else {
                    isSound = false
                    return
                }
                end = start + length
                runs.append(UInt32(start)..<UInt32(end))
                total += Int(length)
            }
        }
        guard isSound else { throw .structure("postings") }
        if runs.count == 1 { return Postings(runs[0]) }
        var numbers: [UInt32] = []
        numbers.reserveCapacity(total)
        for run in runs { numbers.append(contentsOf: run) }
        return Postings(ascending: numbers)
    }
}
