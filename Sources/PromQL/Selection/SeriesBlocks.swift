import Dispatch
import MetricModel
import Storage
import Synchronization

/// Neighbouring blocks of a selection, read and run through a kernel at the same time, a thread each.
struct SeriesBlocks: Sendable {
    /// The results of one block.
    struct Block: Sendable {
        var series: [StepSeries] = []
        var notes: [KernelNotes] = []
        var samplesQueryable = 0
        var samplesRead = 0
    }

    let selected: any SelectedSeries
    let start: Int
    let blockSize: Int
    let count: Int
    let runner: KernelRunner
    let stepCount: Int
    let limits: QueryLimits

    /// The results in order of the blocks.
    func run() -> [Result<Block, QueryError>] {
        let outcomes = Mutex([Result<Block, QueryError>?](repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { index in
            let outcome = Result { () throws(QueryError) in try read(block: index) }
            outcomes.withLock { $0[index] = outcome }
        }
        return outcomes.withLock { $0.compactMap { $0 } }
    }

    private func read(block index: Int) throws(QueryError) -> Block {
        let first = min(start + index * blockSize, selected.count)
        let end = min(first + blockSize, selected.count)
        var block = Block()
        guard first < end else { return block }
        block.series.reserveCapacity(end - first)
        block.notes.reserveCapacity(end - first)
        var runner = runner
        var reader = selected.makeReader(over: first..<end)
        var columns = SampleColumns()
        for index in first..<end {
            if index % 16 == 0 { try limits.check() }
            do {
                guard try reader.next(into: &columns) else { break }
            } catch {
                throw .storage(error)
            }
            var output = StepSeries(labels: selected.labels(at: index), absentOver: stepCount)
            let notes = runner.run(&columns, into: &output)
            block.series.append(output)
            block.notes.append(notes)
        }
        block.samplesQueryable = runner.samplesQueryable
        block.samplesRead = runner.samplesRead
        return block
    }
}
