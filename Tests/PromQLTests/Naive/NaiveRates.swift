import MetricModel
import PromQLSyntax

/// `rate` and its relatives.
extension NaiveEvaluator {
    func rate(_ function: Function, _ window: Window, _ range: SourceRange) -> NaiveNumber? {
        let isCounter = function != .delta
        let floats = window.floats
        let histograms = window.histograms
        if !floats.isEmpty && !histograms.isEmpty {
            warn(
                "encountered a mix of histograms and floats for metric name \(LabelName.quoted(name(of: window)))",
                range)
            return nil
        }
        let seconds = function == .rate ? Double(window.end - window.start) / 1000 : 1
        if !floats.isEmpty {
            guard floats.count > 1 else { return nil }
            var difference = floats[floats.count - 1].value - floats[0].value
            if isCounter {
                for (old, new) in zip(floats, floats.dropFirst()) where new.value < old.value {
                    difference += old.value
                }
            }
            let factor = extrapolation(
                floats.map(\.time), window, result: difference, first: floats[0].value, isCounter: isCounter)
            judgeName(function, name(of: window), range)
            return .float(difference * (factor / seconds))
        }
        guard histograms.count > 1,
            let difference = difference(histograms.map(\.value), isCounter: isCounter, name(of: window), range)
        else { return nil }
        let factor = extrapolation(
            histograms.map(\.time), window, result: difference.count, first: histograms[0].value.count,
            isCounter: isCounter)
        return .histogram(difference.compacted.multiplied(by: factor / seconds))
    }

    func judgeName(_ function: Function, _ name: String, _ range: SourceRange) {
        guard function == .rate || function == .increase, !name.isEmpty else { return }
        if ["_total", "_sum", "_count", "_bucket"].contains(where: name.hasSuffix) { return }
        inform(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \(LabelName.quoted(name))",
            range)
    }

    /// How much longer than its samples the window is taken to be.
    private func extrapolation(
        _ times: [Int64], _ window: Window, result: Double, first: Double, isCounter: Bool
    ) -> Double {
        let sampled = Double(times[times.count - 1] - times[0]) / 1000
        let average = sampled / Double(times.count - 1)
        var left = Double(times[0] - window.start) / 1000
        var right = Double(window.end - times[times.count - 1]) / 1000
        if left >= average * 1.1 { left = average / 2 }
        if isCounter, result > 0, first >= 0 { left = min(left, sampled * (first / result)) }
        if right >= average * 1.1 { right = average / 2 }
        return (sampled + left + right) / sampled
    }

    /// Last minus first of histograms, with what resets took away.
    private func difference(
        _ histograms: [NaiveHistogram], isCounter: Bool, _ name: String, _ range: SourceRange
    ) -> NaiveHistogram? {
        var counted = histograms
        if isCounter, histograms[1].isReset(after: histograms[0]) {
            // What came before the reset only sets the layout; it must not.
            counted[0] = NaiveHistogram()
            counted[0].schema = histograms[1].schema
            counted[0].bounds = histograms[1].bounds
        }
        let looked = isCounter ? counted : [counted[0], counted[counted.count - 1]]
        guard looked.allSatisfy({ $0.isCustom == looked[0].isCustom }) else {
            warn(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
                    + LabelName.quoted(name), range)
            return nil
        }
        if isCounter, histograms.contains(where: { $0.hint == .gauge }) {
            warn("this native histogram metric is not a counter: \(LabelName.quoted(name))", range)
        }
        if !isCounter, looked.contains(where: { $0.hint != .gauge }) {
            warn("this native histogram metric is not a gauge: \(LabelName.quoted(name))", range)
        }
        guard let last = counted.last, var sum = last.plus(counted[0], factor: -1) else { return nil }
        if sum.reconciledBounds { inform("mismatched custom buckets were reconciled during subtraction", range) }
        if isCounter {
            for (old, new) in zip(counted, counted.dropFirst()) where new.isReset(after: old) {
                guard let next = sum.histogram.plus(old) else { return nil }
                if next.reconciledBounds { inform("mismatched custom buckets were reconciled during addition", range) }
                sum = next
            }
        }
        sum.histogram.hint = .gauge
        return sum.histogram
    }

    // MARK: - The last two samples

    func instantDelta(_ isRate: Bool, _ window: Window, _ range: SourceRange) -> NaiveNumber? {
        let samples = window.series.samples
        guard samples.count > 1 else { return nil }
        let (before, last) = (samples[samples.count - 2], samples[samples.count - 1])
        let seconds = isRate ? Double(last.time - before.time) / 1000 : 1
        let metric = LabelName.quoted(name(of: window))
        switch (before.number, last.number) {
        case (.float(let old), .float(let new)):
            return .float((isRate && new < old ? new : new - old) / seconds)
        case (.histogram(let old), .histogram(let new)):
            let hints = [old.hint, new.hint]
            if isRate, hints.contains(.gauge) {
                warn("this native histogram metric is not a counter: \(metric)", range)
            }
            if !isRate, hints.contains(where: { $0 != .gauge }) {
                warn("this native histogram metric is not a gauge: \(metric)", range)
            }
            var result = new
            if !isRate || !new.isReset(after: old) {
                guard let difference = new.plus(old, factor: -1) else {
                    warn(
                        "vector contains a mix of histograms with exponential and custom buckets schemas for metric "
                            + "name \(metric)", range)
                    return nil
                }
                if difference.reconciledBounds {
                    inform("mismatched custom buckets were reconciled during subtraction", range)
                }
                result = difference.histogram
            }
            result.hint = .gauge
            result = result.compacted
            return .histogram(isRate ? result.divided(by: seconds) : result)
        default:
            warn("encountered a mix of histograms and floats for metric name \(metric)", range)
            return nil
        }
    }

    // MARK: - Anchored and smoothed

    /// Anchored and smoothed windows over floats.
    func extendedCall(_ call: Call, _ matrix: MatrixSelector, at time: Int64) throws -> [NaiveElement] {
        let right = try reference(time, matrix.selector.at, matrix.selector.offset)
        let left = right - (try milliseconds(matrix.window))
        let isSmoothed = matrix.selector.boundary == .smoothed
        let oldest = left - settings.lookback
        let newest = isSmoothed ? right + settings.lookback : right
        var result: [NaiveElement] = []
        for candidate in selected(matrix.selector) {
            let samples = candidate.samples.filter { $0.time > oldest && $0.time <= newest && !$0.isStale }
            let floats = samples.compactMap { sample in sample.number.float.map { (time: sample.time, value: $0) } }
            guard !floats.isEmpty else { continue }
            let isCounter = call.function != .delta
            guard
                let points = isSmoothed
                    ? smoothedPoints(floats, left, right, isCounter) : anchoredPoints(floats, left)
            else { continue }
            let value: Double
            switch call.function {
            case .resets: value = Double(zip(points, points.dropFirst()).count { $1 < $0 })
            case .changes: value = Double(zip(points, points.dropFirst()).count { $1 != $0 && !($0.isNaN && $1.isNaN) })
            default:
                var difference = points[points.count - 1] - points[0]
                if isCounter {
                    var lost = 0.0
                    for (old, new) in zip(points, points.dropFirst()) where new < old { lost += old }
                    difference += lost
                }
                judgeName(call.function, candidate.labels["__name__"] ?? "", matrix.range)
                value = call.function == .rate ? difference / (Double(right - left) / 1000) : difference
            }
            result.append(NaiveElement(labels: candidate.labels, number: .float(value)))
        }
        return result
    }

    private func anchoredPoints(_ floats: [(time: Int64, value: Double)], _ left: Int64) -> [Double]? {
        let inside = floats.filter { $0.time > left }.map(\.value)
        guard !inside.isEmpty else { return nil }
        return (floats.last { $0.time <= left }.map { [$0.value] } ?? []) + inside
    }

    private func smoothedPoints(
        _ floats: [(time: Int64, value: Double)], _ left: Int64, _ right: Int64, _ isCounter: Bool
    ) -> [Double]? {
        guard let last = floats.last, last.time > left, floats[0].time <= right else { return nil }
        func value(at time: Int64) -> Double {
            if let exact = floats.first(where: { $0.time == time }) { return exact.value }
            guard let before = floats.last(where: { $0.time < time }) else { return floats[0].value }
            guard let after = floats.first(where: { $0.time > time }) else { return before.value }
            let from = isCounter && after.value < before.value ? 0 : before.value
            return from + (after.value - from) * Double(time - before.time) / Double(after.time - before.time)
        }
        return [value(at: left)] + floats.filter { $0.time > left && $0.time < right }.map(\.value)
            + [value(at: right)]
    }
}
