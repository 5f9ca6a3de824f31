package import MetricModel

/// Writes samples that bring timestamps of their own, for series named by number: what remote write comes through.
///
/// A series is resolved to a number once; after that its samples need no labels. Numbers hold within one generation;
/// the database begins a new one when it renumbers. Safe on several threads.
package protocol ReferenceWriter: AnyObject, Sendable {
    /// The generation of the moment.
    var generation: UInt32 { get }

    /// The numbers of series, made where they are new, and the generation in which they hold.
    ///
    /// `ReferencedSamples.noReference` stands where the store takes no more series.
    func references(for labels: [LabelSet]) throws(AppendError) -> (references: [UInt32], generation: UInt32)

    /// Stores what can be stored and says what was not; with numbers of an earlier generation it stores nothing
    /// and the outcome says so.
    ///
    /// A view sees all of the batch or nothing. Allocates nothing per sample where samples are newer than what the
    /// series have.
    func append(_ samples: ReferencedSamples) throws(AppendError) -> ReferencedOutcome
}

/// Samples of many series as columns, series after series.
package struct ReferencedSamples: Sendable {
    /// Stands for a series that the store did not take.
    package static let noReference = UInt32.max
    /// Stands for a series that the caller does not want to be stored.
    package static let leftOut = UInt32.max - 1

    package var generation: UInt32 = 0
    /// One a series.
    package var references: [UInt32] = []
    /// Where the float samples of each series end in the columns below; they begin where those of the series before end.
    package var sampleEnds: [Int] = []
    /// In order of time within a series.
    package var timestamps: [Int64] = []
    package var values: [Double] = []
    /// Start timestamps of `values` (0 is unknown), as many; empty where none is known.
    package var startTimestamps: [Int64] = []
    /// Histograms of series, which are given by their place in `references`; in order of time within a series.
    package var histograms: [(series: Int, sample: HistogramSample)] = []

    package init() {}

    /// Empties the columns and keeps their memory.
    package mutating func removeAll() {
        references.removeAll(keepingCapacity: true)
        sampleEnds.removeAll(keepingCapacity: true)
        timestamps.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        startTimestamps.removeAll(keepingCapacity: true)
        histograms.removeAll(keepingCapacity: true)
    }

    /// The places of a series' float samples.
    package func sampleRange(of series: Int) -> Range<Int> {
        (series == 0 ? 0 : sampleEnds[series - 1])..<sampleEnds[series]
    }
}

/// What became of referenced samples.
package struct ReferencedOutcome: Sendable {
    /// Some samples of a series were refused, the first of them for this reason.
    package struct Refusal: Sendable {
        /// The place of the series in `references`.
        package var series: Int
        package var reason: RefusalReason
    }

    /// So many series are named at most.
    package static let namedRefusalLimit = 5

    /// The references were of another generation: nothing was stored, resolve them anew.
    package var isExpired = false
    package var counts = AppendOutcome()
    /// How many of the appended samples are histograms.
    package var appendedHistograms = 0
    /// The first refusals, so that a sender can be told.
    package var refusals: [Refusal] = []

    package init() {}
    package static var expired: ReferencedOutcome {
        var outcome = ReferencedOutcome()
        outcome.isExpired = true
        return outcome
    }

    /// Notes a refusal unless there are enough.
    package mutating func note(_ reason: RefusalReason, series: Int) {
        guard refusals.count < Self.namedRefusalLimit, refusals.last?.series != series else { return }
        refusals.append(Refusal(series: series, reason: reason))
    }
}

/// Why a sample was not stored.
package enum RefusalReason: String, Sendable {
    case duplicate = "duplicate sample for timestamp"
    case outOfOrder = "out of order sample"
    case tooOld = "too old sample"
    case tooFarAhead = "sample too far in the future"
    case seriesLimit = "series limit reached"
}

extension AppendOutcome {
    /// Samples that were not stored, for whatever reason.
    package var refusedCount: Int { outOfOrder + duplicate + tooOld + tooFarAhead + seriesLimit }

    /// The first reason that has a count, nil where nothing was refused.
    package var refusalReason: RefusalReason? {
        if duplicate > 0 { return .duplicate }
        if outOfOrder > 0 { return .outOfOrder }
        if tooOld > 0 { return .tooOld }
        if tooFarAhead > 0 { return .tooFarAhead }
        return seriesLimit > 0 ? .seriesLimit : nil
    }

    /// Adds the counts of another part.
    package mutating func add(_ other: AppendOutcome) {
        appended += other.appended
        outOfOrder += other.outOfOrder
        duplicate += other.duplicate
        tooOld += other.tooOld
        tooFarAhead += other.tooFarAhead
        seriesLimit += other.seriesLimit
    }
}

extension SampleStore {
    /// A writer that turns numbers back into labels, for stores without numbers of their own.
    package func openReferences() throws(AppendError) -> any ReferenceWriter { LabelReferenceWriter(store: self) }
}
