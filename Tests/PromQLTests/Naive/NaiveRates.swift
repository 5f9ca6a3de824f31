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
        let samples = window.series.samples
        let beganAt = isCounter ? start(inside: window) : nil
        guard samples.count > 1 || beganAt != nil else { return nil }
        if !floats.isEmpty {
            var difference = floats[floats.count - 1].value - floats[0].value
            if isCounter {
                for (old, new) in zip(samples, samples.dropFirst()) {
                    guard let before = old.number.float, let after = new.number.float else { continue }
                    if after < before || begins(new, after: old) { difference += before }
                }
                judgeStarts(window, range)
            }
            // Between its start and the first sample a counter went from nothing to the first value.
            if beganAt != nil { difference += floats[0].value }
            let factor = extrapolation(
                floats.map(\.time), window, result: difference, first: floats[0].value, isCounter: isCounter,
                beganAt: beganAt)
            judgeName(function, name(of: window), range)
            return .float(difference * (factor / seconds))
        }
        guard let difference = histogramDifference(window, isCounter: isCounter, beganAt != nil, range) else {
            return nil
        }
        let factor = extrapolation(
            histograms.map(\.time), window, result: difference.count, first: histograms[0].value.count,
            isCounter: isCounter, beganAt: beganAt)
        return .histogram(difference.compacted.multiplied(by: factor / seconds))
    }

    /// What histograms grew by, from their start if that is inside the window.
    private func histogramDifference(
        _ window: Window, isCounter: Bool, _ hasBegun: Bool, _ range: SourceRange
    ) -> NaiveHistogram? {
        let first = window.histograms[0].value
        guard window.series.samples.count > 1 else { return first }
        guard let grown = difference(window, isCounter: isCounter, name(of: window), range) else { return nil }
        guard hasBegun else { return grown }
        guard let whole = grown.plus(first) else {
            warn(
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
                    + LabelName.quoted(name(of: window)), range)
            return nil
        }
        if whole.reconciledBounds { inform("mismatched custom buckets were reconciled during addition", range) }
        return whole.histogram
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
        _ times: [Int64], _ window: Window, result: Double, first: Double, isCounter: Bool, beganAt: Int64?
    ) -> Double {
        var sampled = Double(times[times.count - 1] - times[0]) / 1000
        let average = times.count > 1 ? sampled / Double(times.count - 1) : 0
        var left = Double(times[0] - window.start) / 1000
        var right = Double(window.end - times[times.count - 1]) / 1000
        if left >= average * 1.1 { left = average / 2 }
        if isCounter, beganAt == nil, result > 0, first >= 0 { left = min(left, sampled * (first / result)) }
        if right >= average * 1.1 { right = average / 2 }
        if let beganAt {
            sampled = Double(times[times.count - 1] - beganAt) / 1000
            left = 0
        }
        return (sampled + left + right) / sampled
    }

    /// Last minus first of histograms, with what resets took away.
    private func difference(
        _ window: Window, isCounter: Bool, _ name: String, _ range: SourceRange
    ) -> NaiveHistogram? {
        let histograms = window.histograms.map(\.value)
        let samples = window.series.samples
        var counted = histograms
        if isCounter, begins(samples[1], after: samples[0]) || histograms[1].isReset(after: histograms[0]) {
            // What came before the reset only sets the layout; it must not.
            counted[0] = NaiveHistogram()
            counted[0].schema = histograms[1].schema
            counted[0].bounds = histograms[1].bounds
        }
        let looked = isCounter ? counted : [counted[0], counted[counted.count - 1]]
        guard looked.allSatisfy({ $0.isCustom == looked[0].isCustom }) else {
            let (first, last) = (histograms[0], histograms[histograms.count - 1])
            let endsDiffer = looked[0].isCustom != last.isCustom
            if isCounter, endsDiffer, first.hint == .gauge || last.hint == .gauge {
                warn("this native histogram metric is not a counter: \(LabelName.quoted(name))", range)
            }
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
        guard var last = counted.last else { return nil }
        if !last.isCustom {
            let coarsest = looked.map(\.schema).min() ?? last.schema
            if coarsest < last.schema { last = last.reduced(to: coarsest) }
        }
        guard var sum = last.plus(counted[0], factor: -1) else { return nil }
        if sum.reconciledBounds { inform("mismatched custom buckets were reconciled during subtraction", range) }
        if isCounter {
            judgeStarts(window, range)
            for index in 1..<counted.count {
                let old = counted[index - 1]
                guard begins(samples[index], after: samples[index - 1]) || counted[index].isReset(after: old) else {
                    continue
                }
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
            let isReset = new < old || begins(last, after: before)
            return .float((isRate && isReset ? new : new - old) / seconds)
        case (.histogram(let old), .histogram(let new)):
            let hints = [old.hint, new.hint]
            if isRate, hints.contains(.gauge) {
                warn("this native histogram metric is not a counter: \(metric)", range)
            }
            if !isRate, hints.contains(where: { $0 != .gauge }) {
                warn("this native histogram metric is not a gauge: \(metric)", range)
            }
            var result = new
            if !isRate || !(begins(last, after: before) || new.isReset(after: old)) {
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
}
