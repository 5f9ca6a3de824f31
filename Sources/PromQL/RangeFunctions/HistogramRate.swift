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
        let resets = isCounter ? CounterResets.find(in: input.columns) : CounterResets()
        let neighbours = HistogramNeighbours(
            input.columns.histograms, findsResets: isCounter, usesStartTimestamps: usesStartTimestamps)
        for step in 0..<input.stepCount {
            if input.isOver(at: step) { return }
            let window = input.histograms(at: step)
            let floats = input.floats(at: step)
            if !window.isEmpty && !floats.isEmpty {
                notes.insert(.mixedFloatsAndHistograms)
                continue
            }
            if window.isEmpty {
                let value =
                    usesStartTimestamps && !input.columns.startTimestamps.isEmpty
                    ? StartedCounterRate(isRate: isRate).value(step, input, &notes)
                    : floatsOnly.value(step, input, resets)
                guard let value else { continue }
                output.values[step] = value
                notes.insert(.hasFloatResult)
                continue
            }
            let rangeEnd = input.windows.times.time(at: step)
            guard
                let result = result(
                    input.columns.histograms, window, neighbours, rangeEnd - input.windows.lengthMilliseconds, rangeEnd,
                    isRate ? rangeSeconds : nil, &notes)
            else { continue }
            output.histograms.append(StepHistogram(step: step, histogram: result))
        }
    }

    private func result(
        _ samples: [HistogramSample], _ window: Range<Int>, _ neighbours: HistogramNeighbours, _ rangeStart: Int64,
        _ rangeEnd: Int64, _ rateSeconds: Double?, _ notes: inout KernelNotes
    ) -> NativeHistogram? {
        let first = samples[window.lowerBound]
        let last = samples[window.upperBound - 1]
        var beganAt: Int64?
        if isCounter, usesStartTimestamps, first.startTimestamp != 0, first.startTimestamp > rangeStart,
            first.startTimestamp < first.timestamp
        {
            beganAt = first.startTimestamp
        }
        guard beganAt != nil || window.count > 1 else { return nil }
        var difference: NativeHistogram?
        if window.count > 1 {
            difference = self.difference(samples, window, neighbours, &notes)
            if difference == nil { return nil }
        }
        if beganAt != nil {
            if var sum = difference {
                guard let outcome = sum.add(first.histogram) else {
                    notes.insert(.mixedExponentialAndCustom)
                    return nil
                }
                if outcome.reconciledBounds { notes.insert(.reconciledCustomBucketsInAddition) }
                difference = sum
            } else {
                difference = first.histogram
            }
        }
        guard let difference else { return nil }
        let factor = Extrapolation(
            firstTime: first.timestamp, lastTime: last.timestamp, rangeStart: rangeStart, rangeEnd: rangeEnd,
            intervals: window.count - 1, beganAt: beganAt
        ).factor(
            result: difference.count, firstValue: first.histogram.count, isCounter: isCounter && beganAt == nil,
            rateSeconds: rateSeconds)
        return difference.multiplied(by: factor)
    }

    private func isReset(_ sample: HistogramSample, after before: HistogramSample, _ known: NativeHistogram) -> Bool {
        (usesStartTimestamps && sample.beginsAnew(after: before)) || sample.histogram.isReset(after: known)
    }

    /// Last minus first, with what was counted before each reset added again; nil where the kinds do not go together.
    private func difference(
        _ samples: [HistogramSample], _ window: Range<Int>, _ neighbours: HistogramNeighbours,
        _ notes: inout KernelNotes
    ) -> NativeHistogram? {
        let first = window.lowerBound
        let notesBefore = notes
        var previous = samples[first].histogram
        let last = samples[window.upperBound - 1].histogram
        let areGauges = previous.counterResetHint == .gauge && last.counterResetHint == .gauge
        if isCounter {
            // The ends are looked at before the layouts, the samples between them after.
            if previous.counterResetHint == .gauge || last.counterResetHint == .gauge {
                notes.insert(.histogramIsNotCounter)
            }
            if isReset(samples[first + 1], after: samples[first], previous) {
                // The first sample does not count, so that its layout must not matter.
                let second = samples[first + 1].histogram
                previous = NativeHistogram(
                    schema: second.schema, zeroThreshold: second.zeroThreshold, customValues: second.customValues)
            }
        }
        guard last.usesCustomBuckets == previous.usesCustomBuckets else {
            notes.insert(.mixedExponentialAndCustom)
            return nil
        }
        let between = isCounter ? first + 1..<window.upperBound - 1 : 0..<0
        guard neighbours.areAlike(in: between, custom: last.usesCustomBuckets) else {
            notes = notesBefore.union(.mixedExponentialAndCustom)
            return nil
        }
        if neighbours.hasGauge(in: between) { notes.insert(.histogramIsNotCounter) }
        var accumulator = HistogramAccumulator(last)
        // Before the zero buckets are reconciled.
        accumulator.coarsen(to: previous.schema)
        if isCounter, !neighbours.hasOneSchema(in: first + 1..<window.upperBound) {
            accumulator.coarsen(to: between.reduce(last.schema) { min($0, samples[$1].histogram.schema) })
        }
        guard let outcome = accumulator.add(previous, factor: -1) else {
            notes.insert(.mixedExponentialAndCustom)
            return nil
        }
        if outcome.reconciledBounds { notes.insert(.reconciledCustomBucketsInSubtraction) }
        if isCounter {
            addLost(samples, window, neighbours, since: previous, to: &accumulator, &notes)
        } else if !areGauges {
            notes.insert(.histogramIsNotGauge)
        }
        var result = accumulator.result()
        result.counterResetHint = .gauge
        return result
    }

    /// Adds what was counted before each reset.
    private func addLost(
        _ samples: [HistogramSample], _ window: Range<Int>, _ neighbours: HistogramNeighbours,
        since first: NativeHistogram, to sum: inout HistogramAccumulator, _ notes: inout KernelNotes
    ) {
        let second = window.lowerBound + 1
        if neighbours.hasOverlap(in: second..<window.upperBound) { notes.countOverlap() }
        func add(_ lost: NativeHistogram) {
            if sum.add(lost)?.reconciledBounds ?? false { notes.insert(.reconciledCustomBucketsInAddition) }
        }
        if isReset(samples[second], after: samples[second - 1], first) { add(first) }
        for index in neighbours.resets(in: second + 1..<max(second + 1, window.upperBound)) {
            add(samples[index - 1].histogram)
        }
    }
}

/// `irate` and `idelta` where a series has native histograms.
struct HistogramInstantDelta {
    let isRate: Bool
    let usesStartTimestamps: Bool

    private struct Sample {
        var timestamp: Int64
        var value: Double
        var histogram: NativeHistogram?
        var start: Int64
    }

    func evaluate(_ input: RangeInput, into output: inout StepSeries, notes: inout KernelNotes) {
        for step in 0..<input.stepCount {
            guard let (before, last) = lastTwo(input, step) else { continue }
            let beginsAnew =
                isRate && usesStartTimestamps
                && StartTimestamps.isReset(
                    startBefore: before.start, timeBefore: before.timestamp, start: last.start, time: last.timestamp)
            switch (before.histogram, last.histogram) {
            case (nil, nil):
                output.values[step] = InstantDelta.value(
                    last: last.value, before: before.value, milliseconds: last.timestamp - before.timestamp,
                    isRate: isRate, beginsAnew: beginsAnew)
            case (let old?, let new?):
                guard last.timestamp != before.timestamp, var result = difference(old, new, beginsAnew, &notes)
                else { continue }
                if isRate { result = result.divided(by: Double(last.timestamp - before.timestamp) / 1000) }
                output.histograms.append(StepHistogram(step: step, histogram: result))
            default: notes.insert(.mixedFloatsAndHistograms)
            }
        }
    }

    private func difference(
        _ old: NativeHistogram, _ new: NativeHistogram, _ beginsAnew: Bool, _ notes: inout KernelNotes
    ) -> NativeHistogram? {
        let hints = [old.counterResetHint, new.counterResetHint]
        if isRate, hints.contains(.gauge) { notes.insert(.histogramIsNotCounter) }
        if !isRate, hints.contains(where: { $0 != .gauge }) { notes.insert(.histogramIsNotGauge) }
        var result = new
        if !isRate || !(beginsAnew || new.isReset(after: old)) {
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
            newest.append(
                Sample(
                    timestamp: columns.timestamp(at: index), value: columns.values[index],
                    start: columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[index]))
        }
        for index in input.histograms(at: step).suffix(2) {
            let sample = columns.histograms[index]
            newest.append(
                Sample(
                    timestamp: sample.timestamp, value: 0, histogram: sample.histogram, start: sample.startTimestamp))
        }
        guard newest.count > 1 else { return nil }
        newest.sort { $0.timestamp < $1.timestamp }
        return (newest[newest.count - 2], newest[newest.count - 1])
    }
}
