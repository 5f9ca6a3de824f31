/// What one part of a query did: a node of the plan, with what it gave and what it took.
package struct PlanNode: Sendable {
    /// The part of the query, in canonical form.
    package var expression: String
    /// Series that it gave.
    package var series = 0
    /// Floats and histograms that it gave.
    package var samples = 0
    /// Samples read from the store, by it and what stands below it.
    package var samplesRead = 0
    /// Bytes of the columns that it gave.
    package var bytes = 0
    /// Time it took together with what stands below it.
    package var seconds = 0.0
    /// Whether it was evaluated once and repeated at every step.
    package var isRepeated = false
    package var children: [PlanNode] = []

    package init(expression: String) { self.expression = expression }
}
