package import MetricModel

/// A value inside a template: what Go's text/template sees as data, arguments and results.
indirect enum TemplateValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case float(Double)
    case string(String)
    /// Strings by name; a name that is missing gives the empty string.
    case strings([String: String])
    /// Values by name, such as those `args` makes; a missing one prints as nothing.
    case map([String: TemplateValue])
    /// Fields by name; asking for another field is an error.
    case record([String: TemplateValue])
    case list([TemplateValue])
    /// Nanoseconds since the epoch.
    case time(nanoseconds: Int64)
    case duration(nanoseconds: Int64)

    /// Whether `if`, `with`, `and`, `or` and `not` take it as true: anything but a zero or empty value.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .float(let value): value != 0
        case .string(let text): !text.isEmpty
        case .strings(let values): !values.isEmpty
        case .map(let values): !values.isEmpty
        case .list(let values): !values.isEmpty
        case .record, .time: true
        case .duration(let nanoseconds): nanoseconds != 0
        }
    }

    /// The name of the type as Go would print it, for error messages.
    var typeName: String {
        switch self {
        case .null: "nil"
        case .bool: "bool"
        case .integer: "int"
        case .float: "float64"
        case .string: "string"
        case .strings: "map[string]string"
        case .map: "map[string]interface {}"
        case .record: "struct"
        case .list: "[]interface {}"
        case .time: "time.Time"
        case .duration: "time.Duration"
        }
    }
}

/// One element of the result of a template's `query`.
package struct TemplateSample: Hashable, Sendable {
    package var labels: LabelSet
    package var value: Double

    package init(labels: LabelSet, value: Double) {
        self.labels = labels
        self.value = value
    }
}

extension TemplateSample {
    var templateValue: TemplateValue {
        .record(["Labels": .strings(labels.templateStrings), "Value": .float(value)])
    }
}

extension LabelSet {
    var templateStrings: [String: String] {
        Dictionary(pairs.map { ($0.name, $0.value) }) { first, _ in first }
    }
}
