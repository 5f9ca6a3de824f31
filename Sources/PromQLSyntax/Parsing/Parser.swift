package import MetricModel

/// Makes trees of texts, by recursive descent with the precedence of operators.
///
/// Error texts are those of Prometheus' parser, and so is the place an error is reported for.
package struct Parser {
    let options: ParserOptions
    var lexer: Lexer
    /// The token that is looked at and not yet taken.
    var current: Token
    /// The end of the last token taken.
    var takenEnd = 0
    /// The aggregations whose parentheses are open.
    var openAggregations = 0
    /// Where the duration stands that is being read.
    var durationPlace = DurationPlace.window
    private var nesting = 0
    private var operations = 0

    /// The tree of a query, type-checked.
    package static func parse(_ text: String, options: ParserOptions = .all) throws(SyntaxError) -> Expression {
        var parser = try Parser(text, options)
        if parser.current.kind == .endOfInput {
            throw SyntaxError("no expression found in input", range: SourceRange(0, 0), in: text)
        }
        let expression = try parser.parseExpression(minimumPrecedence: .or)
        guard parser.current.kind == .endOfInput else { throw parser.unexpected() }
        return try TypeChecker(text: text).checked(expression)
    }

    /// The matchers of a selector without modifiers, as a query may have it: `name{label="value"}`.
    package static func parseSelector(_ text: String) throws(SyntaxError) -> [LabelMatcher] {
        let selector = try bareSelector(text)
        try TypeChecker(text: text).check(selector)
        return selector.matchers
    }

    /// The matchers of a selector without modifiers, as `match[]` of the HTTP API may have it.
    ///
    /// As in Prometheus, it is not held to the rules of queries: every series may fit it, as `{}`, and a name may be set twice, which
    /// nothing fits.
    package static func parseMatchers(_ text: String) throws(SyntaxError) -> [LabelMatcher] {
        try bareSelector(text).matchers
    }

    private static func bareSelector(_ text: String) throws(SyntaxError) -> VectorSelector {
        var parser = try Parser(text, .all)
        guard parser.isAtSelector else { throw parser.unexpected() }
        let selector = try parser.parseVectorSelector()
        guard parser.current.kind == .endOfInput else { throw parser.unexpected() }
        return selector
    }

    init(_ text: String, _ options: ParserOptions) throws(SyntaxError) {
        guard text.utf8.count <= ParserOptions.textLimitBytes else {
            throw SyntaxError(
                "query is longer than \(ParserOptions.textLimitBytes) bytes", range: SourceRange(0, 0), in: "")
        }
        self.options = options
        lexer = Lexer(text)
        current = try lexer.next()
    }

    // MARK: - Tokens

    /// Moves on and gives the token that was looked at.
    @discardableResult
    mutating func take() throws(SyntaxError) -> Token {
        let taken = current
        takenEnd = taken.range.end
        current = try lexer.next()
        return taken
    }

    /// Moves on if the current token is of this kind.
    mutating func takeIf(_ kind: Token.Kind) throws(SyntaxError) -> Bool {
        guard current.kind == kind else { return false }
        try take()
        return true
    }

    mutating func expect(_ kind: Token.Kind, in context: String, expected: String) throws(SyntaxError) {
        guard current.kind == kind else { throw unexpected(in: context, expected: expected) }
        try take()
    }

    /// The error that complains of the current token.
    ///
    /// Where the grammar has no context of its own, the aggregation around it is named.
    func unexpected(in context: String? = nil, expected: String = "") -> SyntaxError {
        var message = "unexpected " + current.errorName
        let context = context ?? (openAggregations > 0 ? "aggregation" : "")
        if !context.isEmpty { message += " in " + context }
        if !expected.isEmpty { message += ", expected " + expected }
        var error = error(message, current.range)
        error.suggestion = suggestion
        return error
    }

    /// What the current token, or the one before it, probably should have been.
    private var suggestion: String? {
        switch current.kind {
        case .identifier: FunctionSuggestion.nearestWord(to: current.text)
        case .keyword(.by), .keyword(.without): FunctionSuggestion.nearestAggregation(to: wordBefore)
        default: nil
        }
    }

    /// The name that ends where the tokens end that were taken; empty where something else does.
    private var wordBefore: String {
        let before = lexer.text.utf8.prefix(takenEnd).reversed().prefix { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return String(decoding: before.reversed(), as: UTF8.self)
    }

    func error(_ message: String, _ range: SourceRange) -> SyntaxError {
        SyntaxError(message, range: range, in: lexer.text)
    }

    // MARK: - Limits

    mutating func enterLevel() throws(SyntaxError) {
        nesting += 1
        guard nesting <= ParserOptions.nestingLimit else {
            throw error("query is nested deeper than \(ParserOptions.nestingLimit) levels", current.range)
        }
    }

    mutating func leaveLevel() { nesting -= 1 }

    /// - Parameter left: What the operator follows. A fault in it is told first: with any number of operators it would be there.
    mutating func countOperation(after left: Expression? = nil) throws(SyntaxError) {
        operations += 1
        guard operations <= ParserOptions.operationLimit else {
            if let left { _ = try TypeChecker(text: lexer.text).checked(left) }
            throw error("query has more than \(ParserOptions.operationLimit) operators", current.range)
        }
    }

    // MARK: - Expressions

    /// An expression of operators that bind at least as strongly as `minimumPrecedence`.
    mutating func parseExpression(minimumPrecedence: Precedence) throws(SyntaxError) -> Expression {
        try enterLevel()
        defer { leaveLevel() }
        var left = try parseUnary()
        while case .binaryOperator(let symbol) = current.kind {
            let precedence = Precedence(of: symbol)
            guard precedence >= minimumPrecedence else { break }
            try countOperation(after: left)
            try take()
            let modifiers = try parseBinaryModifiers()
            let right = try parseExpression(
                minimumPrecedence: symbol == .power ? precedence : precedence.next)
            let range = left.range.union(right.range)
            if !options.allowsFillModifiers, modifiers.matching.fillLeft != nil || modifiers.matching.fillRight != nil {
                throw error("binop fill modifiers are experimental and not enabled", range)
            }
            left = .binary(
                BinaryOperation(
                    symbol, left, right, returnsBool: modifiers.returnsBool, matching: modifiers.matching, range: range)
            )
        }
        return left
    }

    /// A sign binds like a multiplication: `-2 ^ 2` is -4, `-a * b` is `(-a) * b`.
    private mutating func parseUnary() throws(SyntaxError) -> Expression {
        guard case .binaryOperator(let symbol) = current.kind, symbol == .add || symbol == .subtract else {
            return try parsePostfix()
        }
        try countOperation()
        let sign = try take()
        let operand = try parseExpression(minimumPrecedence: .power)
        if case .number(var number) = operand {
            if symbol == .subtract && !number.value.isNaN { number.value = -number.value }
            number.range.start = sign.range.start
            return .number(number)
        }
        let range = SourceRange(sign.range.start, operand.range.end)
        return .unary(UnaryOperation(isNegative: symbol == .subtract, operand, range: range))
    }
}

/// How strongly operators bind, from weak to strong.
enum Precedence: Int, Comparable {
    case or, and, comparison, addition, multiplication, power, atom

    init(of symbol: BinaryOperator) {
        switch symbol {
        case .or: self = .or
        case .and, .unless: self = .and
        case .equal, .notEqual, .less, .greater, .lessOrEqual, .greaterOrEqual: self = .comparison
        case .trimUpper, .trimLower: self = .comparison
        case .add, .subtract: self = .addition
        case .multiply, .divide, .modulo, .arcTangent: self = .multiplication
        case .power: self = .power
        }
    }

    var next: Precedence { Precedence(rawValue: rawValue + 1) ?? .atom }

    static func < (left: Precedence, right: Precedence) -> Bool { left.rawValue < right.rawValue }
}
