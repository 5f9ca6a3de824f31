import Bytes
import Glibc
import MetricModel
import PromQLSyntax

/// Functions of instant vectors and scalars.
extension NaiveEvaluator {
    func call(_ call: Call, at time: Int64) throws -> NaiveValue {
        if call.arguments.contains(where: { $0.type == .rangeVector }) {
            return .vector(try rangeCall(call, at: time))
        }
        if call.function.signature.returnType == .scalar { return .scalar(try scalarCall(call, at: time)) }
        if let function = Self.elementwise(call.function) {
            let operand =
                call.arguments.isEmpty
                ? [NaiveElement(labels: [:], number: .float(Double(time) / 1000))]
                : try vector(call.arguments[0], at: time)
            return .vector(try floats(operand) { function($0) })
        }
        switch call.function {
        case .clamp, .clampMin, .clampMax, .round: return .vector(try bounded(call, at: time))
        case .vector:
            return .vector([NaiveElement(labels: [:], number: .float(try scalar(call.arguments[0], at: time)))])
        case .timestamp: return .vector(try timestamps(call.arguments[0], at: time))
        case .startTimestamp: return .vector(try nameless(startTimestamps(call.arguments[0], at: time)))
        case .absent:
            return .vector(try vector(call.arguments[0], at: time).isEmpty ? [absence(call.arguments[0])] : [])
        case .labelReplace, .labelJoin: return .vector(try relabelled(call, at: time))
        case .info: return .vector(try info(call, at: time))
        case .sort, .sortDescending: return .vector(try sorted(call, at: time))
        case .sortByLabel, .sortByLabelDescending:
            if step != 0 { warnAboutSorting(call) }
            return .vector(try sortedByLabels(call, at: time))
        default: return .vector(try histogramCall(call, at: time))
        }
    }

    /// The floats changed one by one, names dropped; histograms have no place.
    func floats(_ elements: [NaiveElement], _ change: (Double) -> Double?) throws -> [NaiveElement] {
        try nameless(
            elements.compactMap { element in
                guard let value = element.number.float, let changed = change(value) else { return nil }
                var result = element
                result.number = .float(changed)
                return result
            })
    }

    private static func elementwise(_ function: Function) -> ((Double) -> Double)? {
        switch function {
        case .abs: { abs($0) }
        case .ceil: { Glibc.ceil($0) }
        case .floor: { Glibc.floor($0) }
        case .exp: { Elementary.exp($0) }
        case .sqrt: { Glibc.sqrt($0) }
        case .ln: { Elementary.log($0) }
        case .log2: { Elementary.log2($0) }
        case .log10: { Elementary.log10($0) }
        case .sin: { Elementary.sin($0) }
        case .cos: { Elementary.cos($0) }
        case .tan: { Elementary.tan($0) }
        case .asin: { Elementary.asin($0) }
        case .acos: { Elementary.acos($0) }
        case .atan: { Elementary.atan($0) }
        case .sinh: { Elementary.sinh($0) }
        case .cosh: { Elementary.cosh($0) }
        case .tanh: { Elementary.tanh($0) }
        case .asinh: { Elementary.asinh($0) }
        case .acosh: { Elementary.acosh($0) }
        case .atanh: { Elementary.atanh($0) }
        case .deg: { $0 * 180 / Double.pi }
        case .rad: { $0 * Double.pi / 180 }
        case .sgn: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
        case .minute: { NaiveDate($0).minute }
        case .hour: { NaiveDate($0).hour }
        case .dayOfWeek: { NaiveDate($0).weekday }
        case .dayOfMonth: { NaiveDate($0).day }
        case .dayOfYear: { NaiveDate($0).dayOfYear }
        case .month: { NaiveDate($0).month }
        case .year: { NaiveDate($0).year }
        case .daysInMonth: { NaiveDate($0).daysInMonth }
        default: nil
        }
    }

    private func bounded(_ call: Call, at time: Int64) throws -> [NaiveElement] {
        let operand = try vector(call.arguments[0], at: time)
        let first = call.arguments.count > 1 ? try scalar(call.arguments[1], at: time) : 1
        let second = call.arguments.count > 2 ? try scalar(call.arguments[2], at: time) : 0
        return try floats(operand) { value in
            switch call.function {
            case .clamp: second < first ? nil : Self.maximum(first, Self.minimum(second, value))
            case .clampMin: Self.maximum(first, value)
            case .clampMax: Self.minimum(first, value)
            default: Glibc.floor(value * (1 / first) + 0.5) / (1 / first)
            }
        }
    }

    /// Go's minimum: NaN wins over all but minus infinity.
    static func minimum(_ left: Double, _ right: Double) -> Double {
        if left == -.infinity || right == -.infinity { return -.infinity }
        return left.isNaN || right.isNaN ? .nan : min(left, right)
    }

    static func maximum(_ left: Double, _ right: Double) -> Double { -minimum(-left, -right) }

    private func scalarCall(_ call: Call, at time: Int64) throws -> Double {
        switch call.function {
        case .pi: return Double.pi
        case .time: return Double(time) / 1000
        case .start: return Double(start) / 1000
        case .end: return Double(end) / 1000
        case .step: return start == end ? 0 : Double(step) / 1000
        case .range: return Double(end - start) / 1000
        case .minOf:
            return Self.minimum(try scalar(call.arguments[0], at: time), try scalar(call.arguments[1], at: time))
        case .maxOf:
            return Self.maximum(try scalar(call.arguments[0], at: time), try scalar(call.arguments[1], at: time))
        case .scalar:
            let floats = try vector(call.arguments[0], at: time).compactMap(\.number.float)
            return floats.count == 1 ? floats[0] : .nan
        default: throw NaiveFailure("unknown function \(call.function.rawValue)")
        }
    }

    private func timestamps(_ argument: Expression, at time: Int64) throws -> [NaiveElement] {
        if case .vectorSelector(let selector) = argument.unparenthesized {
            return try nameless(
                samplesForTime(selector, at: time).map {
                    NaiveElement(labels: $0.labels, number: .float(Double($0.sample.time) / 1000))
                })
        }
        return try nameless(
            try vector(argument, at: time).map {
                NaiveElement(labels: $0.labels, dropsName: $0.dropsName, number: .float(Double(time) / 1000))
            })
    }

    /// What `absent` says of a selector: the labels asked for by equality and once.
    func absence(_ argument: Expression) -> NaiveElement {
        var matchers: [LabelMatcher] = []
        switch argument.unparenthesized {
        case .vectorSelector(let selector): matchers = selector.matchers
        case .matrixSelector(let matrix): matchers = matrix.selector.matchers
        default: break
        }
        var labels: [String: String] = [:]
        for matcher in matchers where matcher.name != "__name__" && matcher.kind == .equal {
            if matchers.count(where: { $0.name == matcher.name }) == 1 { labels[matcher.name] = matcher.value }
        }
        return NaiveElement(labels: labels.filter { !$0.value.isEmpty }, number: .float(1))
    }

    private func relabelled(_ call: Call, at time: Int64) throws -> [NaiveElement] {
        let operand = try vector(call.arguments[0], at: time)
        let texts = try call.arguments.dropFirst().map { try string($0) }
        return try unique(
            operand.map { element in
                var result = element
                let value: String
                if call.function == .labelJoin {
                    value = texts.dropFirst(2).map { element.labels[$0] ?? "" }.joined(separator: texts[1])
                } else {
                    let source = element.labels[texts[2]] ?? ""
                    let pattern = try RegexPattern(texts[3])
                    guard let match = pattern.groups(in: Array(source.utf8), from: 0, wholeText: true) else {
                        return element
                    }
                    value = pattern.expand(texts[1], match: match, in: Array(source.utf8))
                }
                result.labels[texts[0]] = value.isEmpty ? nil : value
                if texts[0] == "__name__" { result.dropsName = false }
                return result
            }, areSeries: true)
    }

    private func warnAboutSorting(_ call: Call) {
        warn("sort is ineffective for range queries since results are always ordered by labels", call.range)
    }

    private func sorted(_ call: Call, at time: Int64) throws -> [NaiveElement] {
        if step != 0 { warnAboutSorting(call) }
        let floats = try vector(call.arguments[0], at: time).filter { $0.number.float != nil }
        let numbers = floats.filter { $0.number.float?.isNaN == false }.sorted { left, right in
            (left.number.float ?? 0) < (right.number.float ?? 0)
        }
        return (call.function == .sort ? numbers : numbers.reversed())
            + floats.filter { $0.number.float?.isNaN == true }
    }
}
