import MetricModel
import PromQLSyntax

/// Anchored and smoothed selectors.
extension NaiveEvaluator {
    /// A sample with its time, a float or a histogram.
    private typealias Point<Value> = (time: Int64, value: Value)

    private static func mix(_ name: String) -> String {
        "encountered a mix of histograms and floats for metric name \(LabelName.quoted(name))"
    }

    /// A function over windows whose edges have values of their own.
    func extendedCall(_ call: Call, _ matrix: MatrixSelector, at time: Int64) throws -> [NaiveElement] {
        let right = try reference(time, matrix.selector.at, matrix.selector.offset)
        let left = right - (try milliseconds(matrix.window, mustBePositive: true))
        let isSmoothed = matrix.selector.boundary == .smoothed
        let oldest = left - settings.lookback
        let newest = isSmoothed ? right + settings.lookback : right
        var result: [NaiveElement] = []
        let first = try reference(start, matrix.selector.at, matrix.selector.offset) - (right - oldest)
        for candidate in selected(matrix.selector) {
            var wide = candidate
            wide.samples = read(candidate.samples, since: first).filter {
                $0.time > oldest && $0.time <= newest && !$0.isStale
            }
            let window = Window(series: wide, start: left, end: right, time: time)
            guard let number = extended(call.function, window, isSmoothed, matrix.range) else { continue }
            result.append(NaiveElement(labels: candidate.labels, number: number))
        }
        return result
    }

    private func extended(
        _ function: Function, _ window: Window, _ isSmoothed: Bool, _ range: SourceRange
    ) -> NaiveNumber? {
        if function == .resets || function == .changes {
            let samples = window.series.samples
            let inside = samples.filter { $0.time > window.start }
            guard !inside.isEmpty else { return nil }
            let anchor = samples.last { $0.time <= window.start }
            let counted = (anchor.map { [$0] } ?? []) + inside
            // Starts count in plain windows alone.
            return .float(Double(changes(counted, countsResets: function == .resets, knowsStarts: false)))
        }
        let floats = window.floats
        let histograms = window.histograms
        if !floats.isEmpty && !histograms.isEmpty {
            warn(Self.mix(name(of: window)), range)
            return nil
        }
        let isCounter = function != .delta
        let seconds = function == .rate ? Double(window.end - window.start) / 1000 : 1
        if !floats.isEmpty {
            guard
                let points = isSmoothed
                    ? smoothedPoints(floats, window, isCounter) : anchoredPoints(floats, window.start)
            else { return nil }
            var difference = points[points.count - 1] - points[0]
            if isCounter {
                difference += zip(points, points.dropFirst()).reduce(0) { $1.1 < $1.0 ? $0 + $1.0 : $0 }
            }
            judgeName(function, name(of: window), range)
            return .float(difference / seconds)
        }
        guard !histograms.isEmpty, let difference = growth(window, isSmoothed, isCounter, range) else { return nil }
        return .histogram(function == .rate ? difference.divided(by: seconds) : difference)
    }

    // MARK: - Floats

    private func anchoredPoints(_ floats: [Point<Double>], _ left: Int64) -> [Double]? {
        let inside = floats.filter { $0.time > left }.map(\.value)
        guard !inside.isEmpty else { return nil }
        return (floats.last { $0.time <= left }.map { [$0.value] } ?? []) + inside
    }

    private func smoothedPoints(_ floats: [Point<Double>], _ window: Window, _ isCounter: Bool) -> [Double]? {
        guard let last = floats.last, last.time > window.start, floats[0].time <= window.end else { return nil }
        func value(at time: Int64) -> Double {
            if let exact = floats.first(where: { $0.time == time }) { return exact.value }
            guard let before = floats.last(where: { $0.time < time }) else { return floats[0].value }
            guard let after = floats.first(where: { $0.time > time }) else { return before.value }
            let from = isCounter && after.value < before.value ? 0 : before.value
            return from + (after.value - from) * Double(time - before.time) / Double(after.time - before.time)
        }
        return [value(at: window.start)]
            + floats.filter { $0.time > window.start && $0.time < window.end }.map(\.value)
            + [value(at: window.end)]
    }

    // MARK: - Histograms

    /// The growth between the edges, with what resets between them took away.
    private func growth(
        _ window: Window, _ isSmoothed: Bool, _ isCounter: Bool, _ range: SourceRange
    ) -> NaiveHistogram? {
        let all = window.histograms
        let from = all.lastIndex { $0.time <= window.start } ?? 0
        let to = isSmoothed ? all.firstIndex { $0.time >= window.end } ?? all.count - 1 : all.count - 1
        guard from <= to, all[to].time > window.start, !isSmoothed || all[from].time <= window.end else { return nil }
        let used = Array(all[from...to])
        guard used.allSatisfy({ $0.value.isCustom == used[0].value.isCustom }) else {
            return refuseMix(name(of: window), range)
        }
        if isCounter, used.contains(where: { $0.value.hint == .gauge }) {
            warn("this native histogram metric is not a counter: \(LabelName.quoted(name(of: window)))", range)
        }
        let last = used.count - 1
        let cutsLeft = isSmoothed && used[0].time < window.start && last > 0
        let cutsRight = isSmoothed && used[last].time > window.end && to > 0
        guard
            let left = cutsLeft
                ? between(used[0], used[1], at: window.start, isCounter, range) : used[0].value,
            let right = cutsRight
                ? between(all[to - 1], used[last], at: window.end, isCounter, range) : used[last].value
        else { return refuseMix(name(of: window), range) }
        if !isCounter, left.hint != .gauge || right.hint != .gauge {
            warn("this native histogram metric is not a gauge: \(LabelName.quoted(name(of: window)))", range)
        }
        guard var sum = plus(right, left, factor: -1, range) else { return refuseMix(name(of: window), range) }
        if isCounter {
            let chain = chain(used, left, right, cutsLeft)
            var lost: NaiveHistogram?
            for (old, new) in zip(chain, chain.dropFirst()) where new.isReset(after: old) {
                guard let total = lost else {
                    lost = old
                    continue
                }
                guard let next = plus(total, old, factor: 1, range) else { return refuseMix(name(of: window), range) }
                lost = next
            }
            if let lost {
                guard let next = plus(sum, lost, factor: 1, range) else { return refuseMix(name(of: window), range) }
                sum = next
            }
        }
        sum.hint = .gauge
        return sum.compacted
    }

    /// The histograms between which a reset takes something away.
    private func chain(
        _ used: [Point<NaiveHistogram>], _ left: NaiveHistogram, _ right: NaiveHistogram, _ cutsLeft: Bool
    ) -> [NaiveHistogram] {
        let last = used.count - 1
        // A reset that the left edge was cut from is in its value already.
        let isInLeft = last > 0 && cutsLeft && used[1].value.isReset(after: used[0].value)
        if last == 0 || (isInLeft && last == 1) { return [] }
        return [isInLeft ? used[1].value : left] + used[(isInLeft ? 2 : 1)..<last].map(\.value) + [right]
    }

    private func refuseMix(_ name: String, _ range: SourceRange) -> NaiveHistogram? {
        warn(
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
                + LabelName.quoted(name), range)
        return nil
    }

    private func plus(
        _ left: NaiveHistogram, _ right: NaiveHistogram, factor: Double, _ range: SourceRange
    ) -> NaiveHistogram? {
        guard let sum = left.plus(right, factor: factor) else { return nil }
        if sum.reconciledBounds {
            inform("mismatched custom buckets were reconciled during \(factor < 0 ? "subtraction" : "addition")", range)
        }
        return sum.histogram
    }

    /// On the line between two histograms; a counter that was reset between them began at nothing.
    private func between(
        _ before: Point<NaiveHistogram>, _ after: Point<NaiveHistogram>, at time: Int64, _ isCounter: Bool,
        _ range: SourceRange
    ) -> NaiveHistogram? {
        if time == before.time { return before.value }
        if time == after.time { return after.value }
        guard before.value.isCustom == after.value.isCustom else { return nil }
        let part = Double(time - before.time) / Double(after.time - before.time)
        if isCounter, after.value.isReset(after: before.value) { return after.value.multiplied(by: part) }
        guard let difference = plus(after.value, before.value, factor: -1, range) else { return nil }
        return plus(difference.multiplied(by: part), before.value, factor: 1, range)
    }

    // MARK: - Instants

    /// Between the neighbours on both sides a line; behind the last the last.
    func smoothedInstant(_ selector: VectorSelector, at time: Int64) throws -> [NaiveElement] {
        let moment = try reference(time, selector.at, selector.offset)
        var result: [NaiveElement] = []
        let first = try reference(start, selector.at, selector.offset) - settings.lookback
        for candidate in selected(selector) {
            var wide = candidate
            wide.samples = read(candidate.samples, since: first).filter {
                $0.time > moment - settings.lookback && $0.time <= moment + settings.lookback && !$0.isStale
            }
            let window = Window(series: wide, start: moment, end: moment, time: time)
            guard let number = smoothed(window, at: moment, selector.range) else { continue }
            result.append(NaiveElement(labels: candidate.labels, number: number))
        }
        return result
    }

    private func smoothed(_ window: Window, at moment: Int64, _ range: SourceRange) -> NaiveNumber? {
        let floats = window.floats
        let histograms = window.histograms
        if !floats.isEmpty && !histograms.isEmpty {
            warn(Self.mix(name(of: window)), range)
            return nil
        }
        if let before = floats.last(where: { $0.time <= moment }) {
            guard before.time < moment, let after = floats.first(where: { $0.time > moment }) else {
                return .float(before.value)
            }
            let rise = (after.value - before.value) * Double(moment - before.time)
            return .float(before.value + rise / Double(after.time - before.time))
        }
        guard let before = histograms.last(where: { $0.time <= moment }) else { return nil }
        guard before.time < moment, let after = histograms.first(where: { $0.time > moment }) else {
            var value = before.value.compacted
            if before.time < moment { value.hint = .unknown }
            return .histogram(value)
        }
        let areGauges = before.value.hint == .gauge && after.value.hint == .gauge
        guard let value = between(before, after, at: moment, !areGauges, range) else {
            return refuseMix(name(of: window), range).map { .histogram($0) }
        }
        return .histogram(value.compacted)
    }
}
