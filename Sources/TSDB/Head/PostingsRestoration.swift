import Synchronization
import Threads

/// Makes the postings of all pairs at once, beside what else a start has to do.
///
/// A start reads series in the order of their numbers: counting how many each pair has and then filling arrays of just
/// that size takes a fraction of adding the series one by one.
final class PostingsRestoration {
    /// The pairs of all series, one after the other; series are numbered from 0.
    struct Input: Sendable {
        var labelCounts: [UInt32]
        var labels: [UInt32]
        var pairCount: Int
    }

    private final class Result: Sendable {
        let postings = Mutex<[[UInt32]]?>(nil)
    }

    /// Fewer series than this are done before a thread has begun.
    private static let threadMinimum = 4096

    private let input: Input
    private let result = Result()
    private var thread: OwnThread?

    init(_ input: Input) {
        self.input = input
        guard input.labelCounts.count >= Self.threadMinimum else { return }
        thread = OwnThread(name: "lapwing-postings") { [result] in
            let made = Self.postings(of: input)
            result.postings.withLock { $0 = made }
        }
    }

    deinit { thread.take()?.join() }

    /// The series of each pair, ascending; waits until they are made.
    func finish() -> [[UInt32]] {
        thread.take()?.join()
        return result.postings.withLock { $0.take() } ?? Self.postings(of: input)
    }

    private static func postings(of input: Input) -> [[UInt32]] {
        // Where the next series of each pair goes.
        var ends = [UInt32](repeating: 0, count: input.pairCount)
        for pair in input.labels { ends[Int(pair)] += 1 }
        var sum: UInt32 = 0
        for pair in ends.indices {
            let count = ends[pair]
            ends[pair] = sum
            sum += count
        }
        let starts = ends
        var flat = [UInt32](repeating: 0, count: input.labels.count)
        var position = 0
        for (series, count) in input.labelCounts.enumerated() {
            for pair in input.labels[position..<position + Int(count)] {
                let end = ends[Int(pair)]
                // A set that names a pair twice is no label set; it must not make the postings wrong.
                if end > starts[Int(pair)], flat[Int(end) - 1] == UInt32(series) { continue }
                flat[Int(end)] = UInt32(series)
                ends[Int(pair)] = end + 1
            }
            position += Int(count)
        }
        return starts.indices.map { Array(flat[Int(starts[$0])..<Int(ends[$0])]) }
    }
}
