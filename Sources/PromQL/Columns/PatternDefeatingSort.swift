/// Sorts as Prometheus does, so that equal elements end in the same order.
///
/// The sort is not stable: where equal elements end depends on each step of it. It is pattern-defeating quicksort (O. Peters,
/// arXiv 2106.05123) with the choices of Go's library: short stretches by insertion, the median of three or nine as
/// pivot, shuffles from a generator that starts with the length.
struct PatternDefeatingSort<Element> {
    private var elements: [Element]
    private let precedes: (Element, Element) -> Bool

    /// Sorts by an order that need not be strict: of two that rank below everything each may precede the other.
    static func sort(_ elements: inout [Element], by precedes: (Element, Element) -> Bool) {
        guard elements.count > 1 else { return }
        withoutActuallyEscaping(precedes) { precedes in
            var sorting = PatternDefeatingSort(elements: elements, precedes: precedes)
            sorting.sort(0, elements.count, depth: Int.bitWidth - elements.count.leadingZeroBitCount)
            elements = sorting.elements
        }
    }

    private enum Hint { case none, rising, falling }

    private func isLess(_ left: Int, _ right: Int) -> Bool { precedes(elements[left], elements[right]) }

    private mutating func sort(_ first: Int, _ last: Int, depth: Int) {
        var (start, end, depth) = (first, last, depth)
        var wasBalanced = true
        var wasPartitioned = true
        while true {
            let length = end - start
            if length <= 12 { return sortByInsertion(start, end) }
            if depth == 0 { return sortByHeap(start, end) }
            if !wasBalanced {
                shuffle(start, end)
                depth -= 1
            }
            var (pivot, hint) = choosePivot(start, end)
            if hint == .falling {
                elements[start..<end].reverse()
                pivot = (end - 1) - (pivot - start)
                hint = .rising
            }
            if wasBalanced, wasPartitioned, hint == .rising, finishByInsertion(start, end) { return }
            if start > 0, !isLess(start - 1, pivot) {
                start = partitionEqual(start, end, pivot)
                continue
            }
            let middle: Int
            (middle, wasPartitioned) = partition(start, end, pivot)
            let (left, right) = (middle - start, end - middle)
            wasBalanced = min(left, right) >= length / 8
            if left < right {
                sort(start, middle, depth: depth)
                start = middle + 1
            } else {
                sort(middle + 1, end, depth: depth)
                end = middle
            }
        }
    }

    private mutating func sortByInsertion(_ start: Int, _ end: Int) {
        for index in start + 1..<max(start + 1, end) { sink(index, downTo: start) }
    }

    /// Moves an element towards `lowest` as long as it precedes its neighbour.
    private mutating func sink(_ index: Int, downTo lowest: Int) {
        var place = index
        while place > lowest, isLess(place, place - 1) {
            elements.swapAt(place, place - 1)
            place -= 1
        }
    }

    private mutating func sortByHeap(_ start: Int, _ end: Int) {
        let count = end - start
        for root in stride(from: (count - 1) / 2, through: 0, by: -1) { siftDown(root, count, start) }
        for last in stride(from: count - 1, through: 0, by: -1) {
            elements.swapAt(start, start + last)
            siftDown(0, last, start)
        }
    }

    private mutating func siftDown(_ from: Int, _ count: Int, _ start: Int) {
        var root = from
        while 2 * root + 1 < count {
            var child = 2 * root + 1
            if child + 1 < count, isLess(start + child, start + child + 1) { child += 1 }
            guard isLess(start + root, start + child) else { return }
            elements.swapAt(start + root, start + child)
            root = child
        }
    }

    /// What precedes the pivot to its left, the rest to its right; whether it was so already.
    private mutating func partition(_ start: Int, _ end: Int, _ pivot: Int) -> (middle: Int, wasPartitioned: Bool) {
        elements.swapAt(start, pivot)
        var (left, right) = (start + 1, end - 1)
        var swaps = 0
        while true {
            while left <= right, isLess(left, start) { left += 1 }
            while left <= right, !isLess(right, start) { right -= 1 }
            if left > right { break }
            elements.swapAt(left, right)
            swaps += 1
            left += 1
            right -= 1
        }
        elements.swapAt(right, start)
        return (right, swaps == 0)
    }

    /// What is equal to the pivot to the left; where the rest begins.
    private mutating func partitionEqual(_ start: Int, _ end: Int, _ pivot: Int) -> Int {
        elements.swapAt(start, pivot)
        var (left, right) = (start + 1, end - 1)
        while true {
            while left <= right, !isLess(start, left) { left += 1 }
            while left <= right, isLess(start, right) { right -= 1 }
            if left > right { return left }
            elements.swapAt(left, right)
            left += 1
            right -= 1
        }
    }

    /// Sorts what is nearly sorted; false where more than five pairs are out of order.
    private mutating func finishByInsertion(_ start: Int, _ end: Int) -> Bool {
        var index = start + 1
        for _ in 0..<5 {
            while index < end, !isLess(index, index - 1) { index += 1 }
            if index == end { return true }
            if end - start < 50 { return false }
            elements.swapAt(index, index - 1)
            if index - start >= 2 { sink(index - 1, downTo: 0) }
            var place = index + 1
            while end - index >= 2, place < end, isLess(place, place - 1) {
                elements.swapAt(place, place - 1)
                place += 1
            }
        }
        return false
    }

    /// Three elements change places, so that no pattern is met again and again; the places come from an xorshift.
    private mutating func shuffle(_ start: Int, _ end: Int) {
        let length = end - start
        guard length >= 8 else { return }
        var random = UInt64(length)
        let mask = (1 << (Int.bitWidth - length.leadingZeroBitCount)) - 1
        for index in start + length / 4 * 2 - 1...start + length / 4 * 2 + 1 {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            var other = Int(truncatingIfNeeded: random) & mask
            if other >= length { other -= length }
            elements.swapAt(index, start + other)
        }
    }

    private func choosePivot(_ start: Int, _ end: Int) -> (pivot: Int, hint: Hint) {
        let quarter = (end - start) / 4
        var swaps = 0
        var places = (start + quarter, start + quarter * 2, start + quarter * 3)
        if end - start >= 50 {
            places.0 = median(places.0 - 1, places.0, places.0 + 1, &swaps)
            places.1 = median(places.1 - 1, places.1, places.1 + 1, &swaps)
            places.2 = median(places.2 - 1, places.2, places.2 + 1, &swaps)
        }
        let pivot = median(places.0, places.1, places.2, &swaps)
        return (pivot, swaps == 0 ? .rising : swaps == 12 ? .falling : .none)
    }

    private func median(_ first: Int, _ second: Int, _ third: Int, _ swaps: inout Int) -> Int {
        var (low, middle, high) = (first, second, third)
        func order(_ left: inout Int, _ right: inout Int) {
            guard isLess(right, left) else { return }
            swaps += 1
            swap(&left, &right)
        }
        order(&low, &middle)
        order(&middle, &high)
        order(&low, &middle)
        return middle
    }
}
