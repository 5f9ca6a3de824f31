package import MetricModel

/// A series that a cache saw for the first time.
package struct NewSeries: Sendable, Hashable {
    /// The number that the cache gave it.
    package var series: Int32
    package var labels: LabelSet
    /// Labels that the page spells out with an empty value; they are not in `labels`.
    package var emptyLabels: [String]
    /// The line on which the series was first seen, counted from 1.
    package var line: Int
}

/// An exemplar and the sample that it belongs to.
package struct PageExemplar: Sendable, Hashable {
    /// The index of the sample in the page's columns.
    package var sample: Int
    package var exemplar: Exemplar
}

/// A native histogram of a page.
package struct PageHistogram: Sendable, Hashable {
    package var series: Int32
    package var histogram: NativeHistogram
    /// Milliseconds, `ScrapePage.noTimestamp` where it has none of its own.
    package var timestamp: Int64
    package var exemplars: [Exemplar] = []
    /// When it began to count, in milliseconds; 0 where that is unknown.
    package var start: Int64 = 0
}

/// What is read of pages beside plain samples: forms of histograms, and start timestamps.
package struct PageChoices: Sendable, Hashable {
    /// Native histograms are read as such.
    package var readsNative = false
    /// Classic histograms become native ones with custom buckets, on text pages too.
    package var convertsClassic = false
    /// The classic series are read too where there is a native histogram or they become one.
    package var alwaysReadsClassic = false
    /// The most buckets of a native histogram, which is made coarser until it fits; 0 has no limit but the format's.
    package var bucketLimit = 0
    /// The finest schema; what is finer is made coarser.
    package var finestSchema = NativeHistogram.schemas.upperBound
    /// Created timestamps and, in OpenMetrics, `_created` lines are the start timestamps of their samples.
    package var readsStarts = false
    package init() {}

    /// Whether series of text pages have to be seen as groups.
    var groupsSeries: Bool { convertsClassic || readsStarts }

    /// Makes a histogram as coarse as it has to be.
    func apply(to histogram: inout NativeHistogram) throws(HistogramFault) {
        let count = histogram.bucketCount
        if bucketLimit > 0, !histogram.reduceResolution(toBucketCount: bucketLimit) {
            throw .bucketLimit(count: count, limit: bucketLimit)
        }
        histogram.reduceResolution(to: finestSchema)
    }
}

/// The samples of one page as columns.
///
/// Kept by the caller from scrape to scrape, so that a steady one allocates nothing.
package struct ScrapePage: Sendable {
    /// The mark in `timestamps` of a sample without a timestamp of its own.
    package static let noTimestamp = Int64.min

    /// The values in the order of their lines.
    package internal(set) var values: [Double] = []
    /// The numbers of the series in the order of their lines, as many as `values`.
    ///
    /// A series may be there twice.
    package internal(set) var series: [Int32] = []
    /// Milliseconds, as many as `values`, or empty where no sample has a timestamp.
    package internal(set) var timestamps: [Int64] = []
    package internal(set) var exemplars: [PageExemplar] = []
    /// When samples began to count, in milliseconds, 0 where that is unknown: as many as `values`, or empty.
    package internal(set) var starts: [Int64] = []
    /// Native histograms: of the protobuf format, and classic ones that became such.
    package internal(set) var histograms: [PageHistogram] = []
    /// Series that are new to the cache.
    ///
    /// Numbers have no gaps from page to page, but for series that became part of a
    /// histogram or a start timestamp.
    package internal(set) var newSeries: [NewSeries] = []
    /// What HELP, TYPE and UNIT lines say that were not passed over as known: all of the first page, then what stands
    /// before a line that differs.
    package internal(set) var metadata: [MetadataLine] = []
    /// Whether `series` is what it was after the page before that this cache read without error.
    package internal(set) var hasSameSeries = false

    package init() {}

    /// Lets go of the labels of new series, when whoever reads the page has them.
    package mutating func forgetNewSeries() { newSeries = [] }

    mutating func removeAll() {
        values.removeAll(keepingCapacity: true)
        timestamps.removeAll(keepingCapacity: true)
        exemplars.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        histograms.removeAll(keepingCapacity: true)
        newSeries.removeAll(keepingCapacity: true)
        metadata.removeAll(keepingCapacity: true)
        hasSameSeries = false
    }

    /// The series of `previous` that are not in `current`, each once, in the order of `previous`.
    /// - Complexity: O(n)
    package static func vanished(from previous: [Int32], to current: [Int32]) -> [Int32] {
        let highest = max(previous.max() ?? -1, current.max() ?? -1)
        var isPresent = [Bool](repeating: false, count: Int(highest) + 1)
        for series in current { isPresent[Int(series)] = true }
        var vanished: [Int32] = []
        for series in previous where !isPresent[Int(series)] {
            isPresent[Int(series)] = true
            vanished.append(series)
        }
        return vanished
    }
}
