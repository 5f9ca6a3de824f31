import Bytes

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
        NearestWord.nearest(to: name, among: names, leastReach: 1)
    }
}
