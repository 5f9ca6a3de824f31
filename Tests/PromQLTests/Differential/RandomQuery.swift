import TestSupport

/// Random queries over the metrics of `RandomWorld`, well-typed by construction.
struct RandomQuery {
    var random: RandomSource
    /// Ranking and limiting may choose differently among equals, so that they only stand outermost.
    private(set) var choosesElements = false
    /// The outermost sorts what a selector gives, in the order of the store, so that the order of the answer is known.
    private(set) var sortsSelector = false

    init(seed: UInt64) { random = RandomSource(seed: seed) }

    mutating func text() -> String {
        choosesElements = random.oneIn(12)
        if choosesElements {
            let operation = random.pick(["topk", "bottomk", "limitk"])
            return "\(operation)\(grouping())(\(random.pick(["1", "2", "3", "0", "-1", "scalar(load)"])), \(vector(2)))"
        }
        sortsSelector = random.oneIn(20)
        if sortsSelector { return sortByLabel(selector(random.oneIn(3) ? anyNames() : Self.floatNames)) }
        switch random.below(12) {
        case 0: return scalar(3)
        case 2: return sortByLabel(vector(2))
        case 1: return random.pick(["sort", "sort_desc"]) + "(\(vector(2)))"
        default: return vector(3)
        }
    }

    private mutating func sortByLabel(_ operand: String) -> String {
        let labels = ["instance", "host", "le", "path", "job", "clé à", "__name__", "none"].shuffled(using: &random)
        let names = labels.prefix(random.below(4)).map { ", \"\($0)\"" }.joined()
        return random.pick(["sort_by_label", "sort_by_label_desc"]) + "(\(operand)\(names))"
    }

    // MARK: - Selectors

    private mutating func selector(_ names: [String]) -> String {
        var matchers: [String] = []
        if random.oneIn(3) {
            matchers.append(
                random.pick([
                    "job=\"a\"", "job!=\"a\"", "job=~\"a|b\"", "instance=~\"[12]\"", "instance!~\"1.*\"", "path=\"/\"",
                    "path=\"\"", "job=\"none\"", "kind!=\"\"", "\"clé à\"!=\"\"", "\"clé à\"=~\"ü.*|\"",
                ]))
        }
        var text = random.pick(names)
        if text.utf8.contains(where: { $0 >= 0x80 }) {
            matchers.insert("\"\(text)\"", at: random.below(matchers.count + 1))
            text = ""
        }
        if random.oneIn(12) {
            matchers = matchers.filter { $0.contains("=") } + ["__name__=~\"load|memory\""]
            text = ""
        }
        return matchers.isEmpty ? text : text + "{" + matchers.joined(separator: ",") + "}"
    }

    private static let floatNames = [
        "requests_total", "requests_total", "load", "memory", "target_info", "métrique.des octets",
    ]
    private static let histogramNames = ["sizes", "custom", "depths"]

    private mutating func times() -> String {
        var text = ""
        if random.oneIn(6) { text += " @ " + random.pick(["600", "start()", "end()", "1234.5", "-100"]) }
        if random.oneIn(6) {
            text +=
                " offset "
                + random.pick([
                    "1m", "90s", "-2m", "3s", "step()", "(30s + step())", "-(10s * 3)", "max_of(5s, step())",
                    "(range() / 3)", "-range()", "-step()", "(2 ^ 5)", "(-7 % 4)", "min_of(1m, (0 - 1) ^ 0.5)",
                    "(1m / (1 + step()))", "(2m - range())", "min_of(-(step()), 5s)",
                ])
        }
        return text
    }

    /// One of lengths in seconds and of expressions of them; one in a hundred comes to nothing.
    private mutating func length(_ lengths: [String]) -> String {
        let length = random.pick(lengths)
        switch random.below(25) {
        case 0: return "\(length) + step()"
        case 1: return "\(length) * 2 - 10s"
        case 2: return "max_of(\(length), range() / 20)"
        case 3: return "min_of(\(length), 1h) % 7m"
        case 4: return "(\(length) + 3) / 2"
        case 5: return "(step() + \(length)) ^ 1"
        case 6:
            return random.pick([
                "step() * 1", "range() / 4", "\(length) / step()", "\(length) % range()", "-(0 + \(length))",
                "step() - \(length)",
                "\(length) ^ 100", "\(length) * 9e9", "\(length) / 9e9", "min_of(-(\(length)), range())",
            ])
        default: return length
        }
    }

    /// Any type of samples.
    private mutating func anyNames() -> [String] {
        random.oneIn(3) ? Self.histogramNames : random.oneIn(12) ? ["mixed"] : Self.floatNames
    }

    private mutating func window() -> String {
        length(["1m", "5m", "45s", "2m30s", "10m", "20", "90.5", "20m"])
    }

    private mutating func range(_ names: [String], _ depth: Int) -> String {
        if depth > 0, random.oneIn(4) {
            let step = random.oneIn(4) ? "" : length(["30s", "1m", "17s", "20s"])
            let operand = random.oneIn(4) ? rangeFunction(depth - 1) : vector(depth - 1)
            return "(\(operand))[\(length(["3m", "5m", "1m"])):\(step)]\(times())"
        }
        return "\(selector(names))[\(window())]\(times())"
    }

    // MARK: - Scalars

    private mutating func scalar(_ depth: Int) -> String {
        guard depth > 0 else { return number() }
        switch random.below(9) {
        case 0: return "time()"
        case 1: return "scalar(\(vector(depth - 1)))"
        case 2:
            return "(\(scalar(depth - 1)) \(random.pick(["+", "-", "*", "/", "%", "^", "atan2"])) \(scalar(depth - 1)))"
        case 3: return "(\(scalar(depth - 1)) \(random.pick(["==", ">", "<="])) bool \(scalar(depth - 1)))"
        case 4: return random.pick(["start()", "end()", "step()", "range()", "pi()"])
        case 5: return "\(random.pick(["min_of", "max_of"]))(\(scalar(depth - 1)), \(number()))"
        default: return number()
        }
    }

    private mutating func number() -> String {
        random.pick(["0", "1", "2", "0.5", "-3", "10", "1e3", "NaN", "Inf", "-Inf", "5m", "0x10", "0.25", "100"])
    }

    // MARK: - Vectors

    private mutating func vector(_ depth: Int) -> String {
        guard depth > 0 else { return selector(anyNames()) + times() }
        switch random.below(18) {
        case 0: return selector(anyNames()) + times()
        case 1: return elementwise(depth)
        case 2, 3, 4: return rangeFunction(depth)
        case 5, 6: return aggregation(depth)
        case 7, 8: return matching(depth)
        case 9: return withScalar(depth)
        case 10: return "-(\(vector(depth - 1)))"
        case 11: return ofHistograms(depth)
        case 12: return labels(depth)
        case 13:
            if random.oneIn(4) { return "start_timestamp(\(selector(anyNames()))\(times()))" }
            return random.pick(["absent", "timestamp", "start_timestamp", "+", "abs"]) + "(\(vector(depth - 1)))"
        case 14: return "vector(\(scalar(depth - 1)))"
        case 15: return information(depth)
        case 16: return "limit_ratio\(grouping())(\(ratio()), \(vector(depth - 1)))"
        default: return boundaries()
        }
    }

    private mutating func elementwise(_ depth: Int) -> String {
        switch random.below(4) {
        case 0:
            return "\(random.pick(["clamp_min", "clamp_max", "round"]))(\(vector(depth - 1)), \(scalar(depth - 1)))"
        case 1: return "clamp(\(vector(depth - 1)), \(number()), \(scalar(depth - 1)))"
        case 2:
            let field = random.pick([
                "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year",
            ])
            return random.oneIn(3) ? field + "()" : "\(field)(\(selector(Self.floatNames))\(times()) * 86400)"
        default:
            let name = random.pick([
                "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos",
                "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad", "sgn", "round",
            ])
            return "\(name)(\(vector(depth - 1)))"
        }
    }

    private mutating func rangeFunction(_ depth: Int) -> String {
        switch random.below(8) {
        case 0: return "quantile_over_time(\(scalar(depth - 1)), \(range(anyNames(), depth)))"
        case 1: return "predict_linear(\(range(anyNames(), depth)), \(scalar(depth - 1)))"
        case 2:
            return "double_exponential_smoothing(\(range(anyNames(), depth)), \(random.pick(["0.5", "0.1"])), 0.3)"
        case 3: return "\(random.pick(["rate", "increase", "irate"]))(\(range(anyNames(), depth)))"
        // Counted where a last bit cannot make a change.
        case 4: return "\(random.pick(["resets", "changes"]))(\(range(anyNames(), 0)))"
        default:
            let name = random.pick([
                "rate", "increase", "delta", "irate", "idelta", "deriv", "absent_over_time",
                "present_over_time", "count_over_time", "first_over_time", "last_over_time", "sum_over_time",
                "avg_over_time", "min_over_time", "max_over_time", "stddev_over_time", "stdvar_over_time",
                "mad_over_time", "ts_of_min_over_time", "ts_of_max_over_time", "ts_of_first_over_time",
                "ts_of_last_over_time",
            ])
            return "\(name)(\(range(random.oneIn(4) ? Self.histogramNames : anyNames(), depth)))"
        }
    }

    private mutating func ratio() -> String {
        random.pick([
            "0.5", "-0.5", "0", "-0", "1", "-1", "0.3", "-0.7", "1.5", "-2", "1e-3", "Inf", "-Inf", "NaN",
            "time() % 2 - 1",
        ])
    }

    private mutating func information(_ depth: Int) -> String {
        let operand = vector(depth - 1)
        let matchers = random.pick([
            "", "", "version=~\".*\"", "version=\"1\"", "region!=\"\"", "__name__=\"build_info\"",
            "__name__=~\".+_info\"", "__name__!=\"target_info\"", "__name__=~\".+_info\", region=~\".*\"",
            "job=\"a\"", "instance=~\"1|2\"", "version!=\"1\"", "version=\"2\", region=\"north\"", "none=\"\"",
            "none=\"x\"",
            "\"build_info\"", "__name__=\"load\"", "__name__!~\"b.*\", version=~\"1|\"",
        ])
        return matchers.isEmpty ? "info(\(operand))" : "info(\(operand), {\(matchers)})"
    }

    /// Anchored and smoothed windows and selectors.
    private mutating func boundaries(of names: [String]? = nil) -> String {
        let names = names ?? anyNames()
        if random.oneIn(4) { return "\(selector(names)) smoothed\(times())" }
        let isSmoothed = random.oneIn(2)
        let name = random.pick(["rate", "increase", "delta"] + (isSmoothed ? [] : ["resets", "changes"]))
        return "\(name)(\(selector(names))[\(window())] \(isSmoothed ? "smoothed" : "anchored")\(times()))"
    }

    private mutating func grouping() -> String {
        random.pick([
            "", "", " by (job)", " by (job, instance)", " without (instance)", " by ()", " by (__name__, job)",
            " by (\"clé à\", job)", " without (\"clé à\", host)",
        ])
    }

    private mutating func aggregation(_ depth: Int) -> String {
        switch random.below(6) {
        case 0: return "quantile\(grouping())(\(scalar(depth - 1)), \(vector(depth - 1)))"
        case 1:
            let operand = random.oneIn(3) ? "round(\(vector(depth - 1)))" : selector(anyNames())
            let label =
                random.oneIn(4)
                ? random.pick(["", "\\xff", "clé à", "__name__", "le", "a b"]) : random.pick(["value", "job"])
            return "count_values\(grouping())(\"\(label)\", \(operand))"
        default:
            let name = random.pick(["sum", "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
            return "\(name)\(grouping())(\(vector(depth - 1)))"
        }
    }

    private mutating func matching(_ depth: Int) -> String {
        if random.oneIn(4) {
            let clause = random.pick(["", "", " on (job)", " ignoring (path, kind)", " on (job, instance)"])
            return "(\(vector(depth - 1))) \(random.pick(["and", "or", "unless"]))\(clause) (\(vector(depth - 1)))"
        }
        let symbol = random.pick(["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "</", ">/"])
        let isComparison = symbol.first.map { "=!<>".contains($0) } ?? false && symbol.last != "/"
        let bool = isComparison && random.oneIn(3) ? " bool" : ""
        var clause = random.pick([
            "", "", " on (job, instance)", " ignoring (path, kind)", " on (job)", " on ()",
            " ignoring (\"clé à\", host)",
        ])
        if !clause.isEmpty, random.oneIn(3) {
            clause += random.pick([
                " group_left ()", " group_left (kind)", " group_right ()", " group_right (path)",
                " group_left (\"clé à\", __name__)",
            ])
            if random.oneIn(3) { clause += random.pick([" fill (7)", " fill_left (NaN)", " fill_right (-2)"]) }
        } else if random.oneIn(6) {
            clause += random.pick([
                " fill (0)", " fill_left (1)", " fill_right (2)", " fill_right (-Inf) fill_left (3)",
            ])
        }
        let left = vector(depth - 1)
        let right = random.oneIn(4) ? left : vector(depth - 1)
        return "(\(left)) \(symbol)\(bool)\(clause) (\(right))"
    }

    private mutating func withScalar(_ depth: Int) -> String {
        let symbol = random.pick([
            "+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "== bool", "> bool", "</", ">/",
        ])
        let (left, right) = ("(\(vector(depth - 1)))", "(\(scalar(depth - 1)))")
        return random.oneIn(3) && !symbol.hasSuffix("/") ? "\(right) \(symbol) \(left)" : "\(left) \(symbol) \(right)"
    }

    private mutating func ofHistograms(_ depth: Int) -> String {
        let names = random.oneIn(4) ? Self.floatNames + ["latency"] : Self.histogramNames + ["latency"]
        var operand = selector(names) + times()
        switch random.below(12) {
        case 7, 8: operand = boundaries(of: names)
        case 0: operand = "rate(\(selector(names))[5m])"
        case 1: operand = "\(random.pick(["sum", "avg"])) by (job, le) (\(operand))"
        case 2: operand = "\(random.pick(["sum", "avg"]))_over_time(\(selector(names))[2m])"
        case 3: operand = "\(operand) \(random.pick(["</", ">/"])) \(scalar(depth - 1))"
        case 4:
            operand = "(\(operand)) \(random.pick(["+", "-", "==", "and", "unless"])) (\(selector(names)) offset 3m)"
        case 5: operand = vector(depth - 1)
        case 6:
            let name = random.pick(["rate", "increase", "delta", "irate", "idelta"])
            operand = "\(name)(\(selector(names))[\(window())] \(times()))"
        default: break
        }
        switch random.below(5) {
        case 4:
            let field = random.pick(["count", "sum", "avg"])
            let outer = random.pick(["max_over_time", "last_over_time", "count_over_time"])
            return "\(outer)(histogram_\(field)(\(operand))[3m:45s])"
        case 0: return "histogram_quantile(\(random.oneIn(2) ? "0.9" : scalar(depth - 1)), \(operand))"
        case 1: return "histogram_fraction(\(number()), \(scalar(depth - 1)), \(operand))"
        case 2: return "histogram_quantiles(\(operand), \"q\", 0.5, \(random.pick(["0.1", "1", "0.99"])))"
        default:
            let field = random.pick(["count", "sum", "avg", "stddev", "stdvar"])
            return "histogram_\(field)(\(operand))"
        }
    }

    private mutating func labels(_ depth: Int) -> String {
        let operand = vector(depth - 1)
        let isFaulty = random.oneIn(8)
        func text(_ good: [String], _ bad: [String]) -> String {
            "\"" + random.pick(isFaulty && random.oneIn(2) ? bad : good) + "\""
        }
        if random.oneIn(2) {
            let destination = text(["joined", "job", "__name__", "clé à", "host"], ["", "\\xff"])
            let sources = (0..<random.below(4)).map { _ in
                ", " + text(["job", "path", "none", "clé à"], ["", "\\xfe"])
            }
            return "label_join(\(operand), \(destination), \(text(["-", "", "ü"], ["-"]))\(sources.joined()))"
        }
        let destination = text(["copy", "instance", "clé à", "__name__"], ["", "a\\xff"])
        let replacement = random.pick(["<$1>", "$1", "${1}x", "$1x", "$$", "$0", "${name}-$2", "", "const"])
        let source = text(["job", "path", "host", "none", "clé à"], ["", "job"])
        let pattern = text(
            ["(.*)", "a", "(b)", "(?P<name>.).*", "([a-z]+)-?(\\\\d*)", "(a|b)?", ".+", ""],
            ["(", "[a", "a{2,1}", "*", "(?P<n", "a**", "(?i)("])
        return "label_replace(\(operand), \(destination), \"\(replacement)\", \(source), \(pattern))"
    }
}
