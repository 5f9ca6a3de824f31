import MetricModel
import PromQLSyntax

/// The plan of a range vector: where its series come from and where its windows lie.
struct RangePlan {
    var source: any SeriesSource
    var windows: WindowTimes
    var boundary: RangeBoundary
    /// The matchers of a plain selector, nil for a subquery.
    var matchers: [LabelMatcher]?
}

extension Planner {
    /// The right ends of a selector's windows after `@` and `offset`.
    func reference(_ timeline: Timeline, at: AtModifier?, offset: DurationValue?) throws(QueryError) -> Timeline {
        let fixed: Int64? =
            switch at {
            case nil: nil
            case .timestamp(let timestamp): Timeline.clamped(timestamp.milliseconds)
            case .start: queryStart
            case .end: queryEnd
            }
        let moved = try self.offset(offset)
        guard let fixed else { return timeline.shifted(back: moved) }
        return Timeline(start: fixed &- moved, step: 0, count: timeline.count)
    }

    /// An instant selector, or an aspect of the samples that it selects.
    func newestSamples(
        _ selector: VectorSelector, _ aspect: NewestSample.Aspect, on timeline: Timeline
    ) throws(QueryError) -> any VectorOperator {
        let windows: WindowTimes
        if aspect == .value || selector.at == nil {
            windows = WindowTimes(
                times: try reference(timeline, at: selector.at, offset: selector.offset),
                lengthMilliseconds: lookbackMilliseconds)
        } else {
            windows = try timestampWindows(selector, on: timeline)
        }
        guard windows.lengthMilliseconds > 0 else { return EmptyVector(timeline: timeline) }
        var source = SelectorSource(matchers: selector.matchers, readsOnlyTotals: needsNoBuckets && !needsBuckets)
        var kernel: any RangeKernel = NewestSample(aspect, isForPresence: needsOnlyPresence)
        switch selector.boundary {
        case .smoothed where aspect == .value:
            source.extraAfter = lookbackMilliseconds
            kernel = SmoothedSample(lookbackMilliseconds: lookbackMilliseconds)
        // Upstream gives `anchored` no meaning here: it is about the ends of windows. Nor `smoothed` below `timestamp`.
        case .plain, .anchored, .smoothed: source.needsOnlyNewest = timeline.count == 1 && !source.readsOnlyTotals
        }
        let selection = RangeFunctionOperator(
            timeline: timeline, windows: windows, source: source, kernel: kernel,
            notes: KernelAnnotator(
                function: nil, range: selector.range, speaker: selector.range,
                usesTypeAndUnitLabels: settings.usesTypeAndUnitLabels))
        return nameless(selection, drops: !kernel.keepsName)
    }

    /// Where `timestamp` looks for the sample of a selector with `@`.
    ///
    /// As in Prometheus, which reads what `@` and `offset` say, but looks among that for the newest sample at the time of
    /// `@`, as if there were no offset.
    private func timestampWindows(_ selector: VectorSelector, on timeline: Timeline) throws(QueryError) -> WindowTimes {
        let fixed = try reference(timeline, at: selector.at, offset: nil)
        let moved = try offset(selector.offset)
        // For a smoothed selector as much is read behind as before, though nothing is interpolated here.
        let readBehind = selector.boundary == .smoothed ? lookbackMilliseconds : 0
        let missing = max(moved - readBehind, 0)
        return WindowTimes(
            times: fixed.shifted(back: missing),
            lengthMilliseconds: lookbackMilliseconds - missing - max(-moved, 0))
    }

    /// A range selector or a subquery.
    func range(_ expression: Expression, on timeline: Timeline) throws(QueryError) -> RangePlan {
        switch expression.unparenthesized {
        case .matrixSelector(let matrix):
            let selector = matrix.selector
            let times = try reference(timeline, at: selector.at, offset: selector.offset)
            let windows = WindowTimes(times: times, lengthMilliseconds: try length(matrix.window))
            // Nothing lies in a window that came to no millisecond; beside it something may.
            if windows.lengthMilliseconds == 0, selector.boundary == .plain {
                return RangePlan(
                    source: EmptySource(), windows: windows, boundary: selector.boundary, matchers: selector.matchers)
            }
            var source = SelectorSource(matchers: selector.matchers, readsOnlyTotals: needsNoBuckets && !needsBuckets)
            if selector.boundary != .plain { source.extraBefore = lookbackMilliseconds }
            if selector.boundary == .smoothed { source.extraAfter = lookbackMilliseconds }
            return RangePlan(
                source: source, windows: windows, boundary: selector.boundary, matchers: selector.matchers)
        case .subquery(let subquery): return try self.subquery(subquery, on: timeline)
        default:
            throw .execution(message: "expected a range vector, got \(expression.type.documentedName)")
        }
    }

    private func subquery(_ subquery: Subquery, on timeline: Timeline) throws(QueryError) -> RangePlan {
        let times = try reference(timeline, at: subquery.at, offset: subquery.offset)
        let windowLength = try length(subquery.window)
        // A step that comes to no millisecond is none.
        let given = try subquery.step.map { value throws(QueryError) in try length(value) } ?? 0
        let step = given > 0 ? given : settings.defaultSubqueryStepMilliseconds
        let left = times.start &- windowLength
        // The grid is the multiples of the step; integer division goes towards zero, as in Prometheus.
        var first = left / step * step
        if first <= left { first += step }
        let inner = Timeline(start: first, end: times.end, step: step)
        guard inner.count <= settings.maximumSamples else { throw .tooManySamples }
        var planner = self
        planner.needsBuckets = true
        return RangePlan(
            source: SubquerySource(operand: try planner.vector(subquery.operand, on: inner)),
            windows: WindowTimes(times: times, lengthMilliseconds: windowLength), boundary: .plain, matchers: nil)
    }
}
