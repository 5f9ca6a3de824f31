import MetricModel
import PromQLSyntax

/// `sort`, `sort_desc`, `sort_by_label` and `sort_by_label_desc`; only the order of an instant query's result changes.
struct SortFunction: VectorOperator {
    let operand: any VectorOperator
    let isDescending: Bool
    /// The labels to sort by, nil to sort by value.
    let labels: [String]?
    let range: SourceRange
    /// It is evaluated from one time to another, of a query or a subquery, and not once.
    let coversTime: Bool

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        if coversTime {
            context.warn(
                "sort is ineffective for range queries since results are always ordered by labels", at: range)
        }
        let collected = try operand.collect(context)
        var series = collected.series
        if let labels { sort(&series, by: labels) } else { sortByValue(&series) }
        for index in series.indices { try body(&series[index]) }
        context.release(collected.cost)
    }

    /// NaN comes last in both directions; histograms have no value to sort by.
    private func sortByValue(_ series: inout [StepSeries]) {
        for index in series.indices { series[index].dropHistograms() }
        series.removeAll { $0.isEmpty }
        guard timeline.count == 1 else { return }
        let isDescending = isDescending
        // An element precedes NaN, whichever it is.
        PatternDefeatingSort.sort(&series) { left, right in
            let (left, right) = (left.values[0], right.values[0])
            return right.isNaN || (isDescending ? left > right : left < right)
        }
    }

    private func sort(_ series: inout [StepSeries], by labels: [String]) {
        let isDescending = isDescending
        series.sort { left, right in
            for label in labels {
                let leftText = left.labels.value(of: label)
                let rightText = right.labels.value(of: label)
                if leftText == rightText { continue }
                let precedes = NaturalOrder.precedes(leftText, rightText)
                return isDescending ? !precedes : precedes
            }
            return isDescending ? right.labels < left.labels : left.labels < right.labels
        }
    }
}

/// The order of texts in which runs of digits count as numbers: `cpu2` before `cpu10`.
enum NaturalOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        let leftBytes = Array(left.utf8)
        let rightBytes = Array(right.utf8)
        var leftIndex = 0
        var rightIndex = 0
        while leftIndex < leftBytes.count, rightIndex < rightBytes.count {
            if isDigit(leftBytes[leftIndex]), isDigit(rightBytes[rightIndex]) {
                let leftRun = run(leftBytes, &leftIndex)
                let rightRun = run(rightBytes, &rightIndex)
                let leftNumber = leftRun.drop { $0 == UInt8(ascii: "0") }
                let rightNumber = rightRun.drop { $0 == UInt8(ascii: "0") }
                if leftNumber.count != rightNumber.count { return leftNumber.count < rightNumber.count }
                if !leftNumber.elementsEqual(rightNumber) {
                    return leftNumber.lexicographicallyPrecedes(rightNumber)
                }
                if leftRun.count != rightRun.count { return leftRun.count < rightRun.count }
                continue
            }
            if leftBytes[leftIndex] != rightBytes[rightIndex] { return leftBytes[leftIndex] < rightBytes[rightIndex] }
            leftIndex += 1
            rightIndex += 1
        }
        return leftBytes.count - leftIndex < rightBytes.count - rightIndex
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func run(_ bytes: [UInt8], _ index: inout Int) -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count, isDigit(bytes[index]) { index += 1 }
        return bytes[start..<index]
    }
}
