import MetricModel

/// Prometheus' order of label sets over their encoded bytes, without making slices: results are sorted by it.
enum LabelOrder {
    /// Whether one set comes before another: pair by pair, name before value, the shorter set first.
    /// - Complexity: O(bytes)
    static func precedes(_ left: LabelSet, _ right: LabelSet) -> Bool {
        let leftBytes = left.encoded.span
        let rightBytes = right.encoded.span
        var leftPosition = 0
        var rightPosition = 0
        while true {
            guard leftPosition < leftBytes.count, rightPosition < rightBytes.count else {
                return leftPosition >= leftBytes.count && rightPosition < rightBytes.count
            }
            // A name, then a value: both are a length and that many bytes.
            for _ in 0..<2 {
                let leftRange = text(leftBytes, &leftPosition)
                let rightRange = text(rightBytes, &rightPosition)
                let order = compare(leftBytes, leftRange, rightBytes, rightRange)
                if order != 0 { return order < 0 }
            }
        }
    }

    /// Puts series in order; those that are in order already, as they come from the store, are only looked at.
    static func sort(_ series: inout [MatrixSeries]) {
        var isSorted = true
        for index in series.indices.dropFirst() where precedes(series[index].labels, series[index - 1].labels) {
            isSorted = false
            break
        }
        if !isSorted { series.sort { precedes($0.labels, $1.labels) } }
    }

    @inline(__always)
    private static func text(_ bytes: Span<UInt8>, _ position: inout Int) -> Range<Int> {
        var length = 0
        var shift = 0
        while true {
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        let start = position
        position += length
        return start..<position
    }

    @inline(__always)
    private static func compare(
        _ left: Span<UInt8>, _ leftRange: Range<Int>, _ right: Span<UInt8>, _ rightRange: Range<Int>
    ) -> Int {
        let shared = min(leftRange.count, rightRange.count)
        var index = 0
        while index < shared {
            let difference = Int(left[leftRange.lowerBound + index]) - Int(right[rightRange.lowerBound + index])
            if difference != 0 { return difference }
            index += 1
        }
        return leftRange.count - rightRange.count
    }
}
