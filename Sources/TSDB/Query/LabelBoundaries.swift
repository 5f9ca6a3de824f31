import MetricModel
import Storage

/// Where the label order is cut into blocks of about as many series.
///
/// A partition has its series in label order, so that every so many of them is a quantile; of the head, which has them in no
/// order, some are drawn. Any boundaries give the same series in the same order; good ones give blocks of one size.
enum LabelBoundaries {
    private static let drawnPerBlock = 32
    private static let takenPerBlock = 8
    /// More are not needed: blocks are numbered with 16 bits.
    private static let blockLimit = 1 << 15

    /// The labels at which blocks begin, but the first, in order.
    static func choose(
        _ head: Head, _ numbers: Postings, _ partitions: [FoundPartition], seriesLimit: Int
    ) throws(StorageError) -> [LabelSet] {
        let counts = partitions.map(\.numbers.count) + [numbers.count]
        let sum = counts.reduce(0, +)
        // Series of several places are one, yet each place takes some room.
        let wanted = max(counts.max() ?? 0, sum / 4) / max(1, seriesLimit) + 1
        let blockCount = min(wanted, blockLimit)
        var samples = draw(numbers, of: head, count: blockCount * drawnPerBlock)
        for partition in partitions {
            samples += try take(partition, count: blockCount * takenPerBlock)
        }
        samples.sort { $0.labels < $1.labels }
        let total = samples.reduce(0) { $0 + $1.weight }
        var result: [LabelSet] = []
        var weight = 0.0
        for sample in samples {
            weight += sample.weight
            let isDue = weight * Double(blockCount) >= total * Double(result.count + 1)
            if isDue, result.count < blockCount - 1, result.last != sample.labels { result.append(sample.labels) }
        }
        return result
    }

    /// Where blocks end among the series of a partition.
    static func ends(of boundaries: [LabelSet], in partition: FoundPartition) throws(StorageError) -> [Int] {
        let count = partition.numbers.count
        return try partition.reader.withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: partition.reader, connection: connection)
            var ends: [Int] = []
            var from = 0
            for boundary in boundaries {
                var low = from
                var high = count
                while low < high {
                    let middle = (low + high) / 2
                    if try labels.labels(of: partition.numbers[middle]) < boundary {
                        low = middle + 1
                    } else {
                        high = middle
                    }
                }
                ends.append(low)
                from = low
            }
            return ends + [count]
        }
    }

    // MARK: Samples

    /// A series that stands for so many.
    private typealias Sample = (labels: LabelSet, weight: Double)

    private static func draw(_ numbers: Postings, of head: Head, count wanted: Int) -> [Sample] {
        guard !numbers.isEmpty else { return [] }
        let count = min(wanted, numbers.count)
        let weight = Double(numbers.count) / Double(count)
        // Every so many would meet the same metrics of every target; the same ones are drawn each time, so that a query asked
        // again does the same.
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return head.withIndex { index in
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let place = Int((state >> 32) % UInt64(numbers.count))
                return (index.series.labels(of: numbers[place]), weight)
            }
        }
    }

    private static func take(_ partition: FoundPartition, count wanted: Int) throws(StorageError) -> [Sample] {
        let numbers = partition.numbers
        let count = min(wanted, numbers.count)
        let weight = Double(numbers.count) / Double(count)
        return try partition.reader.withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: partition.reader, connection: connection)
            var result: [Sample] = []
            for place in 0..<count {
                let number = numbers[Int(Double(place) * weight)]
                result.append((try labels.labels(of: number), weight))
            }
            return result
        }
    }
}
