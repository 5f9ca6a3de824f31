internal import CColumns

/// The least and the greatest of some integers.
struct IntegerSpan {
    private(set) var least = Int64.max
    private(set) var greatest = Int64.min

    @inline(__always)
    mutating func note(_ value: Int64) {
        least = min(least, value)
        greatest = max(greatest, value)
    }

    init() {}

    init(least: Int64, greatest: Int64) {
        self.least = least
        self.greatest = greatest
    }

    /// The greatest less the least; right as an unsigned number even where a signed one would not hold it.
    var range: UInt64 { UInt64(bitPattern: greatest &- least) }

    /// How many bytes a number needs.
    static func byteCount(_ number: UInt64) -> Int { (71 &- number.leadingZeroBitCount) &>> 3 }
}

/// The spans of values, their differences, and the differences of those, found in one walk.
struct OrderSpans {
    private var values = IntegerSpan()
    private var differences = IntegerSpan()
    private var seconds = IntegerSpan()
    /// Differences that are zero.
    private var zeroCount = 0
    /// The orders that may take the fewest bytes.
    private(set) var candidates: InlineArray<3, Int> = [0, 1, 2]
    private(set) var candidateCount = 1

    /// Looks at `count` values, at least one.
    init(_ numbers: UnsafePointer<Int64>, count: Int) {
        guard count > 2 else {
            for index in 0..<count { values.note(unsafe numbers[index]) }
            if count == 2 { differences.note(unsafe numbers[1] &- numbers[0]) }
            choose(count: count)
            return
        }
        var found = ccolumns_spans()
        unsafe ccolumns_find_spans(numbers, count, &found)
        values = IntegerSpan(least: found.least.0, greatest: found.greatest.0)
        differences = IntegerSpan(least: found.least.1, greatest: found.greatest.1)
        seconds = IntegerSpan(least: found.least.2, greatest: found.greatest.2)
        zeroCount = Int(found.zero_differences)
        choose(count: count)
    }

    subscript(order: Int) -> IntegerSpan { order == 0 ? values : order == 1 ? differences : seconds }

    /// Differences alone where they are narrower by three bits, or where what only grows mostly stays as it is.
    ///
    /// Elsewhere values and differences are both counted, because a few outliers make spans equal. Differences of
    /// differences are worth a look only where their span is narrower by a byte.
    private mutating func choose(count: Int) {
        if values.range == 0 { return }
        if differences.range == 0 {
            candidates[0] = 1
            return
        }
        guard count > 2 else { return }
        if seconds.range == 0 {
            candidates[0] = 2
            return
        }
        let isNarrower = IntegerSpan.byteCount(seconds.range) < IntegerSpan.byteCount(differences.range)
        let isSparse = differences.least == 0 && zeroCount &* 2 > count
        if isSparse || differences.range <= values.range &>> 3 {
            candidates[0] = 1
            candidates[1] = 2
            candidateCount = isNarrower && !isSparse ? 2 : 1
        } else {
            candidateCount = isNarrower ? 3 : 2
        }
    }
}
