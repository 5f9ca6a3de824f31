import MetricModel
import PromQL
import PromQLSyntax

/// Compares the result of an expression with what a test expects.
enum RuleTestComparison {
    /// A sample in a form that can be compared and shown.
    private struct Sample {
        var labels: LabelSet
        var value: Double
        var histogram: NativeHistogram?
    }

    static func failure(
        of check: RuleTest.ExpressionCheck, _ value: QueryValue, isFuzzy: Bool
    ) throws(RuleError) -> String? {
        let found = try VectorResult.elements(of: value)
            .map { Sample(labels: $0.labels, value: $0.value, histogram: $0.histogram) }
            .sorted { $0.labels < $1.labels }
        var expected: [Sample] = []
        for sample in check.expected { expected.append(try parse(sample)) }
        expected.sort { $0.labels < $1.labels }
        let isEqual =
            found.count == expected.count
            && zip(found, expected).allSatisfy { isSame($0, $1, isFuzzy: isFuzzy) }
        guard !isEqual else { return nil }
        return """
            expr: \(check.expression), time: \(RuleTestRunner.text(check.evaluationMilliseconds)),
                expected: \(RuleTestRunner.list(expected.map(describe)))
                got:      \(RuleTestRunner.list(found.map(describe)))
            """
    }

    private static func parse(_ sample: RuleTest.ExpectedSample) throws(RuleError) -> Sample {
        do throws(SyntaxError) {
            let text = sample.labels.isEmpty ? "{}" : sample.labels
            var result = Sample(labels: try SeriesNotation.parseMetric(text), value: sample.value)
            if let histogram = sample.histogram, !histogram.isEmpty {
                if case .histogram(let parsed, _)? = try SeriesNotation.parse("x " + histogram).values.first {
                    result.histogram = parsed
                }
            }
            return result
        } catch {
            throw .expression(rule: sample.labels, message: error.description)
        }
    }

    private static func isSame(_ left: Sample, _ right: Sample, isFuzzy: Bool) -> Bool {
        guard left.labels == right.labels else { return false }
        if var first = left.histogram, var second = right.histogram {
            first.counterResetHint = .unknown
            second.counterResetHint = .unknown
            return first == second
        }
        guard left.histogram == nil, right.histogram == nil else { return false }
        if left.value == right.value || (left.value.isNaN && right.value.isNaN) { return true }
        return isFuzzy && (left.value.nextUp == right.value || left.value.nextDown == right.value)
    }

    private static func describe(_ sample: Sample) -> String {
        let value = sample.histogram.map { "\($0)" } ?? GoFormat.shortest(sample.value)
        return sample.labels.description + " " + value
    }
}
