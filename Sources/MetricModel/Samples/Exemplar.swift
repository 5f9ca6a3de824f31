/// An example behind a sample, such as the trace of one request that a bucket counted.
package struct Exemplar: Sendable, Hashable {
    package var labels: LabelSet
    package var value: Double
    /// Milliseconds since the epoch, nil where the page gives none.
    package var timestampMilliseconds: Int64?

    package init(labels: LabelSet, value: Double, timestampMilliseconds: Int64?) {
        self.labels = labels
        self.value = value
        self.timestampMilliseconds = timestampMilliseconds
    }
}
