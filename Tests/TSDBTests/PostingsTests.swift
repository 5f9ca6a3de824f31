import MetricModel
import Storage
import Testing

@testable import TSDB

@Suite("Postings")
struct PostingsTests {
    private static func random(_ generator: inout SegmentColumnGenerator) -> Set<UInt32> {
        let limit = [1, 5, 64, 1000, 1_000_000][generator.below(5)]
        switch generator.below(4) {
        case 0: return []
        case 1:
            let start = UInt32(generator.below(limit))
            return Set(start..<start + UInt32(generator.below(100)))
        default: return Set((0..<generator.below(200)).map { _ in UInt32(generator.below(limit)) })
        }
    }

    @Test("set algebra agrees with sets", arguments: UInt64(1)...8)
    func algebra(seed: UInt64) {
        var generator = SegmentColumnGenerator(seed: seed)
        for _ in 0..<300 {
            let left = Self.random(&generator)
            let right = Self.random(&generator)
            let third = Self.random(&generator)
            let one = Postings(unsorted: Array(left))
            let other = Postings(unsorted: Array(right) + Array(right.prefix(3)))
            #expect(one.numbers == left.sorted())
            #expect(one.count == left.count)
            #expect(one.intersection(other).numbers == left.intersection(right).sorted())
            #expect(one.subtracting(other).numbers == left.subtracting(right).sorted())
            #expect(
                Postings.union([one, other, Postings(unsorted: Array(third))]).numbers
                    == left.union(right).union(third).sorted())
            for number in Array(left.prefix(5)) + Array(right.prefix(5)) {
                #expect(one.contains(number) == left.contains(number))
            }
            #expect((one == other) == (left == right))
        }
    }

    @Test("neighbours are kept as a run however they come")
    func runs() {
        #expect(Postings(ascending: [3, 4, 5]) == Postings(3..<6))
        #expect(Postings(unsorted: [5, 3, 4, 4]) == Postings(3..<6))
        #expect(Postings.union([Postings(0..<3), Postings(3..<6)]) == Postings(0..<6))
        #expect(Postings(0..<10).subtracting(Postings(ascending: [0, 1])) == Postings(2..<10))
        #expect(Postings(ascending: []) == .empty)
    }

    @Test("postings come back from their bytes", arguments: UInt64(1)...6)
    func codec(seed: UInt64) throws {
        var generator = SegmentColumnGenerator(seed: seed)
        for _ in 0..<200 {
            let numbers = Self.random(&generator).sorted()
            var encoder = PostingsEncoder()
            for number in numbers {
                encoder.append(number)
                if generator.below(3) == 0 { encoder.append(number) }
            }
            let blob = try SealedBlob.seal(encoder.finish(), compresses: generator.below(2) == 0)
            let back = try unsafe blob.withUnsafeBytes {
                try unsafe PostingsCodec.decode($0, seriesCount: (numbers.last ?? 0) + 1)
            }
            #expect(back.numbers == numbers)
            guard let last = numbers.last else { continue }
            #expect(throws: SegmentDamage.self) {
                _ = try unsafe blob.withUnsafeBytes { try unsafe PostingsCodec.decode($0, seriesCount: last) }
            }
        }
    }
}
