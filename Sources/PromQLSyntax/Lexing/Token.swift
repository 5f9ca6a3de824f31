import MetricModel

/// The words that are not operators or aggregators and still mean something to the grammar.
enum Keyword: String, CaseIterable {
    case offset, smoothed, anchored, by, without, on, ignoring, fill, bool
    case groupLeft = "group_left"
    case groupRight = "group_right"
    case fillLeft = "fill_left"
    case fillRight = "fill_right"
    case start, end, step, range
    case maxOf = "max_of"
    case minOf = "min_of"

    /// These may be called like functions, and are shown in quotes rather than in angle brackets.
    var isCallable: Bool {
        switch self {
        case .start, .end, .step, .range, .maxOf, .minOf: true
        default: false
        }
    }

    /// Whether a metric may have this name without quotes.
    var canNameMetric: Bool {
        switch self {
        case .bool, .on, .ignoring, .groupLeft, .groupRight: false
        default: true
        }
    }
}

/// The smallest parts of a query.
struct Token {
    enum Kind: Hashable {
        case endOfInput
        case identifier
        /// An identifier with a colon.
        case metricIdentifier
        case string
        case number
        case duration
        case comma, colon
        case leftParenthesis, rightParenthesis
        case leftBrace, rightBrace
        case leftBracket, rightBracket
        case at
        /// `=`, `=~` and `!~`; `!=` is the binary operator.
        case assign, matchRegex, matchNotRegex
        case binaryOperator(BinaryOperator)
        case aggregator(AggregationOperator)
        case keyword(Keyword)
    }

    var kind: Kind
    var range: SourceRange
    var text: String

    /// The token as the texts of errors name it.
    var errorName: String {
        switch kind {
        case .endOfInput: "end of input"
        case .identifier: "identifier \(LabelName.quoted(text))"
        case .metricIdentifier: "metric identifier \(LabelName.quoted(text))"
        case .string: "string \(shortened)"
        case .number: "number \(shortened)"
        case .duration: "duration \(shortened)"
        case .binaryOperator, .at: "<op:\(text)>"
        case .matchRegex, .matchNotRegex: "<op:\(text)>"
        case .aggregator: "<aggr:\(text)>"
        case .keyword(let keyword): keyword.isCallable ? LabelName.quoted(text) : "<\(text)>"
        default: shortened
        }
    }

    /// The longest text that is shown whole.
    private static let shownCharacters = 10

    private var shortened: String {
        guard text.utf8.count > Self.shownCharacters else { return LabelName.quoted(text) }
        return LabelName.quoted(String(text.unicodeScalars.prefix(Self.shownCharacters))) + "..."
    }
}
