import MetricModel

/// What an operator hands each of its series to.
typealias SeriesBody = (inout StepSeries) throws(QueryError) -> Void

/// A part of a plan that gives an instant vector: one series after the other, each over all steps.
///
/// Nothing is kept between two runs. Label sets are unique as far as the operator promises with `hasUniqueLabels`.
protocol VectorOperator {
    var timeline: Timeline { get }

    /// Whether dropping the name cannot make two label sets equal: all series have one name, or none.
    var sharesOneName: Bool { get }

    /// Whether anything but the store and the limits can end it once its series come: who finds a fault in these then must hear it
    /// to the end, because its own faults are told first.
    var hasFaults: Bool { get }

    /// Gives each series to `body`, which may change it and keep what it likes.
    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError)

    /// The same without name, type and unit; what else an operator says of a series it says as before.
    ///
    /// Called where that cannot make two label sets equal.
    func streamNameless(_ context: QueryContext, _ body: SeriesBody) throws(QueryError)

    /// The same with the group of each series; labels are there only where histograms or notes may need them, others give the
    /// groups (`OperandGroups.label`).
    func stream(_ context: QueryContext, into groups: OperandGroups, _ body: SeriesBody) throws(QueryError)

    /// The labels of all series that `stream` gives, in its order, perhaps of others between them; counted until the caller
    /// releases their cost. Nil where only the series tell.
    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels?
}

/// Labels of series that come later.
struct KnownLabels {
    var labels: [LabelSet] = []
    var cost = QueryCost()

    /// What one of them takes: its bytes, and its place in a list that grows by doubling.
    static func cost(of labels: LabelSet) -> QueryCost { QueryCost(bytes: 64 + labels.encoded.count) }
}

extension VectorOperator {
    /// Takes the labels away from those that come.
    func streamNameless(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        try stream(context) { (series: inout StepSeries) throws(QueryError) in
            series.labels = series.labels.droppingMetadata()
            try body(&series)
        }
    }

    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels? { nil }

    /// The values of a scalar that stands behind this operand.
    ///
    /// Where both fail, the operand's fault is told: Prometheus goes from left to right.
    func values(
        ofNext scalar: any ScalarOperator, _ context: QueryContext
    ) throws(QueryError) -> [Double] {
        do throws(QueryError) {
            return try scalar.evaluate(context)
        } catch {
            guard case .execution = error else { throw error }
            throw fault(context) ?? error
        }
    }

    /// What ends the operator, nil where nothing does, and where only room is short: some of it was taken by what failed before.
    private func fault(_ context: QueryContext) -> QueryError? {
        do throws(QueryError) {
            try stream(context) { (_: inout StepSeries) throws(QueryError) in }
            return nil
        } catch {
            switch error {
            case .tooManySamples, .tooManySeries, .tooManyBytes, .tooManyBytesTogether: return nil
            default: return error
            }
        }
    }

    var hasFaults: Bool { true }

    /// Groups by labels.
    func stream(_ context: QueryContext, into groups: OperandGroups, _ body: SeriesBody) throws(QueryError) {
        try stream(context) { (series: inout StepSeries) throws(QueryError) in
            series.group = Int32(groups.number(of: series.labels))
            try body(&series)
        }
    }
}

/// A part of a plan that gives one number a step.
protocol ScalarOperator {
    var timeline: Timeline { get }

    /// One value for each step.
    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double]
}

extension VectorOperator {
    /// All series at once, counted against the limits of samples and bytes until the caller releases them.
    func collect(_ context: QueryContext) throws(QueryError) -> CollectedSeries {
        var collected = CollectedSeries()
        try stream(context) { (series: inout StepSeries) throws(QueryError) in
            let cost = series.cost
            guard cost.samples > 0 else { return }
            try context.hold(cost)
            collected.cost += cost
            // Taken out, so that nobody else holds the values.
            collected.series.append(StepSeries(values: []))
            swap(&collected.series[collected.series.count - 1], &series)
        }
        return collected
    }

    /// The same for series that are put aside, which need not have all steps.
    func pack(_ context: QueryContext) throws(QueryError) -> SeriesAside {
        var aside = SeriesAside()
        try stream(context) { (series: inout StepSeries) throws(QueryError) in try aside.add(&series, context) }
        return aside
    }
}

extension VectorOperator {
    /// Runs the operator for its errors and annotations alone, where its result cannot matter.
    func discard(_ context: QueryContext) throws(QueryError) {
        try stream(context) { (_: inout StepSeries) throws(QueryError) in }
    }
}

/// Series that an operator had to have in hand together.
struct CollectedSeries {
    var series: [StepSeries] = []
    var cost = QueryCost()
}
