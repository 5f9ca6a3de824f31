/// Samples that a reader came upon, in Prometheus' two ways of counting them.
struct CountedSamples {
    /// Those that a selector found at each step, those in each window of a range.
    var queryable = 0
    /// Those that were read, each once.
    var read = 0

    static func += (sum: inout CountedSamples, counts: CountedSamples) {
        sum.queryable += counts.queryable
        sum.read += counts.read
    }

    /// What was counted since it was taken last.
    mutating func take() -> CountedSamples {
        let counts = self
        self = CountedSamples()
        return counts
    }
}
