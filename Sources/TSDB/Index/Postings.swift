/// A sorted set of series numbers.
///
/// A run of neighbours, as a metric name has in a partition, is kept as its bounds; everything else is a list.
struct Postings: Sendable {
    enum Storage: Sendable {
        case run(Range<UInt32>)
        /// Strictly ascending.
        case list([UInt32])
    }

    private(set) var storage: Storage

    static let empty = Postings(0..<0)

    init(_ run: Range<UInt32>) { storage = .run(run) }

    /// Takes a list that is strictly ascending already.
    init(ascending list: [UInt32]) {
        if let first = list.first, let last = list.last, Int(last - first) == list.count - 1 {
            storage = .run(first..<last + 1)
        } else {
            storage = list.isEmpty ? .run(0..<0) : .list(list)
        }
    }

    /// Sorts the numbers and drops repeated ones.
    init(unsorted list: [UInt32]) {
        var sorted = list
        sorted.sort()
        var kept = 0
        for number in sorted where kept == 0 || sorted[kept - 1] != number {
            sorted[kept] = number
            kept += 1
        }
        sorted.removeSubrange(kept...)
        self.init(ascending: sorted)
    }

    var count: Int {
        switch storage {
        case .run(let run): run.count
        case .list(let list): list.count
        }
    }

    var isEmpty: Bool { count == 0 }

    /// All numbers in order, as an array.
    var numbers: [UInt32] {
        switch storage {
        case .run(let run): Array(run)
        case .list(let list): list
        }
    }

    /// The number at a place, `0 ..< count`.
    subscript(_ place: Int) -> UInt32 {
        switch storage {
        case .run(let run): run.lowerBound + UInt32(place)
        case .list(let list): list[place]
        }
    }

    /// The numbers at neighbouring places.
    subscript(_ places: Range<Int>) -> Postings {
        switch storage {
        case .run(let run):
            Postings(run.lowerBound + UInt32(places.lowerBound)..<run.lowerBound + UInt32(places.upperBound))
        case .list(let list): Postings(ascending: Array(list[places]))
        }
    }

    /// What the numbers take.
    var byteCount: Int {
        switch storage {
        case .run: 0
        case .list(let list): list.count * 4
        }
    }

    func contains(_ number: UInt32) -> Bool {
        switch storage {
        case .run(let run): run.contains(number)
        case .list(let list):
            Self.firstIndex(in: list, from: 0, notBelow: number).map { list[$0] == number } ?? false
        }
    }

    func forEach<Failure: Error>(_ body: (UInt32) throws(Failure) -> Void) throws(Failure) {
        switch storage {
        case .run(let run): for number in run { try body(number) }
        case .list(let list): for number in list { try body(number) }
        }
    }
}

// MARK: Set algebra

extension Postings {
    func intersection(_ other: Postings) -> Postings {
        switch (storage, other.storage) {
        case (.run(let left), .run(let right)): return Postings(left.clamped(to: right))
        case (.run(let run), .list(let list)), (.list(let list), .run(let run)):
            let lower = Self.firstIndex(in: list, from: 0, notBelow: run.lowerBound) ?? list.count
            let upper = Self.firstIndex(in: list, from: lower, notBelow: run.upperBound) ?? list.count
            return Postings(ascending: Array(list[lower..<upper]))
        case (.list(let left), .list(let right)):
            return left.count <= right.count ? Self.intersect(left, right) : Self.intersect(right, left)
        }
    }

    /// Walks the shorter list and leaps through the longer one.
    private static func intersect(_ short: [UInt32], _ long: [UInt32]) -> Postings {
        var result: [UInt32] = []
        result.reserveCapacity(short.count)
        var position = 0
        for number in short {
            guard let found = firstIndex(in: long, from: position, notBelow: number) else { break }
            position = found
            if long[position] == number { result.append(number) }
        }
        return Postings(ascending: result)
    }

    func subtracting(_ other: Postings) -> Postings {
        if isEmpty || other.isEmpty { return self }
        var result: [UInt32] = []
        switch other.storage {
        case .run(let hole):
            switch storage {
            case .run(let run):
                if hole.lowerBound <= run.lowerBound {
                    return Postings(max(run.lowerBound, min(hole.upperBound, run.upperBound))..<run.upperBound)
                }
                if hole.upperBound >= run.upperBound {
                    return Postings(run.lowerBound..<min(run.upperBound, hole.lowerBound))
                }
                return Postings(
                    ascending: Array(run.lowerBound..<hole.lowerBound) + Array(hole.upperBound..<run.upperBound))
            case .list(let list): result = list.filter { !hole.contains($0) }
            }
        case .list(let holes):
            result.reserveCapacity(count)
            var position = 0
            forEach { number in
                position = Self.firstIndex(in: holes, from: position, notBelow: number) ?? holes.count
                if position == holes.count || holes[position] != number { result.append(number) }
            }
        }
        return Postings(ascending: result)
    }

    /// The union of many sets.
    static func union(_ sets: [Postings]) -> Postings {
        let filled = sets.filter { !$0.isEmpty }
        guard let first = filled.first else { return .empty }
        if filled.count == 1 { return first }
        var numbers: [UInt32] = []
        numbers.reserveCapacity(filled.reduce(0) { $0 + $1.count })
        var isAscending = true
        for set in filled {
            let start = numbers.count
            switch set.storage {
            case .run(let run): numbers.append(contentsOf: run)
            case .list(let list): numbers.append(contentsOf: list)
            }
            if start > 0, numbers[start - 1] >= numbers[start] { isAscending = false }
        }
        if isAscending { return Postings(ascending: numbers) }
        let top = numbers.max() ?? 0
        // A bit set is cheaper than sorting unless the numbers are few and far between.
        return numbers.count > Int(top) / 64 ? bitUnion(of: numbers, below: Int(top) + 1) : Postings(unsorted: numbers)
    }

    private static func bitUnion(of numbers: [UInt32], below limit: Int) -> Postings {
        var words = [UInt64](repeating: 0, count: (limit + 63) / 64)
        for number in numbers { words[Int(number >> 6)] |= 1 << UInt64(number & 63) }
        var result: [UInt32] = []
        result.reserveCapacity(numbers.count)
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                result.append(UInt32(truncatingIfNeeded: index &* 64 &+ rest.trailingZeroBitCount))
                rest &= rest &- 1
            }
        }
        return Postings(ascending: result)
    }

    /// The first index at or after `start` whose number is not below `number`: doubling steps, then halving.
    private static func firstIndex(in list: [UInt32], from start: Int, notBelow number: UInt32) -> Int? {
        guard start < list.count else { return nil }
        var step = 1
        var lower = start
        var upper = start
        while upper < list.count, list[upper] < number {
            lower = upper + 1
            upper += step
            step *= 2
        }
        upper = min(upper, list.count)
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if list[middle] < number { lower = middle + 1 } else { upper = middle }
        }
        return lower < list.count ? lower : nil
    }
}

extension Postings: Equatable {
    static func == (left: Postings, right: Postings) -> Bool {
        switch (left.storage, right.storage) {
        case (.run(let left), .run(let right)): left == right || (left.isEmpty && right.isEmpty)
        case (.list(let left), .list(let right)): left == right
        default: false
        }
    }
}
