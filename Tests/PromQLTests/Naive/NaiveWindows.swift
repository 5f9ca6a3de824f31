import Glibc
import MetricModel
import PromQLSyntax

/// Functions of range vectors.
extension NaiveEvaluator {
    func rangeCall(_ call: Call, at time: Int64) throws -> [NaiveElement] {
        let position = call.arguments.firstIndex { $0.type == .rangeVector } ?? 0
        let argument = call.arguments[position]
        var parameters: [Double] = []
        for (index, other) in call.arguments.enumerated() where index != position {
            parameters.append(try scalar(other, at: time))
        }
        if case .matrixSelector(let matrix) = argument.unparenthesized, matrix.selector.boundary != .plain {
            return try nameless(try extendedCall(call, matrix, at: time))
        }
        let windows = try windows(argument, at: time)
        if call.function == .absentOverTime { return windows.isEmpty ? [absence(argument)] : [] }
        var result: [NaiveElement] = []
        for window in windows {
            guard let number = try value(of: call, window, parameters, placeOfNotes(call)) else { continue }
            result.append(
                NaiveElement(labels: window.series.labels, dropsName: window.series.dropsName, number: number))
        }
        let keepsName = call.function == .firstOverTime || call.function == .lastOverTime
        return keepsName ? result : try nameless(result)
    }

    /// Texts point at the first argument; at the beginning of the query where that is a subquery.
    private func placeOfNotes(_ call: Call) -> SourceRange {
        let first = call.arguments[0].unparenthesized
        if case .subquery = first { return SourceRange(0, 0) }
        return first.range
    }

    private func value(
        of call: Call, _ window: Window, _ parameters: [Double], _ range: SourceRange
    ) throws -> NaiveNumber? {
        let samples = window.series.samples
        switch call.function {
        case .countOverTime: return .float(Double(samples.count))
        case .presentOverTime: return .float(1)
        case .firstOverTime: return samples[0].number
        case .lastOverTime: return samples[samples.count - 1].number
        case .tsOfFirstOverTime: return .float(Double(samples[0].time) / 1000)
        case .tsOfLastOverTime:
            // The epoch stands for samples of the type that is not there.
            let isMixed = !window.floats.isEmpty && !window.histograms.isEmpty
            let last = samples[samples.count - 1].time
            return .float(Double(isMixed ? last : max(last, 0)) / 1000)
        case .sumOverTime, .avgOverTime: return total(call.function == .avgOverTime, window, range)
        case .rate, .increase, .delta: return rate(call.function, window, range)
        case .irate, .idelta: return instantDelta(call.function == .irate, window, range)
        case .resets, .changes: return .float(Double(changes(samples, countsResets: call.function == .resets)))
        default: break
        }
        let floats = window.floats
        if floats.isEmpty { return nil }
        if floats.count < samples.count {
            let name = LabelName.quoted(name(of: window))
            inform("ignored histograms in a range containing both floats and histograms for metric name \(name)", range)
        }
        if call.function == .quantileOverTime { judge(parameters[0], call.arguments[0].unparenthesized.range) }
        return try floatValue(call.function, floats, window.time, parameters).map { .float($0) }
    }

    func name(of window: Window) -> String { window.series.labels["__name__"] ?? "" }

    func judge(_ quantile: Double, _ range: SourceRange) {
        guard quantile.isNaN || quantile < 0 || quantile > 1 else { return }
        warn("quantile value should be between 0 and 1, got \(NaiveText.general(quantile))", range)
    }

    // MARK: - Floats

    private func floatValue(
        _ function: Function, _ floats: [(time: Int64, value: Double)], _ time: Int64, _ parameters: [Double]
    ) throws -> Double? {
        let values = floats.map(\.value)
        switch function {
        case .minOverTime: return extreme(floats) { $0 < $1 }.value
        case .maxOverTime: return extreme(floats) { $0 > $1 }.value
        case .tsOfMinOverTime: return Double(extreme(floats) { $0 <= $1 }.time) / 1000
        case .tsOfMaxOverTime: return Double(extreme(floats) { $0 >= $1 }.time) / 1000
        case .stdvarOverTime: return variance(values)
        case .stddevOverTime: return variance(values).squareRoot()
        case .quantileOverTime: return NaiveSum.quantile(parameters[0], values)
        case .madOverTime:
            if values.contains(where: \.isNaN) { return .nan }
            let median = NaiveSum.quantile(0.5, values)
            return NaiveSum.quantile(0.5, values.map { abs($0 - median) })
        case .deriv: return floats.count < 2 ? nil : line(floats, from: floats[0].time).slope
        case .predictLinear:
            if floats.count < 2 { return nil }
            let line = line(floats, from: time)
            return line.slope * parameters[0] + line.intercept
        case .doubleExponentialSmoothing: return try smoothed(values, parameters[0], parameters[1])
        default: throw NaiveFailure("unknown function \(function.rawValue)")
        }
    }

    /// The last sample that no other beats; NaN only where there is nothing else.
    private func extreme(
        _ floats: [(time: Int64, value: Double)], _ beats: (Double, Double) -> Bool
    ) -> (time: Int64, value: Double) {
        var best = floats[0]
        for sample in floats.dropFirst() where beats(sample.value, best.value) || best.value.isNaN { best = sample }
        return best
    }

    private func variance(_ values: [Double]) -> Double {
        var count = 0.0
        var mean = (sum: 0.0, rest: 0.0)
        var squares = (sum: 0.0, rest: 0.0)
        for value in values {
            count += 1
            let delta = value - (mean.sum + mean.rest)
            NaiveSum.add(delta / count, &mean.sum, &mean.rest)
            NaiveSum.add(delta * (value - (mean.sum + mean.rest)), &squares.sum, &squares.rest)
        }
        return (squares.sum + squares.rest) / count
    }

    private func line(
        _ floats: [(time: Int64, value: Double)], from origin: Int64
    ) -> (slope: Double, intercept: Double) {
        let first = floats[0].value
        if floats.allSatisfy({ $0.value == first }) { return first.isInfinite ? (.nan, .nan) : (0, first) }
        let times = floats.map { Double($0.time - origin) / 1000 }
        let values = floats.map(\.value)
        let count = Double(floats.count)
        func total(_ values: [Double]) -> Double {
            let parts = NaiveSum.parts(values)
            return parts.sum + parts.rest
        }
        let sumX = total(times)
        let sumY = total(values)
        let sumXY = total(zip(times, values).map { $0 * $1 })
        let sumXX = total(times.map { $0 * $0 })
        let slope = (sumXY - sumX * sumY / count) / (sumXX - sumX * sumX / count)
        return (slope, sumY / count - slope * sumX / count)
    }

    private func smoothed(_ values: [Double], _ smoothing: Double, _ trend: Double) throws -> Double? {
        if smoothing <= 0 || smoothing >= 1 { throw NaiveFailure("invalid smoothing factor") }
        if trend <= 0 || trend >= 1 { throw NaiveFailure("invalid trend factor") }
        guard values.count > 1 else { return nil }
        var levels = [values[0]]
        var slope = values[1] - values[0]
        for (index, value) in values.enumerated().dropFirst() {
            if index > 1 { slope = trend * (levels[index - 1] - levels[index - 2]) + (1 - trend) * slope }
            levels.append(smoothing * value + (1 - smoothing) * (levels[index - 1] + slope))
        }
        return levels.last
    }

    // MARK: - Sums

    private func total(_ takesMean: Bool, _ window: Window, _ range: SourceRange) -> NaiveNumber? {
        let floats = window.floats.map(\.value)
        let histograms = window.histograms.map(\.value)
        if histograms.isEmpty { return .float(takesMean ? NaiveSum.mean(floats) : NaiveSum.of(floats)) }
        if !floats.isEmpty {
            warn(
                "encountered a mix of histograms and floats for metric name \(LabelName.quoted(name(of: window)))",
                range)
            return nil
        }
        return sum(histograms, takesMean: takesMean, name: name(of: window), range).map { .histogram($0) }
    }

    /// The sum or mean of histograms, with what is worth telling.
    func sum(
        _ histograms: [NaiveHistogram], takesMean: Bool, name: String, _ range: SourceRange
    ) -> NaiveHistogram? {
        var result = histograms[0]
        for histogram in histograms.dropFirst() {
            guard let next = result.plus(histogram) else {
                warn(
                    "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
                        + LabelName.quoted(name), range)
                return nil
            }
            if next.reconciledBounds {
                inform("mismatched custom buckets were reconciled during aggregation", range)
            }
            result = next.histogram
        }
        if histograms.contains(where: { $0.hint == .reset }), histograms.contains(where: { $0.hint == .notReset }) {
            warn("conflicting counter resets during histogram aggregation", range)
        }
        return takesMean ? result.divided(by: Double(histograms.count)) : result
    }

    // MARK: - Changes

    func changes(_ samples: [NaiveSample], countsResets: Bool, knowsStarts: Bool = true) -> Int {
        zip(samples, samples.dropFirst()).count { before, next in
            let beginsAnew = countsResets && knowsStarts && begins(next, after: before)
            return switch (before.number, next.number) {
            case (.float(let old), .float(let new)):
                countsResets ? beginsAnew || new < old : new != old && !(new.isNaN && old.isNaN)
            case (.histogram(let old), .histogram(let new)):
                countsResets ? beginsAnew || new.isReset(after: old) : !new.isSame(as: old)
            default: true
            }
        }
    }
}
