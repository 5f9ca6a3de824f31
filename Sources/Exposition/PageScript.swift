internal import MetricModel

/// How the page of a target went the last time: what stood between one value and the next, and whose value it was.
///
///     gap 0                        value   gap 1 (from the start of the line)    value            tail
///     # HELP a ..\n# TYPE a ..\na{b="c"} 17\n a{b="d"} 4 1700000000000\n …   … 1\n # comment\n
///
/// A gap holds all bytes from the start of a line to the value, comments before the sample's line included, so that one
/// comparison covers them. Timestamps and exemplars stand behind the value and belong to no gap. Of a gap only length
/// and hash are kept: 17 bytes a step instead of the line.
struct PageScript {
    /// How long the gap of each step is.
    private(set) var lengths: [UInt32] = []
    /// The hash of the bytes of each gap.
    private(set) var hashes: [UInt64] = []
    /// The series of each step.
    var series: [Int32] = []
    /// The type that was declared last before each step.
    private(set) var types: [MetricMetadata.MetricType] = []
    /// What followed the line of the last value: comments, or nothing.
    var tail: [UInt8] = []

    var count: Int { lengths.count }

    /// About how much memory the script takes.
    var byteCount: Int {
        lengths.capacity * 4 + hashes.capacity * 8 + series.capacity * 4 + types.capacity + tail.capacity
    }

    /// The first `count` steps, without a tail.
    func prefix(_ count: Int) -> PageScript {
        var prefix = PageScript()
        prefix.reserveCapacity(lengths.count)
        prefix.append(steps: 0..<count, of: self)
        return prefix
    }

    /// A copy without room for more, where there is much room.
    func trimmed() -> PageScript {
        guard lengths.capacity > count + count / 8 + 16 else { return self }
        var trimmed = PageScript()
        trimmed.reserveCapacity(count)
        trimmed.append(steps: 0..<count, of: self)
        trimmed.tail = Array(tail[...])
        return trimmed
    }

    private mutating func reserveCapacity(_ count: Int) {
        lengths.reserveCapacity(count)
        hashes.reserveCapacity(count)
        series.reserveCapacity(count)
        types.reserveCapacity(count)
    }

    /// Appends steps of another script.
    mutating func append(steps: Range<Int>, of script: PageScript) {
        lengths.append(contentsOf: script.lengths[steps])
        hashes.append(contentsOf: script.hashes[steps])
        series.append(contentsOf: script.series[steps])
        types.append(contentsOf: script.types[steps])
    }

    /// Appends a step; `hash` is that of the gap's bytes.
    mutating func append(gapLength: Int, hash: UInt64, series: Int32, type: MetricMetadata.MetricType) {
        // A gap of more than 4 GiB (comments) is never recognised: its hash is not that of fewer bytes.
        lengths.append(UInt32(clamping: gapLength))
        hashes.append(hash)
        self.series.append(series)
        types.append(type)
    }
}
