import MetricModel

/// Makes one series of several with the same labels, where no two of them have a sample at the same step.
struct SeriesMerger {
    /// What a float and a histogram at one step are; two of a kind are an error in any case.
    enum Meeting {
        /// An error: operators work on the elements of a step.
        case refused
        /// Both stay: Prometheus changes the labels of whole series by themselves, and looks at their floats and their
        /// histograms apart then.
        case kept
        /// Both stay until whoever merged them hands them on; operators above see one of them (`separateKinds`).
        case separated
    }

    private var indexes: [LabelSet: Int] = [:]
    private(set) var series: [StepSeries] = []
    private let meeting: Meeting

    init(_ meeting: Meeting = .refused) { self.meeting = meeting }

    /// Adds a series, or its samples to the one with the same labels.
    mutating func add(_ next: StepSeries) throws(QueryError) {
        guard let index = indexes[next.labels] else {
            indexes[next.labels] = series.count
            series.append(next)
            return
        }
        try series[index].merge(next, meeting)
    }

    /// Whether two of so many series may have the same labels, told by their hashes without moving any.
    static func hasEqualHashes(_ count: Int, _ labels: (Int) -> LabelSet) -> Bool {
        if count < 2 { return false }
        var places = LabelPlaces(minimumCapacity: count)
        return (0..<count).contains { places.take(labels($0), at: $0) != nil }
    }
}

extension StepSeries {
    /// Takes over the samples of another series with the same labels.
    ///
    /// Whose name is to be dropped is decided by the sample that comes first.
    mutating func merge(_ other: StepSeries, _ meeting: SeriesMerger.Meeting = .refused) throws(QueryError) {
        if dropsName != other.dropsName, let theirs = other.firstStep, theirs < firstStep ?? .max {
            dropsName = other.dropsName
        }
        if !histograms.isEmpty || !other.histograms.isEmpty {
            if meeting == .refused {
                let taken = presence()
                for sample in other.histograms where taken[sample.step] { throw .sameLabelSet }
                for step in values.indices where taken[step] && !other.values[step].isAbsent { throw .sameLabelSet }
            }
            histograms.append(contentsOf: other.histograms)
            histograms.sort { $0.step < $1.step }
            for (sample, next) in zip(histograms, histograms.dropFirst()) where sample.step == next.step {
                throw .sameLabelSet
            }
        }
        for step in values.indices where !other.values[step].isAbsent {
            guard values[step].isAbsent else { throw .sameLabelSet }
            values[step] = other.values[step]
        }
    }

    /// Leaves one element at each step of a series of which floats and histograms may have met.
    ///
    /// The float stays. As in Prometheus, whose operators take histograms in order, all behind one that is not taken are
    /// never seen.
    mutating func separateKinds() {
        guard let met = histograms.firstIndex(where: { !values[$0.step].isAbsent }) else { return }
        histograms.removeSubrange(met...)
    }
}
