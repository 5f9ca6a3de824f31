/// Finds the function that a misspelt name probably meant.
enum FunctionSuggestion {
    private static let aggregations = AggregationOperator.allCases.map(\.rawValue)
    private static let functions = Function.allCases.map(\.rawValue) + aggregations
    /// What may stand behind an expression or in a modifier.
    private static let words = [
        "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "anchored", "smoothed",
        "start", "end", "and", "or", "unless", "atan2",
    ]

    /// The nearest name of a function or aggregation, nil where none is near.
    static func nearest(to name: String) -> String? { nearest(to: name, of: functions) }

    /// The nearest aggregation, for a name that grouping labels follow.
    static func nearestAggregation(to name: String) -> String? { nearest(to: name, of: aggregations) }

    /// The nearest word of the language, for an identifier where there may be none.
    static func nearestWord(to name: String) -> String? {
        name.utf8.count < 3 ? nil : nearest(to: name, of: words)
    }

    private static func nearest(to name: String, of names: [String]) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let lowercase = Array(name.lowercased().utf8)
        // Of equally near names one that was begun is meant: `rat` is `rate`, not `rad`.
        let scored = names.map { candidate in
            let isBegun = candidate.hasPrefix(name.lowercased())
            return (name: candidate, distance: distance(lowercase, Array(candidate.utf8)), rank: isBegun ? 0 : 1)
        }
        let best = scored.min { ($0.distance, $0.rank, $0.name) < ($1.distance, $1.rank, $1.name) }
        guard let best else { return nil }
        return best.distance <= max(1, lowercase.count / 3) ? best.name : nil
    }

    /// Damerau's distance, restricted to neighbours: insertions, deletions, replacements and swaps.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        for (row, leftByte) in left.enumerated() {
            var line = [row + 1] + [Int](repeating: 0, count: right.count)
            for (column, rightByte) in right.enumerated() {
                let replaced = previous[column] + (leftByte == rightByte ? 0 : 1)
                line[column + 1] = min(replaced, previous[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, leftByte == right[column - 1], left[row - 1] == rightByte {
                    line[column + 1] = min(line[column + 1], beforePrevious[column - 1] + 1)
                }
            }
            beforePrevious = previous
            previous = line
        }
        return previous[right.count]
    }
}
