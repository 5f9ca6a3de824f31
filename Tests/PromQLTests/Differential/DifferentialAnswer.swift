import MetricModel
import PromQL

/// An answer in a form that both evaluators can be brought to: numbers by labels and time.
struct DifferentialAnswer {
    var points: [[String: String]: [Int64: NaiveNumber]] = [:]
    var notes: Set<String> = []
    /// The labels of the elements of an instant query as they came.
    var order: [[String: String]] = []

    init() {}

    init(_ result: QueryResult) {
        notes = Self.compared(result.warnings + result.infos)
        switch result.value {
        case .scalar(let timestamp, let value): points = [[:]: [timestamp.milliseconds: .float(value)]]
        case .string: break
        case .vector(let elements):
            for element in elements {
                let number = element.histogram.map { NaiveNumber.histogram(NaiveHistogram($0)) }
                points[Self.labels(element.labels), default: [:]][element.timestamp.milliseconds] =
                    number ?? .float(element.value)
                order.append(Self.labels(element.labels))
            }
        case .matrix(let series):
            for next in series {
                var column: [Int64: NaiveNumber] = [:]
                for (time, value) in zip(next.timestamps, next.values) { column[time] = .float(value) }
                for sample in next.histograms {
                    column[sample.timestamp] = .histogram(NaiveHistogram(sample.histogram))
                }
                points[Self.labels(next.labels)] = column
            }
        }
    }

    mutating func add(_ value: NaiveValue, at time: Int64) {
        switch value {
        case .scalar(let number): points[[:], default: [:]][time] = .float(number)
        case .string: break
        case .vector(let elements):
            for element in elements { points[element.labels, default: [:]][time] = element.number }
            order = elements.map(\.labels)
        }
    }

    private static func labels(_ labels: LabelSet) -> [String: String] {
        Dictionary(labels.pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// A text is told once, of however many places: the naive evaluator knows them all.
    private static func withoutPosition(_ note: String) -> Substring {
        note.lastIndex(of: "(").map { note[..<$0] } ?? note[...]
    }

    /// Whether sorting is from one time to another depends on what is evaluated once: not the naive evaluator's business.
    static func compared(_ notes: some Sequence<String>) -> Set<String> {
        Set(notes.filter { !$0.contains("sort is ineffective") }.map(withoutDetails))
    }

    /// The texts that sum up all steps of a query are compared by their beginning alone, and so are those that only the last of
    /// several pairs of elements tells: which is the last depends on the order of series.
    private static func withoutDetails(_ note: String) -> String {
        for beginning in [
            "PromQL info: incompatible sample types encountered for binary operator",
            "PromQL info: input to histogram_quantile needed to be fixed",
            "PromQL warning: quantile value should be between 0 and 1",
            "PromQL warning: sample has start time that overlaps",
            "PromQL warning: ratio value should be between -1 and 1",
        ] where note.hasPrefix(beginning) { return beginning }
        return note
    }

    /// Leaves out which element it was that does not go together with those before it.
    mutating func forgetNamesOfMixes() {
        let beginning = "PromQL warning: vector contains a mix of histograms"
        notes = Set(notes.map { $0.hasPrefix(beginning) ? beginning : $0 })
    }

    /// The same with what a name says left out; nil where two points would become one.
    func withoutNames() -> DifferentialAnswer? {
        var result = self
        result.points = [:]
        for (labels, column) in points {
            let nameless = labels.filter { !NaiveElement.metadata.contains($0.key) }
            let known = result.points[nameless] ?? [:]
            guard known.keys.allSatisfy({ column[$0] == nil }) else { return nil }
            result.points[nameless] = known.merging(column) { first, _ in first }
        }
        return result
    }

    // MARK: - Comparison

    /// Where two answers differ, nil where they agree.
    func difference(from other: DifferentialAnswer, choosesElements: Bool) -> String? {
        if Set(notes.map(Self.withoutPosition)) != Set(other.notes.map(Self.withoutPosition))
            || !notes.isSubset(of: other.notes)
        {
            return "annotations: engine only \(notes.subtracting(other.notes).sorted()), naive only "
                + "\(other.notes.subtracting(notes).sorted())"
        }
        if choosesElements { return differenceOfChoice(from: other) }
        for (labels, column) in other.points where points[labels] == nil { return "missing \(labels): \(column)" }
        for (labels, column) in points {
            guard let wanted = other.points[labels] else { return "unexpected \(labels): \(column)" }
            for (time, number) in column where wanted[time] == nil { return "\(labels) has \(number) at \(time)" }
            for (time, number) in wanted {
                guard let actual = column[time] else { return "\(labels) has nothing at \(time), not \(number)" }
                if !Self.agree(actual, number) { return "\(labels) at \(time): \(actual), not \(number)" }
            }
        }
        return nil
    }

    /// Where the elements of two answers come in another order; nil where they come in the same, or are too many.
    func differenceOfOrder(from other: DifferentialAnswer) -> String? {
        if order == other.order || order.count > NaiveEvaluator.sortedCountLimit { return nil }
        return "in the order \(order)\n  not \(other.order)"
    }

    /// Among equals either may be chosen: only how many there are and their values have to agree.
    private func differenceOfChoice(from other: DifferentialAnswer) -> String? {
        func values(_ answer: DifferentialAnswer) -> [Int64: Int] {
            answer.points.values.reduce(into: [:]) { counts, column in
                for time in column.keys { counts[time, default: 0] += 1 }
            }
        }
        return values(self) == values(other) ? nil : "chose \(values(self)), not \(values(other))"
    }

    static func agree(_ left: NaiveNumber, _ right: NaiveNumber) -> Bool {
        switch (left, right) {
        case (.float(let left), .float(let right)): near(left, right)
        case (.histogram(let left), .histogram(let right)):
            left.schema == right.schema && left.hint == right.hint && left.bounds == right.bounds
                && near(left.zeroThreshold, right.zeroThreshold) && near(left.zeroCount, right.zeroCount)
                && near(left.count, right.count) && near(left.sum, right.sum)
                && near(left.positive, right.positive) && near(left.negative, right.negative)
        default: false
        }
    }

    private static func near(_ left: [Int: Double], _ right: [Int: Double]) -> Bool {
        Set(left.keys).union(right.keys).allSatisfy { near(left[$0] ?? 0, right[$0] ?? 0) }
    }

    private static func near(_ left: Double, _ right: Double) -> Bool {
        if left == right || left.isNaN && right.isNaN { return true }
        if left.isInfinite || right.isInfinite || left.isNaN || right.isNaN { return false }
        return abs(left - right) <= 1e-9 * max(abs(left), abs(right), 1e-3)
    }
}
