import MetricModel
import PromQLSyntax

/// Evaluates a query the slow way, to hold the engine against: one time after the other, one series after the other,
/// straight from the definitions; no columns, no plan, nothing kept from step to step.
final class NaiveEvaluator {
    struct Settings {
        var lookback: Int64 = 300_000
        var delaysNames = false
        var defaultStep: Int64 = 60_000
        var usesStarts = false
    }

    let series: [NaiveSeries]
    let settings: Settings
    /// The times of the query as asked.
    let start: Int64
    let end: Int64
    let step: Int64
    let text: String
    private(set) var notes: Set<String> = []
    /// What a binary operator tells last of the pairs of a step.
    var pairNote: (isWarning: Bool, message: String)?
    /// Where the evaluation of the query, or of the subquery that is looked at, begins.
    var evaluationStart: Int64
    /// Below a function that looks only at count and sum, and below something that looks at more.
    var looksAtTotals = false
    var looksAtBuckets = false
    /// Points of subqueries that a query may have, those of subqueries in subqueries for each of them.
    private static let pointLimit = 100_000
    private var pointCount = 0

    init(_ series: [NaiveSeries], _ settings: Settings, start: Int64, end: Int64, step: Int64, text: String) {
        self.series = series
        self.settings = settings
        self.start = start
        evaluationStart = start
        self.end = end
        self.step = step
        self.text = text
    }

    func warn(_ message: String, _ range: SourceRange) {
        notes.insert("PromQL warning: \(message) (\(range.position(in: text)))")
    }

    func inform(_ message: String, _ range: SourceRange) {
        notes.insert("PromQL info: \(message) (\(range.position(in: text)))")
    }

    /// The answer of an instant query or of one step of a range query.
    func answer(_ expression: Expression, at time: Int64) throws -> NaiveValue {
        let faults = faults(of: expression)
        if let fault = faults.first { throw NaiveFailure(fault, isOnlyOne: faults.count == 1) }
        let value = try evaluate(expression, at: time)
        guard case .vector(var elements) = value else { return value }
        for index in elements.indices where elements[index].dropsName {
            elements[index].labels = elements[index].namelessLabels
        }
        return .vector(try unique(elements, areSeries: settings.delaysNames))
    }

    // MARK: - Expressions

    func evaluate(_ expression: Expression, at time: Int64) throws -> NaiveValue {
        switch expression {
        case .number(let number): return .scalar(number.value)
        case .string(let string): return .string(string.value)
        case .parenthesized(let group): return try evaluate(group.content, at: time)
        case .vectorSelector(let selector) where selector.boundary == .smoothed:
            return .vector(try smoothedInstant(selector, at: time))
        case .vectorSelector(let selector): return .vector(newest(selector, at: time))
        case .unary(let operation): return try unary(operation, at: time)
        case .call(let call): return try self.call(call, at: time)
        case .aggregation(let aggregation): return .vector(try aggregate(aggregation, at: time))
        case .binary(let operation): return try binary(operation, at: time)
        case .matrixSelector, .subquery: throw NaiveFailure("a range vector is no value here")
        }
    }

    func vector(_ expression: Expression, at time: Int64) throws -> [NaiveElement] {
        guard case .vector(let elements) = try evaluate(expression, at: time) else {
            throw NaiveFailure("expected a vector")
        }
        return elements
    }

    func scalar(_ expression: Expression, at time: Int64) throws -> Double {
        guard case .scalar(let value) = try evaluate(expression, at: time) else {
            throw NaiveFailure("expected a scalar")
        }
        return value
    }

    func string(_ expression: Expression) throws -> String {
        guard case .string(let text) = try evaluate(expression, at: 0) else {
            throw NaiveFailure("expected a string")
        }
        return text
    }

    private func unary(_ operation: UnaryOperation, at time: Int64) throws -> NaiveValue {
        switch try evaluate(operation.operand, at: time) {
        case .scalar(let value): return .scalar(operation.isNegative ? -value : value)
        case .vector(let elements):
            guard operation.isNegative else { return .vector(elements) }
            return .vector(
                try nameless(
                    elements.map { element in
                        var result = element
                        switch element.number {
                        case .float(let value): result.number = .float(-value)
                        case .histogram(let value): result.number = .histogram(value.multiplied(by: -1))
                        }
                        return result
                    }, areSeries: true))
        case .string: throw NaiveFailure("a string has no sign")
        }
    }

    // MARK: - Names

    /// Elements that lose their name: at once or at the end.
    func nameless(_ elements: [NaiveElement], areSeries: Bool = false) throws -> [NaiveElement] {
        try unique(
            elements.map { element in
                var result = element
                if settings.delaysNames { result.dropsName = true } else { result.labels = element.namelessLabels }
                return result
            }, areSeries: areSeries)
    }

    /// No two elements may have the same labels.
    ///
    /// - Parameter areSeries: Whole series change their labels, whose floats and histograms may meet: what comes of it depends on
    ///   the steps before.
    func unique(_ elements: [NaiveElement], areSeries: Bool = false) throws -> [NaiveElement] {
        if Set(elements.map(\.labels)).count == elements.count { return elements }
        for kind in [elements.filter { $0.number.float == nil }, elements.filter { $0.number.float != nil }]
        where Set(kind.map(\.labels)).count < kind.count || !areSeries {
            throw NaiveFailure.sameLabels
        }
        throw NaiveFailure.kindsMeet
    }

    // MARK: - Selection

    func reference(_ time: Int64, _ at: AtModifier?, _ offset: DurationValue?) throws -> Int64 {
        let fixed =
            switch at {
            case nil: time
            case .timestamp(let timestamp): timestamp.milliseconds
            case .start: start
            case .end: end
            }
        return fixed - (try offset.map { try milliseconds($0, mustBePositive: false) } ?? 0)
    }

    func selected(_ selector: VectorSelector) -> [NaiveSeries] {
        series.filter { candidate in
            selector.matchers.allSatisfy { $0.matches(candidate.labels[$0.name] ?? "") }
        }
    }

    /// The newest sample of each series within the lookback.
    func newestSamples(_ selector: VectorSelector, at time: Int64) -> [(labels: [String: String], sample: NaiveSample)]
    {
        guard let moment = try? reference(time, selector.at, selector.offset) else { return [] }
        return newestSamples(selector, after: moment - settings.lookback, upTo: moment)
    }

    /// The same for `timestamp`, which reads what `@` and `offset` ask for, and sees of it what `@` alone would.
    func samplesForTime(_ selector: VectorSelector, at time: Int64) -> [(labels: [String: String], sample: NaiveSample)]
    {
        guard selector.at != nil, let moved = try? reference(time, selector.at, selector.offset),
            let fixed = try? reference(time, selector.at, nil)
        else { return newestSamples(selector, at: time) }
        let read = selector.boundary == .smoothed ? moved + settings.lookback : moved
        return newestSamples(
            selector, after: max(moved, fixed) - settings.lookback, upTo: min(read, fixed))
    }

    private func newestSamples(
        _ selector: VectorSelector, after oldest: Int64, upTo moment: Int64
    ) -> [(labels: [String: String], sample: NaiveSample)] {
        var result: [(labels: [String: String], sample: NaiveSample)] = []
        for candidate in selected(selector) {
            let first = try? reference(start, selector.at, selector.offset) - settings.lookback
            let inside = read(candidate.samples, since: first).filter { $0.time <= moment && $0.time > oldest }
            guard let newest = inside.last, !newest.isStale else { continue }
            result.append((candidate.labels, newest))
        }
        return result
    }

    private func newest(_ selector: VectorSelector, at time: Int64) -> [NaiveElement] {
        newestSamples(selector, at: time).map { NaiveElement(labels: $0.labels, number: $0.sample.number) }
    }

    /// The samples without buckets where nobody asks for them; a reset is found from the first sample on that the query reads.
    func read(_ samples: [NaiveSample], since first: Int64?) -> [NaiveSample] {
        guard looksAtTotals, !looksAtBuckets, let first else { return samples }
        var before: NaiveHistogram?
        return samples.map { sample in
            guard sample.time > first, !sample.isStale, var whole = sample.number.histogram else { return sample }
            if whole.hint == .unknown, let before { whole.hint = whole.isReset(after: before) ? .reset : .notReset }
            before = whole
            var totals = NaiveHistogram()
            (totals.hint, totals.schema, totals.count, totals.sum) = (whole.hint, whole.schema, whole.count, whole.sum)
            return NaiveSample(time: sample.time, .histogram(totals), start: sample.start)
        }
    }

    // MARK: - Windows

    /// The samples of one series over a window.
    struct Window {
        var series: NaiveSeries
        var start: Int64
        var end: Int64
        /// The time of evaluation, before `@` and `offset`.
        var time: Int64

        var floats: [(time: Int64, value: Double)] {
            series.samples.compactMap { sample in sample.number.float.map { (sample.time, $0) } }
        }
        var histograms: [(time: Int64, value: NaiveHistogram)] {
            series.samples.compactMap { sample in sample.number.histogram.map { (sample.time, $0) } }
        }
    }

    /// The windows of a range vector that hold any sample.
    func windows(_ expression: Expression, at time: Int64) throws -> [Window] {
        switch expression.unparenthesized {
        case .matrixSelector(let matrix):
            let right = try reference(time, matrix.selector.at, matrix.selector.offset)
            let left = right - (try milliseconds(matrix.window, mustBePositive: true))
            return selected(matrix.selector).compactMap { candidate in
                var inside = candidate
                let first = try? reference(start, matrix.selector.at, matrix.selector.offset) - (right - left)
                inside.samples = read(candidate.samples, since: first).filter {
                    $0.time > left && $0.time <= right && !$0.isStale
                }
                return inside.samples.isEmpty ? nil : Window(series: inside, start: left, end: right, time: time)
            }
        case .subquery(let subquery): return try windows(subquery, at: time)
        default: throw NaiveFailure("expected a range vector")
        }
    }

    private static func firstMultiple(of stride: Int64, after time: Int64) -> Int64 {
        let multiple = time / stride * stride
        return multiple <= time ? multiple + stride : multiple
    }

    private func windows(_ subquery: Subquery, at time: Int64) throws -> [Window] {
        let right = try reference(time, subquery.at, subquery.offset)
        let left = right - (try milliseconds(subquery.window, mustBePositive: true))
        let given = try subquery.step.map { try milliseconds($0, mustBePositive: true) } ?? 0
        let stride = given > 0 ? given : settings.defaultStep
        let before = (looksAtBuckets, evaluationStart)
        looksAtBuckets = true
        evaluationStart = Self.firstMultiple(
            of: stride, after: try reference(evaluationStart, subquery.at, subquery.offset) - (right - left))
        defer { (looksAtBuckets, evaluationStart) = before }
        var result: [NaiveSeries] = []
        var moment = Self.firstMultiple(of: stride, after: left)
        while moment <= right {
            pointCount += 1
            guard pointCount <= Self.pointLimit else { throw NaiveFailure.takesTooLong }
            for element in try vector(subquery.operand, at: moment) {
                var number = element.number
                if case .histogram(var histogram) = number, histogram.hint != .gauge {
                    histogram.hint = .unknown
                    number = .histogram(histogram)
                }
                let sample = NaiveSample(time: moment, number)
                if let known = result.firstIndex(where: { $0.labels == element.labels }) {
                    result[known].samples.append(sample)
                } else {
                    result.append(
                        NaiveSeries(labels: element.labels, dropsName: element.dropsName, samples: [sample]))
                }
            }
            moment += stride
        }
        return result.map { Window(series: $0, start: left, end: right, time: time) }
    }
}
