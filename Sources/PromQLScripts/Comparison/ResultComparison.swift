import Bytes
import MetricModel
import PromQL
import PromQLSyntax

/// Compares results with what a case expects; nil means that they agree, otherwise the text says how they differ.
struct ResultComparison {
    let expected: EvaluationCase

    func difference(from value: QueryValue) -> String? {
        switch value {
        case .string(_, let text):
            guard let wanted = expected.expectedString else { return "got the string \(LabelName.quoted(text))" }
            return text == wanted
                ? nil : "expected \(LabelName.quoted(wanted)), got \(LabelName.quoted(text))"
        case .scalar(_, let number):
            guard let wanted = expected.expectedScalar else { return "got the scalar \(Self.shown(number))" }
            return NearEquality.floats(wanted, number)
                ? nil : "expected \(Self.shown(wanted)), got \(Self.shown(number))"
        case .vector(let elements): return noScalar() ?? difference(from: elements)
        case .matrix(let series): return noScalar() ?? difference(from: series)
        }
    }

    private func noScalar() -> String? {
        if let scalar = expected.expectedScalar { return "expected the scalar \(Self.shown(scalar)), got a vector" }
        if let string = expected.expectedString { return "expected the string \(string), got a vector" }
        return nil
    }

    // MARK: - Instant vectors

    private func difference(from elements: [VectorElement]) -> String? {
        if expected.rangeVectorGrid != nil { return "expected a range vector, got an instant vector" }
        var positions: [LabelSet: Int] = [:]
        for (position, series) in expected.expectedSeries.enumerated() { positions[series.labels] = position }
        var seen: Set<LabelSet> = []
        for (index, element) in elements.enumerated() {
            guard let position = positions[element.labels] else {
                return "unexpected element \(element.labels) \(Self.shown(element))"
            }
            guard seen.insert(element.labels).inserted else { return "\(element.labels) is there twice" }
            if expected.isOrdered && position != index {
                return "\(element.labels) is at place \(index + 1), expected at \(position + 1)"
            }
            let wanted = expected.expectedSeries[position].values.first ?? .missing
            if !Self.agrees(element, wanted) {
                return "expected \(Self.shown(wanted)) for \(element.labels), got \(Self.shown(element))"
            }
        }
        if let missing = expected.expectedSeries.first(where: { !seen.contains($0.labels) }) {
            return "expected element \(missing.labels) is missing; got \(elements.count) elements"
        }
        return nil
    }

    private static func agrees(_ element: VectorElement, _ wanted: SequenceValue) -> Bool {
        switch (wanted, element.histogram) {
        case (.float(let number), nil): NearEquality.floats(element.value, number)
        case (.histogram(let histogram, let isHintWritten), let actual?):
            NearEquality.histograms(actual, histogram, comparesHint: isHintWritten)
        default: false
        }
    }

    // MARK: - Matrices

    private func difference(from matrix: [MatrixSeries]) -> String? {
        if expected.isOrdered { return "expected an ordered result, but the result is a matrix" }
        let grid: (start: Int64, end: Int64, step: Int64)
        switch expected.times {
        case .range(let start, let end, let step): grid = (start, end, step)
        case .instant:
            guard let range = expected.rangeVectorGrid else { return "got a range vector, which was not expected" }
            grid = (range.start, range.end, range.step)
        }
        for (left, right) in zip(matrix, matrix.dropFirst()) where !(left.labels < right.labels) {
            return "the result is not sorted by labels: \(left.labels) before \(right.labels)"
        }
        let wantedByLabels = Dictionary(
            expected.expectedSeries.map { ($0.labels, $0) }, uniquingKeysWith: { $1 })
        for series in matrix {
            guard let wanted = wantedByLabels[series.labels] else {
                return "unexpected series \(series.labels) \(Self.shown(series))"
            }
            if let difference = Self.difference(of: series, from: wanted.values, on: grid) { return difference }
        }
        let present = Set(matrix.map(\.labels))
        if let missing = expected.expectedSeries.first(where: { !present.contains($0.labels) }) {
            return "expected series \(missing.labels) is missing; got \(matrix.count) series"
        }
        return nil
    }

    private static func difference(
        of series: MatrixSeries, from wanted: [SequenceValue], on grid: (start: Int64, end: Int64, step: Int64)
    ) -> String? {
        guard Int64(wanted.count) <= (grid.end - grid.start) / grid.step + 1 else {
            return "more values are expected for \(series.labels) than there are steps"
        }
        var timestamps: [Int64] = []
        var floats: [Double] = []
        var histograms: [(sample: HistogramSample, isHintWritten: Bool)] = []
        for (index, value) in wanted.enumerated() {
            let timestamp = grid.start + Int64(index) * grid.step
            switch value {
            case .missing: continue
            case .float(let number):
                timestamps.append(timestamp)
                floats.append(number)
            case .histogram(let histogram, let isHintWritten):
                histograms.append((HistogramSample(timestamp: timestamp, histogram: histogram), isHintWritten))
            }
        }
        let wantedText = "expected \(wanted.map { shown($0) }.joined(separator: " ")), got \(shown(series))"
        guard series.timestamps == timestamps, series.histograms.map(\.timestamp) == histograms.map(\.sample.timestamp)
        else { return "\(series.labels) has other points: \(wantedText)" }
        for (actual, expected) in zip(series.values, floats) where !NearEquality.floats(actual, expected) {
            return "\(series.labels) differs: \(wantedText)"
        }
        for (actual, expected) in zip(series.histograms, histograms)
        where !NearEquality.histograms(
            actual.histogram, expected.sample.histogram, comparesHint: expected.isHintWritten)
        {
            return "\(series.labels) differs at \(actual.timestamp) ms: expected \(shown(expected.sample.histogram)), "
                + "got \(shown(actual.histogram))"
        }
        return nil
    }

    // MARK: - Showing

    static func shown(_ number: Double) -> String {
        SpecialValue.isStale(number) ? "stale" : DecimalFormatting.text(number, style: .general)
    }

    private static func shown(_ value: SequenceValue) -> String {
        switch value {
        case .missing: "_"
        case .float(let number): shown(number)
        case .histogram(let histogram, let isHintWritten):
            shown(histogram) + (isHintWritten ? "" : " (any hint)")
        }
    }

    private static func shown(_ element: VectorElement) -> String {
        element.histogram.map { shown($0) } ?? shown(element.value)
    }

    private static func shown(_ series: MatrixSeries) -> String {
        let floats = zip(series.timestamps, series.values).map { "\(shown($1))@\($0)" }
        let histograms = series.histograms.map { "\(shown($0.histogram))@\($0.timestamp)" }
        return "[" + (floats + histograms).joined(separator: " ") + "]"
    }

    private static func shown(_ histogram: NativeHistogram) -> String {
        func list(_ numbers: [Double]) -> String { "[" + numbers.map { shown($0) }.joined(separator: " ") + "]" }
        func side(_ name: String, _ spans: [NativeHistogram.Span], _ buckets: [Double]) -> String {
            if buckets.isEmpty { return "" }
            return " \(name)spans:\(spans.map { "\($0.offset)+\($0.length)" }) \(name)buckets:\(list(buckets))"
        }
        return "{{schema:\(histogram.schema) count:\(shown(histogram.count)) sum:\(shown(histogram.sum))"
            + " z_bucket:\(shown(histogram.zeroCount)) z_bucket_w:\(shown(histogram.zeroThreshold))"
            + side("", histogram.positiveSpans, histogram.positiveBuckets)
            + side("n_", histogram.negativeSpans, histogram.negativeBuckets)
            + (histogram.customValues.isEmpty ? "" : " custom_values:\(list(histogram.customValues))")
            + " hint:\(histogram.counterResetHint)}}"
    }
}
