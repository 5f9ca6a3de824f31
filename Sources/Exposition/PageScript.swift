internal import MetricModel

/// How the page of a target went the last time: what stood between one value and the next, and whose value it was.
///
///     gap 0                        value   gap 1 (from the start of the line)    value            tail
///     # HELP a ..\n# TYPE a ..\na{b="c"} 17\n a{b="d"} 4 1700000000000\n …   … 1\n # comment\n
///
/// A gap holds all bytes from the start of a line to the value, comments before the sample's line included, so that one
/// comparison covers them. Timestamps and exemplars stand behind the value and belong to no gap.
struct PageScript {
    /// The bytes of all gaps, one behind the other.
    var gaps: [UInt8] = []
    /// Where the gap of each step ends in `gaps`.
    var ends: [Int] = []
    /// The series of each step.
    var series: [Int32] = []
    /// The type that was declared last before each step.
    var types: [MetricMetadata.MetricType] = []
    /// What followed the line of the last value: comments, or nothing.
    var tail: [UInt8] = []

    var count: Int { ends.count }

    func gap(of step: Int) -> Range<Int> { (step > 0 ? ends[step - 1] : 0)..<ends[step] }

    /// The first `count` steps, without a tail.
    func prefix(_ count: Int) -> PageScript {
        var prefix = PageScript()
        prefix.gaps.reserveCapacity(gaps.count + gaps.count / 8)
        prefix.ends.reserveCapacity(ends.count)
        prefix.series.reserveCapacity(series.count)
        prefix.gaps.append(contentsOf: gaps[..<(count > 0 ? ends[count - 1] : 0)])
        prefix.ends.append(contentsOf: ends[..<count])
        prefix.series.append(contentsOf: series[..<count])
        prefix.types.append(contentsOf: types[..<count])
        return prefix
    }

    /// Appends steps of another script.
    mutating func append(steps: Range<Int>, of script: PageScript) {
        let bytes = script.gap(of: steps.lowerBound).lowerBound..<script.ends[steps.upperBound - 1]
        let shift = gaps.count - bytes.lowerBound
        gaps.append(contentsOf: script.gaps[bytes])
        for end in script.ends[steps] { ends.append(end + shift) }
        series.append(contentsOf: script.series[steps])
        types.append(contentsOf: script.types[steps])
    }

    mutating func append(
        _ content: UnsafeRawBufferPointer, gap: Range<Int>, series: Int32, type: MetricMetadata.MetricType
    ) {
        unsafe gaps.append(contentsOf: UnsafeRawBufferPointer(rebasing: content[gap]))
        ends.append(gaps.count)
        self.series.append(series)
        types.append(type)
    }
}
