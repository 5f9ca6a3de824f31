package import MetricModel

/// Where exemplars are kept: the newest ones, as many as there is room for.
///
/// Safe on several threads.
package protocol ExemplarStore: Sendable {
    /// Keeps exemplars and answers what became of them. Those of one series must come in order of time; the same one again
    /// is accepted silently.
    func append(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome

    /// As `append`, of any age: what is older than what a series has is put in its place.
    func importExemplars(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome

    /// The exemplars in a range of the series that match any of the selectors, each series once, in label order; in order
    /// of time within a series.
    func exemplars(matching selectors: [[LabelMatcher]], in range: TimeRange) -> [SeriesExemplars]
}

/// An exemplar and its series.
package struct SeriesExemplar: Sendable {
    package var labels: LabelSet
    package var exemplar: Exemplar
    /// In milliseconds; the sample's where the exemplar brings none.
    package var timestamp: Int64

    package init(labels: LabelSet, exemplar: Exemplar, timestamp: Int64) {
        self.labels = labels
        self.exemplar = exemplar
        self.timestamp = timestamp
    }
}

/// The exemplars of one series.
package struct SeriesExemplars: Sendable {
    package var labels: LabelSet
    package var exemplars: [(timestamp: Int64, exemplar: Exemplar)]

    package init(labels: LabelSet, exemplars: [(timestamp: Int64, exemplar: Exemplar)]) {
        self.labels = labels
        self.exemplars = exemplars
    }
}

/// What became of exemplars.
package struct ExemplarOutcome: Sendable, Hashable {
    package var appended = 0
    package var outOfOrder = 0
    /// More label text than OpenMetrics allows.
    package var tooLong = 0
    package init() {}
}
