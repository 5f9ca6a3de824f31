import MetricModel
import PromQLSyntax

/// Grows the tree of a plan while the planner walks the query, and holds what its operators measure.
///
/// Belongs to the thread that runs the query.
final class PlanRecorder {
    private var nodes: [PlanNode] = []
    private var parents: [Int?] = []
    private var open: [Int] = []
    let clock: any WallClock

    init(clock: any WallClock) { self.clock = clock }

    /// Begins a node below the one that is open.
    func begin(_ expression: Expression) -> Int {
        nodes.append(PlanNode(expression: expression.description))
        parents.append(open.last)
        open.append(nodes.count - 1)
        return nodes.count - 1
    }

    func end() { open.removeLast() }

    func change(_ index: Int, _ change: (inout PlanNode) -> Void) { change(&nodes[index]) }

    /// The whole tree; nil where nothing was planned.
    var tree: PlanNode? {
        var result = nodes
        // Children come after their parents.
        for index in result.indices.reversed() {
            if let parent = parents[index] { result[parent].children.insert(result[index], at: 0) }
        }
        return result.first
    }
}

/// Measures an operator: what it gives, what it reads, how long it takes without those above it.
struct MeasuredVector: VectorOperator {
    let operand: any VectorOperator
    let node: Int
    let recorder: PlanRecorder

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }
    var hasFaults: Bool { operand.hasFaults }

    func labels(_ context: QueryContext) throws(QueryError) -> KnownLabels? { try operand.labels(context) }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var outside: UInt64 = 0
        let readBefore = context.statistics.samplesRead
        let started = recorder.clock.monotonicNanoseconds
        defer {
            let elapsed = recorder.clock.monotonicNanoseconds &- started &- outside
            recorder.change(node) {
                $0.seconds += Double(elapsed) / 1e9
                $0.samplesRead += context.statistics.samplesRead - readBefore
            }
        }
        try operand.stream(context) { (series: inout StepSeries) throws(QueryError) in
            recorder.change(node) {
                let cost = series.cost
                $0.series += 1
                $0.samples += series.floatCount + series.histograms.count
                $0.bytes += cost.bytes
            }
            let left = recorder.clock.monotonicNanoseconds
            defer { outside += recorder.clock.monotonicNanoseconds &- left }
            try body(&series)
        }
    }
}

/// Measures a scalar.
struct MeasuredScalar: ScalarOperator {
    let operand: any ScalarOperator
    let node: Int
    let recorder: PlanRecorder

    var timeline: Timeline { operand.timeline }

    func evaluate(_ context: QueryContext) throws(QueryError) -> [Double] {
        let readBefore = context.statistics.samplesRead
        let started = recorder.clock.monotonicNanoseconds
        let values = try operand.evaluate(context)
        let elapsed = recorder.clock.monotonicNanoseconds &- started
        recorder.change(node) {
            $0.seconds += Double(elapsed) / 1e9
            $0.samplesRead += context.statistics.samplesRead - readBefore
            $0.series += 1
            $0.samples += values.count
            $0.bytes += values.count * 8
        }
        return values
    }
}

/// Measures what a range function takes its windows from.
struct MeasuredSource: SeriesSource {
    let operand: any SeriesSource
    let node: Int
    let recorder: PlanRecorder

    var sharesOneName: Bool { operand.sharesOneName }
    var hasFaults: Bool { operand.hasFaults }

    func evaluate(
        _ kernel: any RangeKernel, windows: WindowTimes, timeline: Timeline, context: QueryContext,
        _ body: (inout StepSeries, KernelNotes) throws(QueryError) -> Void
    ) throws(QueryError) {
        var outside: UInt64 = 0
        let before = context.statistics
        let started = recorder.clock.monotonicNanoseconds
        defer {
            let elapsed = recorder.clock.monotonicNanoseconds &- started &- outside
            recorder.change(node) {
                $0.seconds += Double(elapsed) / 1e9
                $0.samplesRead += context.statistics.samplesRead - before.samplesRead
                $0.samples += context.statistics.samplesQueryable - before.samplesQueryable
            }
        }
        try operand.evaluate(kernel, windows: windows, timeline: timeline, context: context) {
            (series: inout StepSeries, notes: KernelNotes) throws(QueryError) in
            recorder.change(node) { $0.series += 1 }
            let left = recorder.clock.monotonicNanoseconds
            defer { outside += recorder.clock.monotonicNanoseconds &- left }
            try body(&series, notes)
        }
    }
}
