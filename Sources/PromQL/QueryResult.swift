package import MetricModel

/// The answer of a query.
package struct QueryResult: Sendable {
    package var value: QueryValue
    /// Texts with their position, as the API shows them; each once, in order of appearance.
    package var warnings: [String]
    package var infos: [String]
    package var statistics: QueryStatistics
    /// The plan with what each part took, where it was asked for.
    package var plan: PlanNode?
    /// Keeps the bytes of the answer counted as long as somebody holds it.
    package var reservation: (any Sendable)?

    package init(
        value: QueryValue, warnings: [String] = [], infos: [String] = [], statistics: QueryStatistics = .init()
    ) {
        self.value = value
        self.warnings = warnings
        self.infos = infos
        self.statistics = statistics
    }
}

/// One of the four types of PromQL values.
package enum QueryValue: Sendable {
    case scalar(timestamp: Timestamp, value: Double)
    case string(timestamp: Timestamp, value: String)
    case vector([VectorElement])
    case matrix([MatrixSeries])
}

/// One element of an instant vector; a histogram instead of the value where it is one.
package struct VectorElement: Sendable {
    package var labels: LabelSet
    package var timestamp: Timestamp
    package var value: Double
    package var histogram: NativeHistogram?

    package init(labels: LabelSet, timestamp: Timestamp, value: Double, histogram: NativeHistogram? = nil) {
        self.labels = labels
        self.timestamp = timestamp
        self.value = value
        self.histogram = histogram
    }
}

/// One series of a matrix: float points as columns in milliseconds, histogram points beside them.
package struct MatrixSeries: Sendable {
    package var labels: LabelSet
    package var timestamps: [Int64]
    package var values: [Double]
    package var histograms: [HistogramSample]

    package init(labels: LabelSet, timestamps: [Int64], values: [Double], histograms: [HistogramSample] = []) {
        self.labels = labels
        self.timestamps = timestamps
        self.values = values
        self.histograms = histograms
    }
}

/// What a query cost.
package struct QueryStatistics: Sendable {
    package var preparationSeconds = 0.0
    package var evaluationSeconds = 0.0
    package var queueSeconds = 0.0
    package var sortSeconds = 0.0
    /// Samples that the selectors' windows covered, counted once per step.
    package var samplesQueryable = 0
    /// Samples decoded from the store.
    package var samplesRead = 0
    package var peakSamples = 0
    /// The same by step, where it was asked for.
    package var steps: StepCounts?
    /// Steps at the beginning of a range query that were known from the one before.
    package var stepsFromCache = 0
    /// The most bytes that operators held at a time.
    package var peakBytes = 0
    package init() {}
}
