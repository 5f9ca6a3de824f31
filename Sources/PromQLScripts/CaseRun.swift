import MetricModel
import PromQL
import PromQLSyntax
import Storage

/// One case asked in all the ways it has to hold.
struct CaseRun {
    private static let rerunMilliseconds: Int64 = 60_000

    private let evaluation: EvaluationCase
    private let engine: QueryEngine
    private let querier: any Querier

    init(_ evaluation: EvaluationCase, engine: QueryEngine, querier: any Querier) {
        self.evaluation = evaluation
        self.engine = engine
        self.querier = querier
    }

    /// Why the case fails, nil when it passes.
    func failure() -> String? {
        switch evaluation.times {
        case .range(let start, let end, let step): return rangeFailure(start, end, step)
        case .instant(let time):
            if let failure = instantFailure(evaluation.expression, evaluation.text, at: time) { return failure }
            guard let pinned = TimePinning(time: Timestamp(milliseconds: time)).pinned(evaluation.expression) else {
                return nil
            }
            let text = pinned.description
            do {
                let parsed = try Parser.parse(text)
                for other in Self.otherTimes(time) {
                    if let failure = instantFailure(parsed, text, at: other) {
                        return "asked as \(text) at \(other) ms: \(failure)"
                    }
                }
            } catch {
                return "printed as \(text), which does not parse: \(error)"
            }
            return nil
        }
    }

    /// The times at which a pinned query has to give the same, in milliseconds.
    private static func otherTimes(_ time: Int64) -> [Int64] {
        time == 0 ? [-1000, 0, 1000] : [-10 &* time, 0, time / 5, time, 10 &* time]
    }

    // MARK: - One way of asking

    private func rangeFailure(_ start: Int64, _ end: Int64, _ step: Int64) -> String? {
        do {
            let result = try engine.rangeQuery(
                evaluation.expression, start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end),
                stepMilliseconds: step, from: querier, options: QueryOptions(text: evaluation.text))
            return judge(result)
        } catch {
            return judge(error)
        }
    }

    private func instantFailure(_ expression: Expression, _ text: String, at time: Int64) -> String? {
        do {
            let result = try engine.instantQuery(
                expression, at: Timestamp(milliseconds: time), from: querier, options: QueryOptions(text: text))
            return judge(result) ?? rerunFailure(expression, text, around: time, isScalar: result.isScalar)
        } catch {
            return judge(error)
        }
    }

    private func judge(_ result: QueryResult) -> String? {
        if let expected = evaluation.failure {
            return "expected the query to fail with \(expected.shown), it succeeded"
        }
        return evaluation.annotationDifference(from: result)
            ?? ResultComparison(expected: evaluation).difference(from: result.value)
    }

    private func judge(_ error: QueryError) -> String? {
        if case .notImplemented = error { return error.description }
        guard let expected = evaluation.failure else { return "the query failed: \(error)" }
        return expected.accepts(error.description)
            ? nil : "expected the query to fail with \(expected.shown), it failed with: \(error)"
    }

    // MARK: - The same in a range query

    /// A range query over the minute before and after must have the same value in its middle.
    private func rerunFailure(
        _ expression: Expression, _ text: String, around time: Int64, isScalar: Bool
    ) -> String? {
        guard expression.type == .scalar || expression.type == .instantVector, evaluation.rangeVectorGrid == nil,
            evaluation.expectedString == nil,
            !["start()", "end()", "range()", "step()"].contains(where: { text.contains($0) })
        else { return nil }
        do {
            let result = try engine.rangeQuery(
                expression, start: Timestamp(milliseconds: time &- Self.rerunMilliseconds),
                end: Timestamp(milliseconds: time &+ Self.rerunMilliseconds), stepMilliseconds: Self.rerunMilliseconds,
                from: querier, options: QueryOptions(text: text))
            guard case .matrix(let matrix) = result.value else { return "the range query gave no matrix" }
            if evaluation.isOrdered { return nil }
            let elements = matrix.compactMap { $0.element(at: time) }
            let value: QueryValue =
                isScalar
                ? .scalar(
                    timestamp: Timestamp(milliseconds: time), value: elements.first?.value ?? SpecialValue.stale)
                : .vector(elements)
            return ResultComparison(expected: evaluation).difference(from: value)
                .map { "in a range query around \(time) ms: \($0)" }
        } catch {
            return "in a range query around \(time) ms: \(error)"
        }
    }
}

extension QueryResult {
    fileprivate var isScalar: Bool {
        if case .scalar = value { true } else { false }
    }
}

extension MatrixSeries {
    /// The point at a time.
    fileprivate func element(at time: Int64) -> VectorElement? {
        let timestamp = Timestamp(milliseconds: time)
        if let index = timestamps.firstIndex(of: time) {
            return VectorElement(labels: labels, timestamp: timestamp, value: values[index])
        }
        return histograms.first { $0.timestamp == time }.map {
            VectorElement(labels: labels, timestamp: timestamp, value: 0, histogram: $0.histogram)
        }
    }
}
