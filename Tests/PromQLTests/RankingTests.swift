import MetricModel
import Testing

@testable import PromQL

/// Where equal elements end, which is where Prometheus puts them.
@Suite("Ranking")
struct RankingTests {
    /// Numbers with many that are equal, some rising, some falling: lengths from 2 to 597.
    private static func lists() -> [[Int]] {
        var state: UInt64 = 1
        var lists: [[Int]] = []
        for count in stride(from: 2, through: 600, by: 7) {
            for kinds in [2, 21, 40] {
                lists.append(
                    (0..<count).map { index in
                        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        if count % 3 == 0 { return index / kinds }
                        if count % 3 == 1, kinds == 2 { return (count - index) / 5 }
                        return Int((state >> 33) % UInt64(kinds))
                    })
            }
        }
        return lists
    }

    private static func digest(_ orders: [[Int]]) -> UInt64 {
        orders.joined().reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    @Test("sorting puts equal elements where Go's does")
    func sorting() {
        let orders = Self.lists().map { list in
            var elements = list.enumerated().map { (value: $0.element, index: $0.offset) }
            PatternDefeatingSort.sort(&elements) { $0.value > $1.value }
            return elements.map(\.index)
        }
        #expect(Self.digest(orders) == 0x6ca8_6007_a7b1_8c7a)
    }

    @Test(
        "texts stand in natural order, run by run; an empty one has no place, and of equal numbers each precedes the other",
        arguments: [
            ("a2", "a10", true, false), ("node1", "node-1", true, false), ("node-1", "node.1", true, false),
            ("a", "a1", true, false), ("a1", "ab", true, false), ("1", "a", true, false), ("A1", "a1", true, false),
            ("", "a", false, false), ("1", "01", true, true), ("a01b", "a1c", true, false), ("a1", "a01b", true, false),
            ("x99999999999999999999", "x2", false, true), ("nö", "node", false, true),
        ])
    func naturalOrder(_ left: String, _ right: String, _ precedes: Bool, _ follows: Bool) {
        #expect(NaturalText(left).precedes(NaturalText(right)) == precedes)
        #expect(NaturalText(right).precedes(NaturalText(left)) == follows)
    }

    @Test("a heap keeps the equal elements that Go's keeps")
    func heap() {
        let orders = Self.lists().map { list in
            var heap = RankingHeap<Int>(limit: list.count / 2, takesLargest: true)
            for (index, value) in list.enumerated() where heap.takes(Double(value)) {
                var element = index
                _ = heap.insert(Double(value), &element)
            }
            return heap.takeSorted()
        }
        #expect(Self.digest(orders) == 0x4ded_1378_e331_e422)
    }

    @Test(
        "topk keeps of equal elements those that Prometheus keeps",
        arguments: [
            ([1, 1, 2], 1, "c"),
            ([1, 1, 2], 2, "cb"),
            ([1, 1, 2], 3, "cab"),
            ([1, 1, 1], 1, "a"),
            ([1, 1, 1], 2, "ab"),
            ([1, 1, 1], 3, "abc"),
            ([2, 1, 1, 2, 3], 1, "e"),
            ([2, 1, 1, 2, 3], 2, "ea"),
            ([2, 1, 1, 2, 3], 3, "ead"),
            ([5, 5, 5, 1, 5, 7, 5], 1, "f"),
            ([5, 5, 5, 1, 5, 7, 5], 2, "fb"),
            ([5, 5, 5, 1, 5, 7, 5], 3, "fbc"),
        ] as [([Int], Int, String)])
    func topk(values: [Int], limit: Int, expected: String) {
        var heap = RankingHeap<Character>(limit: limit, takesLargest: true)
        for (name, value) in zip("abcdefg", values) where heap.takes(Double(value)) {
            var element = name
            _ = heap.insert(Double(value), &element)
        }
        #expect(String(heap.takeSorted()) == expected)
    }
}
