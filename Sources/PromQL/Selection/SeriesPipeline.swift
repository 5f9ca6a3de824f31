import Dispatch
import MetricModel
import Storage
import Synchronization

/// Blocks of neighbouring series of a selection, read and run through a kernel by several threads, and handed on in
/// order by one.
///
/// The thread of the query takes the next block in order where it is ready, and reads a block itself where it is not, so
/// all threads are busy whether reading or what comes behind it is the greater part. Neighbouring series are stored
/// together, so a block is cheaper to read than its series apart.
final class SeriesPipeline: HelperJob {
    /// The results of one block.
    struct Block: Sendable {
        /// The number of the first of them.
        var first = 0
        var series: [StepSeries] = []
        var notes: [KernelNotes] = []
    }

    /// What a thread reads with: a runner that knows the windows of the clocks it has met, a reader with its memory.
    private struct Worker: @unchecked Sendable {  // one thread has it at a time, the one that took it out of the state
        var runner: KernelRunner
        var reader: (any SeriesReader)?
    }

    private struct State {
        /// What all threads came upon.
        var samples = CountedSamples()
        var nextBlock = 0
        var consumedBlocks = 0
        var finished: [Int: Result<Block, QueryError>] = [:]
        var workers: [Worker] = []
        /// Blocks that were handed on, for their memory.
        var used: [Block] = []
        var isCancelled = false
        /// Helpers that went away because too many blocks were waiting.
        var awayHelpers = 0
    }

    private let selected: any SelectedSeries
    private let labels: SelectedSeriesLabels
    private let runner: KernelRunner
    private let limits: QueryLimits
    /// Block `i` has the series `bounds[i] ..< bounds[i + 1]`.
    private let bounds: [Int]
    /// Blocks that may be finished or in work at a time.
    private let depth: Int
    private let state = Mutex(State())
    /// One for each block that a helper has finished.
    private let progress = DispatchSemaphore(value: 0)

    init(
        selected: any SelectedSeries, labels: SelectedSeriesLabels, runner: KernelRunner, blockSize: Int, depth: Int,
        limits: QueryLimits
    ) {
        self.labels = labels
        self.selected = selected
        self.runner = runner
        self.depth = depth
        self.limits = limits
        var bounds = [0]
        while let last = bounds.last, last < selected.count {
            bounds.append(max(last + 1, selected.blockEnd(startingAt: last, limit: blockSize)))
        }
        self.bounds = bounds
    }

    private var blockCount: Int { bounds.count - 1 }

    /// What was counted in blocks that were read since it was taken last.
    func takeSamples() -> CountedSamples { state.withLock { $0.samples.take() } }

    /// What the threads counted by step, where it is wanted.
    var steps: [StepCounts] { state.withLock { $0.workers.compactMap(\.runner.steps) } }

    /// Gives the blocks to `body` one after the other.
    func run(
        helpers: HelperPool, _ body: (inout Block) throws(QueryError) -> Void
    ) throws(QueryError) {
        for _ in 0..<min(helpers.threadCount, blockCount - 1) { helpers.help(with: self) }
        defer {
            state.withLock { $0.isCancelled = true }
            helpers.forget(self)
        }
        for number in 0..<blockCount {
            var block = try wait(for: number, helpers).get()
            try body(&block)
            let used = consume block
            state.withLock { $0.used.append(used) }
        }
    }

    /// The block of a number, which is the next in order; reads blocks as long as it is not there.
    private func wait(for number: Int, _ helpers: HelperPool) -> Result<Block, QueryError> {
        while true {
            let (ready, callsHelper) = state.withLock { state -> (Result<Block, QueryError>?, Bool) in
                guard let block = state.finished.removeValue(forKey: number) else { return (nil, false) }
                state.consumedBlocks += 1
                guard state.awayHelpers > 0, state.nextBlock < blockCount else { return (block, false) }
                state.awayHelpers -= 1
                return (block, true)
            }
            if callsHelper { helpers.help(with: self) }
            if let ready { return ready }
            if runPieceQuietly() == nil { progress.wait() }
        }
    }

    func runPiece() -> Bool {
        guard let hasMore = runPieceQuietly() else {
            state.withLock { $0.awayHelpers += 1 }
            return false
        }
        progress.signal()
        return hasMore
    }

    /// Reads a block; nil where there is none to read now, else whether there are more.
    private func runPieceQuietly() -> Bool? {
        // Nobody else has them meanwhile, so that their memory is written to and not copied.
        var worker = Worker(runner: runner)
        var block = Block()
        let number = state.withLock { state -> Int? in
            guard !state.isCancelled, state.nextBlock < blockCount,
                state.nextBlock < state.consumedBlocks + depth
            else { return nil }
            state.nextBlock += 1
            if let rested = state.workers.popLast() { worker = rested }
            if let used = state.used.popLast() { block = used }
            return state.nextBlock - 1
        }
        guard let number else { return nil }
        let outcome: Result<Block, QueryError>
        do throws(QueryError) {
            try self.read(number, with: &worker, into: &block)
            outcome = .success(consume block)
        } catch {
            outcome = .failure(error)
        }
        let samples = worker.runner.samples.take()
        return state.withLock { [worker] state in
            state.finished[number] = outcome
            state.samples += samples
            state.workers.append(worker)
            return state.nextBlock < blockCount && !state.isCancelled
        }
    }

    /// Reads the block of a number in the memory of one that was used.
    private func read(_ number: Int, with worker: inout Worker, into block: inout Block) throws(QueryError) {
        let indexes = bounds[number]..<bounds[number + 1]
        block.first = indexes.lowerBound
        block.notes.removeAll(keepingCapacity: true)
        block.series.reserveCapacity(indexes.count)
        block.notes.reserveCapacity(indexes.count)
        var reader = worker.reader ?? selected.makeReader(over: indexes)
        if worker.reader != nil { reader.restart(over: indexes) }
        worker.reader = nil
        var columns = SampleColumns()
        for index in indexes {
            if index % 16 == 0 { try limits.check() }
            let place = block.notes.count
            if place == block.series.count { block.series.append(StepSeries(values: [])) }
            block.series[place].restart(labels: labels.of(selected, at: index))
            guard let notes = try worker.runner.runNext(of: &reader, &columns, into: &block.series[place]) else {
                break
            }
            block.notes.append(notes)
        }
        if block.series.count > block.notes.count { block.series.removeLast(block.series.count - block.notes.count) }
        worker.reader = reader
    }
}
