import MetricModel
import PromQLSyntax

/// A function of range vectors, and the selection of newest samples, which works the same way.
struct RangeFunctionOperator: VectorOperator {
    let timeline: Timeline
    let windows: WindowTimes
    let source: any SeriesSource
    let kernel: any RangeKernel
    let notes: KernelAnnotator

    var sharesOneName: Bool { source.sharesOneName }
    var hasFaults: Bool { source.hasFaults }

    /// What is said about one name is said once.
    private var saysItOnce: Bool {
        notes.looksAtNamesOnly && (source as? SelectorSource)?.sharesOneName ?? false
    }

    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels? {
        try (source as? SelectorSource)?.labels(windows, context)
    }

    func stream(_ context: QueryContext, into groups: OperandGroups, _ body: SeriesBody) throws(QueryError) {
        guard let source = source as? SelectorSource else {
            return try stream(context) { (series: inout StepSeries) throws(QueryError) in
                series.group = Int32(groups.number(of: series.labels))
                try body(&series)
            }
        }
        let saysItOnce = saysItOnce
        try source.evaluate(kernel, windows: windows, timeline: timeline, context: context, into: groups) {
            (series: inout StepSeries, noticed: KernelNotes) throws(QueryError) in
            if !noticed.isEmpty, noticed.areNews(besides: groups.saidNotes) {
                notes.annotate(noticed, series.labels, context)
                if saysItOnce { groups.saidNotes.formUnion(noticed) }
            }
            try body(&series)
        }
    }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        let saysItOnce = saysItOnce
        var said: KernelNotes = []
        try source.evaluate(kernel, windows: windows, timeline: timeline, context: context) {
            (series: inout StepSeries, noticed: KernelNotes) throws(QueryError) in
            if noticed.areNews(besides: said) { notes.annotate(noticed, series.labels, context) }
            if saysItOnce { said.formUnion(noticed) }
            try body(&series)
        }
    }

    func streamNameless(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        guard saysItOnce, let source = source as? SelectorSource, let name = source.name else {
            return try stream(context) { (series: inout StepSeries) throws(QueryError) in
                series.labels = series.labels.droppingMetadata()
                try body(&series)
            }
        }
        let named = LabelSet([LabelName.metricName: name])
        var said: KernelNotes = []
        try source.evaluateNameless(kernel, windows: windows, timeline: timeline, context: context) {
            (series: inout StepSeries, noticed: KernelNotes) throws(QueryError) in
            if noticed.areNews(besides: said) { notes.annotate(noticed, named, context) }
            said.formUnion(noticed)
            try body(&series)
        }
    }
}

/// Turns what a kernel noticed into the warnings and infos of Prometheus.
struct KernelAnnotator: Sendable {
    let function: Function?
    /// What the texts point at.
    let range: SourceRange
    /// The range vector that they are about.
    let speaker: SourceRange
    let usesTypeAndUnitLabels: Bool

    private static let texts: [(note: KernelNotes, kind: Annotations.Kind, text: String, namesMetric: Bool)] = [
        (
            .mixedFloatsAndHistograms, .warning, "encountered a mix of histograms and floats for metric name", true
        ),
        (
            .mixedExponentialAndCustom, .warning,
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name", true
        ),
        (.histogramIsNotCounter, .warning, "this native histogram metric is not a counter:", true),
        (.histogramIsNotGauge, .warning, "this native histogram metric is not a gauge:", true),
        (
            .ignoredHistograms, .info,
            "ignored histograms in a range containing both floats and histograms for metric name", true
        ),
        (
            .reconciledCustomBucketsInAddition, .info, "mismatched custom buckets were reconciled during addition",
            false
        ),
        (
            .reconciledCustomBucketsInSubtraction, .info,
            "mismatched custom buckets were reconciled during subtraction", false
        ),
        (
            .reconciledCustomBucketsInAggregation, .info,
            "mismatched custom buckets were reconciled during aggregation", false
        ),
        (
            .counterResetCollisionInAddition, .warning,
            "conflicting counter resets during histogram addition", false
        ),
        (
            .counterResetCollisionInSubtraction, .warning,
            "conflicting counter resets during histogram subtraction", false
        ),
        (
            .counterResetCollisionInAggregation, .warning,
            "conflicting counter resets during histogram aggregation", false
        ),
    ]

    /// Whether series of one name get the same texts.
    var looksAtNamesOnly: Bool { !usesTypeAndUnitLabels }

    func annotate(_ notes: KernelNotes, _ labels: LabelSet, _ context: QueryContext) {
        let name = labels.metricName
        for entry in Self.texts where notes.contains(entry.note) {
            let text = entry.namesMetric ? "\(entry.text) \(LabelName.quoted(name))" : entry.text
            switch entry.kind {
            case .warning: context.warn(text, at: range, by: speaker)
            case .info: context.inform(text, at: range, by: speaker)
            }
        }
        if notes.overlapCount > 0 {
            context.warn(
                ofTimes: notes.overlapCount,
                "sample has start time that overlaps with previous sample timestamp for metric \(LabelName.quoted(name))",
                at: range, by: speaker)
        }
        if notes.contains(.hasFloatResult), function == .rate || function == .increase {
            judgeName(name, labels, context)
        }
    }

    /// A counter is known by the end of its name, or by its type label.
    private func judgeName(_ name: String, _ labels: LabelSet, _ context: QueryContext) {
        if name.isEmpty { return }
        if usesTypeAndUnitLabels {
            let type = labels.value(of: LabelName.type)
            if type != "counter" && type != "histogram" {
                context.inform(
                    "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got "
                        + "\(LabelName.quoted(type)): \(LabelName.quoted(name))", at: range, by: speaker)
            }
            return
        }
        let endings = ["_total", "_sum", "_count", "_bucket"]
        guard !endings.contains(where: name.hasSuffix) else { return }
        context.inform(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
                + LabelName.quoted(name), at: range, by: speaker)
    }
}
