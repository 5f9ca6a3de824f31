import MetricModel

/// A sample as the naive evaluator sees it: a float or a histogram, nothing packed.
enum NaiveNumber {
    case float(Double)
    case histogram(NaiveHistogram)

    var float: Double? { if case .float(let value) = self { value } else { nil } }
    var histogram: NaiveHistogram? { if case .histogram(let value) = self { value } else { nil } }
}

struct NaiveSample {
    var time: Int64
    var number: NaiveNumber
    /// When what is counted began; 0 where the sample does not say.
    var start: Int64

    init(time: Int64, _ number: NaiveNumber, start: Int64 = 0) {
        self.time = time
        self.start = start
        self.number = number
    }

    var isStale: Bool {
        switch number {
        case .float(let value): SpecialValue.isStale(value)
        case .histogram(let histogram): SpecialValue.isStale(histogram.sum)
        }
    }
}

struct NaiveSeries {
    var labels: [String: String]
    var dropsName = false
    var samples: [NaiveSample]
}

/// One element of an instant vector.
struct NaiveElement {
    var labels: [String: String]
    var dropsName = false
    var number: NaiveNumber

    /// Without name, type and unit.
    var namelessLabels: [String: String] { labels.filter { !Self.metadata.contains($0.key) } }

    static let metadata: Set<String> = ["__name__", "__type__", "__unit__"]
}

enum NaiveValue {
    case scalar(Double)
    case string(String)
    case vector([NaiveElement])
}

/// Why the naive evaluator has no answer.
struct NaiveFailure: Error, Equatable {
    var message: String
    /// The query has no other fault, so that the engine has to say the same.
    var isOnlyOne = false

    init(_ message: String, isOnlyOne: Bool = false) {
        self.message = message
        self.isOnlyOne = isOnlyOne
    }

    /// A float and a histogram at one time in one series.
    static let kindsMeet = NaiveFailure("a float and a histogram meet")
    /// It would have an answer, minutes later.
    static let takesTooLong = NaiveFailure("too many points of subqueries")
    static let sameLabels = NaiveFailure("vector cannot contain metrics with the same labelset")
}

/// Sums as the reference asks for them: compensated after Neumaier, the compensation given up at infinity.
enum NaiveSum {
    static func of(_ values: [Double]) -> Double {
        let (sum, rest) = parts(values)
        return sum.isInfinite ? sum : sum + rest
    }

    static func parts(_ values: [Double]) -> (sum: Double, rest: Double) {
        var sum = 0.0
        var rest = 0.0
        for value in values { add(value, &sum, &rest) }
        return (sum, rest)
    }

    static func add(_ value: Double, _ sum: inout Double, _ rest: inout Double) {
        let total = sum + value
        if total.isInfinite {
            rest = 0
        } else if abs(sum) >= abs(value) {
            rest += (sum - total) + value
        } else {
            rest += (value - total) + sum
        }
        sum = total
    }

    /// A mean: the sum by the number, unless the sum leaves the range of numbers.
    static func mean(_ values: [Double]) -> Double {
        var sum = values[0]
        var rest = 0.0
        var isIncremental = false
        var mean = 0.0
        for (index, value) in values.enumerated().dropFirst() {
            let count = Double(index + 1)
            if !isIncremental {
                var nextSum = sum
                var nextRest = rest
                add(value, &nextSum, &nextRest)
                if !nextSum.isInfinite {
                    (sum, rest) = (nextSum, nextRest)
                    continue
                }
                isIncremental = true
                mean = sum / (count - 1)
                rest /= count - 1
            }
            let share = (count - 1) / count
            mean *= share
            rest *= share
            add(value / count, &mean, &rest)
        }
        if isIncremental { return mean + rest }
        return sum / Double(values.count) + rest / Double(values.count)
    }

    static func quantile(_ quantile: Double, _ values: [Double]) -> Double {
        if values.isEmpty || quantile.isNaN { return .nan }
        if quantile < 0 { return -.infinity }
        if quantile > 1 { return .infinity }
        let sorted = values.sorted { $0 < $1 || ($0.isNaN && !$1.isNaN) }
        let rank = quantile * Double(sorted.count - 1)
        let lower = Int(rank.rounded(.down))
        let upper = min(sorted.count - 1, lower + 1)
        let weight = rank - rank.rounded(.down)
        return sorted[lower] * (1 - weight) + sorted[upper] * weight
    }
}
