import MetricModel
import PromQLSyntax

/// `info`, and the instant selector that looks to both sides.
extension NaiveEvaluator {
    func info(_ call: Call, at time: Int64) throws -> [NaiveElement] {
        var matchers: [LabelMatcher] = []
        if call.arguments.count > 1, case .vectorSelector(let selector) = call.arguments[1].unparenthesized {
            matchers = selector.matchers
        }
        var names = matchers.filter { $0.name == "__name__" }
        let data = matchers.filter { $0.name != "__name__" }
        if names.isEmpty {
            names = [LabelMatcher(equal: "__name__", "target_info")]
        } else if names.allSatisfy({ $0.kind == .notEqual || $0.kind == .notRegex }) {
            names.append(try LabelMatcher("__name__", .regex, ".+_info"))
        }
        func isInfo(_ labels: [String: String]) -> Bool { names.allSatisfy { $0.matches(labels["__name__"] ?? "") } }
        let moment = try firstSelectorTime(call.arguments[0], at: time) ?? time
        let candidates = series.filter { series in
            isInfo(series.labels) && data.allSatisfy { $0.matches(series.labels[$0.name] ?? "") }
        }
        var result: [NaiveElement] = []
        for element in try vector(call.arguments[0], at: time) {
            if isInfo(element.labels) {
                result.append(element)
                continue
            }
            let infos = newestInfos(candidates, of: element.labels, at: moment)
            if infos.isEmpty, !data.allSatisfy(\.matchesEmpty) { continue }
            result.append(try joined(element, infos, wanted: Set(data.map(\.name))))
        }
        return try unique(result)
    }

    /// Of each info metric the series of the element's instance and job with the newest sample.
    private func newestInfos(
        _ candidates: [NaiveSeries], of labels: [String: String], at moment: Int64
    ) -> [[String: String]] {
        guard labels["instance"] != nil || labels["job"] != nil else { return [] }
        var best: [String: (time: Int64, labels: [String: String])] = [:]
        for candidate in candidates
        where candidate.labels["instance"] == labels["instance"] && candidate.labels["job"] == labels["job"] {
            let inside = candidate.samples.filter { $0.time <= moment && $0.time > moment - settings.lookback }
            guard let newest = inside.last, !newest.isStale else { continue }
            let name = candidate.labels["__name__"] ?? ""
            if let known = best[name], known.time >= newest.time { continue }
            best[name] = (newest.time, candidate.labels)
        }
        return best.values.map(\.labels)
    }

    private func joined(
        _ element: NaiveElement, _ infos: [[String: String]], wanted: Set<String>
    ) throws -> NaiveElement {
        var result = element
        var added: [String: String] = [:]
        for (name, value) in infos.flatMap({ Array($0) }) where name != "__name__" && element.labels[name] == nil {
            if !wanted.isEmpty, !wanted.contains(name) { continue }
            if let known = added[name], known != value { throw NaiveFailure("conflicting label: \(name)") }
            added[name] = value
            result.labels[name] = value
        }
        return result
    }

    /// When the first selector of an expression is looked up.
    private func firstSelectorTime(_ expression: Expression, at time: Int64) throws -> Int64? {
        switch expression {
        case .vectorSelector(let selector): return try reference(time, selector.at, selector.offset)
        case .subquery(let subquery):
            return try firstSelectorTime(
                subquery.operand, at: try reference(time, subquery.at, subquery.offset))
        default:
            for child in expression.children {
                if let found = try firstSelectorTime(child, at: time) { return found }
            }
            return nil
        }
    }
}
