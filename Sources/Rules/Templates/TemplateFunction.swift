import MetricModel

/// The functions that a template may call: Go's own and those of Prometheus, by name.
enum TemplateFunction: String, CaseIterable, Sendable {
    // Go's
    case and, or, not, eq, ne, lt, le, gt, ge
    case len, index, slice, print, printf, println, html, js, urlquery
    // Queries
    case query, first, label, value, strvalue, sortByLabel
    // Numbers and times
    case humanize, humanize1024, humanizeDuration, humanizePercentage, humanizeTimestamp
    case toTime, toDuration, now, parseDuration
    // Strings and links
    case title, toUpper, toLower, match, reReplaceAll, stripPort, stripDomain
    case graphLink, tableLink, urlQueryEscape, externalURL, pathPrefix, safeHtml, args

    /// How many arguments the function takes.
    var arity: ClosedRange<Int> {
        switch self {
        case .now, .externalURL, .pathPrefix: 0...0
        case .not, .len, .query, .first, .value, .strvalue, .humanize, .humanize1024, .humanizeDuration,
            .humanizePercentage, .humanizeTimestamp, .toTime, .toDuration, .parseDuration, .title, .toUpper, .toLower,
            .stripPort, .stripDomain, .graphLink, .tableLink, .urlQueryEscape, .safeHtml:
            1...1
        case .ne, .lt, .le, .gt, .ge, .label, .sortByLabel, .match: 2...2
        case .reReplaceAll: 3...3
        case .and, .or, .index, .slice, .printf: 1...64
        case .eq: 2...64
        case .print, .println, .html, .js, .urlquery, .args: 0...64
        }
    }
}

/// The arguments of one call, taken out by type as Go converts them.
struct TemplateArguments {
    let function: TemplateFunction
    let values: [TemplateValue]

    subscript(index: Int) -> TemplateValue { values.indices.contains(index) ? values[index] : .null }

    func string(_ index: Int) throws(TemplateError) -> String {
        guard case .string(let text) = self[index] else { throw wrongType(index, wanted: "string") }
        return text
    }

    /// A number, also from text or a duration, as `humanize` and its kin take it.
    func number(_ index: Int) throws(TemplateError) -> Double {
        switch self[index] {
        case .float(let value): return value
        case .integer(let value): return Double(value)
        case .duration(let nanoseconds): return Double(nanoseconds) / 1e9
        case .string(let text):
            guard let value = GoFormat.parseFloat(text) else {
                throw TemplateError("\(function.rawValue): \(LabelName.quoted(text)) is not a number")
            }
            return value
        default: throw TemplateError("\(function.rawValue): can't convert \(self[index].typeName) to float")
        }
    }

    func list(_ index: Int) throws(TemplateError) -> [TemplateValue] {
        guard case .list(let values) = self[index] else { throw wrongType(index, wanted: "a query result") }
        return values
    }

    /// The fields of an element of a query result.
    func sample(_ index: Int) throws(TemplateError) -> (labels: [String: String], value: TemplateValue) {
        guard case .record(let fields) = self[index], case .strings(let labels) = fields["Labels"],
            let value = fields["Value"]
        else { throw wrongType(index, wanted: "a sample") }
        return (labels, value)
    }

    private func wrongType(_ index: Int, wanted: String) -> TemplateError {
        TemplateError("\(function.rawValue): expected \(wanted), found \(self[index].typeName)")
    }
}

extension Template {
    /// The functions that are there beside those of Go's own templates.
    package static var functionNames: [String] {
        let own: Set<TemplateFunction> = [
            .and, .or, .not, .eq, .ne, .lt, .le, .gt, .ge, .len, .index, .slice, .print, .printf, .println, .html, .js,
            .urlquery,
        ]
        return TemplateFunction.allCases.filter { !own.contains($0) }.map(\.rawValue)
    }
}
