import MetricModel

/// `rate`, `increase` and `delta` where a series has native histograms.
struct HistogramRate {
    let isCounter: Bool
    let isRate: Bool
    let usesStartTimestamps: Bool

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        let floatsOnly = ExtrapolatedRate(
            isCounter: isCounter, isRate: isRate, usesStartTimestamps: usesStartTimestamps)
        let rangeSeconds = Double(input.windows.lengthMilliseconds) / 1000
        let resets = isCounter ? CounterResets(in: input.columns.values) : CounterResets()
        for step in 0..<input.stepCount {
            let window = input.histograms(at: step)
            let floats = input.floats(at: step)
            if !window.isEmpty && !floats.isEmpty {
                notes.insert(.mixedFloatsAndHistograms)
                continue
            }
            if window.isEmpty {
                guard let value = floatsOnly.value(step, input, resets) else { continue }
                output.values[step] = value
                notes.insert(.hasFloatResult)
                continue
            }
            guard window.count > 1 else { continue }
            let samples = input.columns.histograms[window]
            guard let difference = difference(samples, &notes) else { continue }
            let rangeEnd = input.windows.times.time(at: step)
            let first = samples[window.lowerBound]
            let factor = Extrapolation(
                firstTime: first.timestamp, lastTime: samples[window.upperBound - 1].timestamp,
                rangeStart: rangeEnd - input.windows.lengthMilliseconds, rangeEnd: rangeEnd,
                intervals: window.count - 1
            ).factor(
                result: difference.count, firstValue: first.histogram.count, isCounter: isCounter,
                rateSeconds: isRate ? rangeSeconds : nil)
            output.histograms.append(StepHistogram(step: step, histogram: difference.multiplied(by: factor)))
        }
    }

    /// Last minus first, with what was counted before each reset added again; nil where the kinds do not go together.
    private func difference(_ samples: ArraySlice<HistogramSample>, _ notes: inout KernelNotes) -> NativeHistogram? {
        let histograms = samples.map(\.histogram)
        var previous = histograms[0]
        let last = histograms[histograms.count - 1]
        if isCounter {
            if histograms.contains(where: { $0.counterResetHint == .gauge }) { notes.insert(.histogramIsNotCounter) }
            if histograms[1].isReset(after: previous) {
                // The first sample does not count, so that its layout must not matter.
                previous = NativeHistogram(
                    schema: histograms[1].schema, zeroThreshold: histograms[1].zeroThreshold,
                    customValues: histograms[1].customValues)
            }
            let isMixed = histograms.dropFirst().contains { $0.usesCustomBuckets != previous.usesCustomBuckets }
            if isMixed {
                notes.insert(.mixedExponentialAndCustom)
                return nil
            }
        } else if histograms[0].counterResetHint != .gauge || last.counterResetHint != .gauge {
            notes.insert(.histogramIsNotGauge)
        }
        var accumulator = HistogramAccumulator(last)
        guard let outcome = accumulator.add(previous, factor: -1) else {
            notes.insert(.mixedExponentialAndCustom)
            return nil
        }
        if outcome.reconciledBounds { notes.insert(.reconciledCustomBucketsInSubtraction) }
        if isCounter {
            for histogram in histograms.dropFirst() {
                if histogram.isReset(after: previous) {
                    let added = accumulator.add(previous)
                    if added?.reconciledBounds ?? false { notes.insert(.reconciledCustomBucketsInAddition) }
                }
                previous = histogram
            }
        }
        var result = accumulator.result
        result.counterResetHint = .gauge
        return result
    }
}

/// `irate` and `idelta` where a series has native histograms.
struct HistogramInstantDelta {
    let isRate: Bool

    private typealias Sample = (timestamp: Int64, value: Double, histogram: NativeHistogram?)

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        for step in 0..<input.stepCount {
            guard let (before, last) = lastTwo(input, step) else { continue }
            switch (before.histogram, last.histogram) {
            case (nil, nil):
                output.values[step] = InstantDelta.value(
                    last: last.value, before: before.value, milliseconds: last.timestamp - before.timestamp,
                    isRate: isRate)
            case (let old?, let new?):
                guard last.timestamp != before.timestamp, var result = difference(old, new, &notes) else { continue }
                if isRate { result = result.divided(by: Double(last.timestamp - before.timestamp) / 1000) }
                output.histograms.append(StepHistogram(step: step, histogram: result))
            default: notes.insert(.mixedFloatsAndHistograms)
            }
        }
    }

    private func difference(
        _ old: NativeHistogram, _ new: NativeHistogram, _ notes: inout KernelNotes
    ) -> NativeHistogram? {
        let hints = [old.counterResetHint, new.counterResetHint]
        if isRate, hints.contains(.gauge) { notes.insert(.histogramIsNotCounter) }
        if !isRate, hints.contains(where: { $0 != .gauge }) { notes.insert(.histogramIsNotGauge) }
        var result = new
        if !isRate || !new.isReset(after: old) {
            guard let outcome = result.add(old, negated: true) else {
                notes.insert(.mixedExponentialAndCustom)
                return nil
            }
            if outcome.reconciledBounds { notes.insert(.reconciledCustomBucketsInSubtraction) }
        }
        result.counterResetHint = .gauge
        return result.compacted()
    }

    /// The two newest samples of the window, of whichever type.
    private func lastTwo(_ input: RangeInput, _ step: Int) -> (Sample, Sample)? {
        let columns = input.columns
        var newest: [Sample] = []
        for index in input.floats(at: step).suffix(2) {
            newest.append((columns.timestamp(at: index), columns.values[index], nil))
        }
        for index in input.histograms(at: step).suffix(2) {
            newest.append((columns.histograms[index].timestamp, 0, columns.histograms[index].histogram))
        }
        guard newest.count > 1 else { return nil }
        newest.sort { $0.timestamp < $1.timestamp }
        return (newest[newest.count - 2], newest[newest.count - 1])
    }
}
