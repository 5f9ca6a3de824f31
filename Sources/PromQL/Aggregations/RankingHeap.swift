/// The best elements of a group so far, the worst of them first: a binary heap.
///
/// Which of equal elements stay, and in which order they come out, depends on each step; the steps are Prometheus' own, so
/// that for elements in the same order the answer is the same.
struct RankingHeap<Element> {
    let limit: Int
    let takesLargest: Bool
    /// Each with the place of its element, so that elements are not moved about.
    private var entries: [(value: Double, place: Int)] = []
    /// In no order that means anything.
    private(set) var elements: [Element] = []

    init(limit: Int, takesLargest: Bool) {
        self.limit = limit
        self.takesLargest = takesLargest
    }

    /// Whether an element of this value would be taken in.
    func takes(_ value: Double) -> Bool {
        guard entries.count >= limit, !entries.isEmpty else { return limit > 0 }
        return Self.takes(value, inPlaceOf: entries[0].value, takesLargest)
    }

    /// Takes in an element that `takes` let through; whether another had to go for it, which stands in its place then.
    mutating func insert(_ value: Double, _ element: inout Element) -> Bool {
        guard entries.count >= limit else {
            entries.append((value, elements.count))
            elements.append(element)
            rise(entries.count - 1)
            return false
        }
        swap(&elements[entries[0].place], &element)
        entries[0].value = value
        sink()
        return true
    }

    /// The elements as the heap has them, the worst first.
    var inOrderOfHeap: [Element] { entries.map { elements[$0.place] } }

    /// The elements, best first.
    mutating func takeSorted() -> [Element] {
        let takesLargest = takesLargest
        PatternDefeatingSort.sort(&entries) { Self.isWorse($1.value, $0.value, takesLargest) }
        defer { (entries, elements) = ([], []) }
        return entries.map { elements[$0.place] }
    }
}

extension RankingHeap: HeapOrder {
    var count: Int { entries.count }

    func isWorse(_ left: Int, _ right: Int) -> Bool {
        Self.isWorse(entries[left].value, entries[right].value, takesLargest)
    }

    mutating func swapAt(_ left: Int, _ right: Int) { entries.swapAt(left, right) }
}

/// The steps by which elements move in a binary heap with the worst of them first, wherever they stand.
protocol HeapOrder {
    var count: Int { get }
    func isWorse(_ left: Int, _ right: Int) -> Bool
    mutating func swapAt(_ left: Int, _ right: Int)
}

extension HeapOrder {
    /// NaN is worse than everything, itself too.
    @inline(__always)
    static func isWorse(_ left: Double, _ right: Double, _ takesLargest: Bool) -> Bool {
        left.isNaN || (takesLargest ? left < right : left > right)
    }

    /// Whether a value is taken in where `worst` would have to go for it.
    @inline(__always)
    static func takes(_ value: Double, inPlaceOf worst: Double, _ takesLargest: Bool) -> Bool {
        if worst.isNaN { return !value.isNaN }
        return takesLargest ? worst < value : worst > value
    }

    mutating func rise(_ index: Int) {
        var place = index
        while place > 0, isWorse(place, (place - 1) / 2) {
            swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func sink() {
        var place = 0
        while 2 * place + 1 < count {
            var child = 2 * place + 1
            if child + 1 < count, isWorse(child + 1, child) { child += 1 }
            guard isWorse(child, place) else { return }
            swapAt(place, child)
            place = child
        }
    }
}
