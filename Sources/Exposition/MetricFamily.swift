package import MetricModel

/// A metric with all its samples, on the way out.
package struct MetricFamily: Sendable, Hashable {
    /// One sample.
    ///
    /// Its name is the family's with `suffix` behind it (`_bucket`, `_sum`, `_total`, …).
    package struct Sample: Sendable, Hashable {
        package var suffix: String
        package var labels: [Label]
        package var value: Double
        /// Milliseconds since the epoch, nil for the time of the scrape.
        package var timestampMilliseconds: Int64?
        /// Written in OpenMetrics only.
        package var exemplar: Exemplar?

        package init(
            suffix: String = "", labels: [Label] = [], value: Double, timestampMilliseconds: Int64? = nil,
            exemplar: Exemplar? = nil
        ) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
            self.timestampMilliseconds = timestampMilliseconds
            self.exemplar = exemplar
        }
    }

    /// A label with its value, neither of them escaped.
    package struct Label: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The family's name; for a counter without the suffix `_total`.
    package var name: String
    package var metadata: MetricMetadata
    package var samples: [Sample]

    package init(name: String, metadata: MetricMetadata, samples: [Sample] = []) {
        self.name = name
        self.metadata = metadata
        self.samples = samples
    }
}
