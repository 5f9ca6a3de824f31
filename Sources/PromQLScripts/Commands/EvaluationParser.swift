import Bytes
import MetricModel
import PromQLSyntax

/// Reads `eval` commands.
enum EvaluationParser {
    static func parse(
        _ word: String, _ words: inout WordReader, body: ArraySlice<Substring>
    ) throws(ScriptError) -> EvaluationCase {
        let variant = word.dropFirst("eval".count)
        guard ["", "_fail", "_warn", "_info", "_ordered"].contains(variant) else {
            throw ScriptError("unknown command \(LabelName.quoted(word))")
        }
        let times = try times(&words)
        let text = String(words.rest)
        let expression: Expression
        do {
            expression = try Parser.parse(text)
        } catch {
            throw ScriptError("the query is not in PromQL: \(error)")
        }
        var result = EvaluationCase(times: times, text: text, expression: expression)
        switch variant {
        case "_fail": result.failure = .any
        case "_warn": result.warnings.texts = [.any]
        case "_info": result.infos.texts = [.any]
        case "_ordered": result.isOrdered = true
        default: break
        }
        try readBody(body, into: &result, isDeprecatedFailure: variant == "_fail")
        return result
    }

    private static func times(_ words: inout WordReader) throws(ScriptError) -> EvaluationCase.Times {
        switch words.next() {
        case "instant":
            try words.expect("at")
            return .instant(try words.duration("the time of an instant query"))
        case "range":
            try words.expect("from")
            let grid = try grid(&words)
            return .range(start: grid.start, end: grid.end, step: grid.step)
        default:
            throw ScriptError(
                "an evaluation is written: eval instant at T QUERY or eval range from A to B step S QUERY")
        }
    }

    /// What follows `from`: `A to B step S`.
    private static func grid(_ words: inout WordReader) throws(ScriptError) -> EvaluationCase.RangeVectorGrid {
        let start = try words.duration("the start of a range")
        try words.expect("to")
        let end = try words.duration("the end of a range")
        try words.expect("step")
        let step = try words.duration("the step of a range")
        guard end >= start, step > 0 else { throw ScriptError("a range ends after its start and its step is above 0") }
        return EvaluationCase.RangeVectorGrid(start: start, end: end, step: step)
    }

    // MARK: - The body

    private static func readBody(
        _ body: ArraySlice<Substring>, into result: inout EvaluationCase, isDeprecatedFailure: Bool
    ) throws(ScriptError) {
        for line in body {
            var words = WordReader(line)
            let word = words.next() ?? ""
            if isDeprecatedFailure, word == "expected_fail_message" {
                result.failure = .exactly(String(words.rest))
                return
            }
            if isDeprecatedFailure, word == "expected_fail_regexp" {
                result.failure = .matching(try pattern(String(words.rest)))
                return
            }
            if word == "expect", !words.rest.isEmpty {
                try readExpectation(&words, into: &result)
                continue
            }
            if let number = number(line) {
                result.expectedScalar = number
                return
            }
            try readSeries(String(line), into: &result)
        }
    }

    private static func readSeries(_ line: String, into result: inout EvaluationCase) throws(ScriptError) {
        let series: SeriesNotation.Series
        do {
            series = try SeriesNotation.parse(line)
        } catch {
            throw ScriptError("\(line): \(error)")
        }
        if case .instant = result.times, result.rangeVectorGrid == nil, series.values.count > 1 {
            throw ScriptError("an instant query expects one value a series: \(line)")
        }
        result.expectedSeries.append(.init(labels: series.labels, values: series.values))
    }

    /// A number that is the whole line.
    private static func number(_ line: Substring) -> Double? {
        let text = line.lowercased()
        switch text {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan": return SpecialValue.notANumber
        default: break
        }
        guard let first = text.utf8.first, text.utf8.allSatisfy({ !($0 == 0x20 || $0 == 0x7b) }),
            (0x30...0x39).contains(first) || first == 0x2b || first == 0x2d || first == 0x2e
        else { return nil }
        if let integer = integer(text) { return integer }
        return DecimalParsing.parse(text)
    }

    /// An integer with the base that its beginning tells, as Go's `ParseInt` takes it: 017 is fifteen.
    private static func integer(_ text: String) -> Double? {
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits = digits.dropFirst() }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)] where digits.hasPrefix(prefix) {
            guard digits.count > prefix.count else { break }
            radix = base
            digits = digits.dropFirst(prefix.count)
            break
        }
        guard let first = digits.first, first != "+", first != "-" else { return nil }
        return Int64(digits.filter { $0 != "_" }, radix: radix).map { isNegative ? -Double($0) : Double($0) }
    }

    private static func readExpectation(
        _ words: inout WordReader, into result: inout EvaluationCase
    ) throws(ScriptError) {
        let kind = words.next() ?? ""
        if kind == "range" {
            try words.expect("vector")
            try words.expect("from")
            let grid = try grid(&words)
            guard case .instant = result.times else {
                throw ScriptError("only instant queries can be expected to give a range vector")
            }
            result.rangeVectorGrid = grid
            result.times = .instant(grid.end)
            return
        }
        if kind == "string" {
            result.expectedString = try string(String(words.rest))
            return
        }
        let text = try textExpectation(words.rest)
        switch kind {
        case "ordered": result.isOrdered = true
        case "fail":
            if result.failure != nil { throw ScriptError("only one failure can be expected") }
            result.failure = text
        case "warn": result.warnings.texts.append(text)
        case "no_warn": result.warnings.mustBeNone = true
        case "info": result.infos.texts.append(text)
        case "no_info": result.infos.mustBeNone = true
        default: throw ScriptError("unknown expectation \(LabelName.quoted(String(kind)))")
        }
        for expectation in [result.warnings, result.infos] where expectation.mustBeNone && !expectation.texts.isEmpty {
            throw ScriptError("an annotation is both expected and not expected")
        }
    }

    private static func textExpectation(_ rest: Substring) throws(ScriptError) -> TextExpectation {
        if rest.isEmpty { return .any }
        let content = ScriptParser.trimmed(rest.drop { $0 != ":" }.dropFirst())
        if rest.hasPrefix("msg:") { return .exactly(String(content)) }
        if rest.hasPrefix("regex:") { return .matching(try pattern(String(content))) }
        throw ScriptError("an expectation is followed by msg: or regex:, not by \(rest)")
    }

    private static func pattern(_ source: String) throws(ScriptError) -> RegexPattern {
        do {
            return try RegexPattern(source)
        } catch {
            throw ScriptError(error.description)
        }
    }

    /// A quoted string is an expression of its own, so its parser reads it.
    private static func string(_ text: String) throws(ScriptError) -> String {
        guard let expression = try? Parser.parse(text), case .string(let literal) = expression else {
            throw ScriptError("not a quoted string: \(text)")
        }
        return literal.value
    }
}
