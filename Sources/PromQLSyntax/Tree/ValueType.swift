/// The types of PromQL values.
///
/// The raw value is the name in the HTTP API.
package enum ValueType: String, Sendable, CaseIterable {
    case scalar
    case string
    case instantVector = "vector"
    case rangeVector = "matrix"

    /// The name in the texts of errors.
    package var documentedName: String {
        switch self {
        case .scalar: "scalar"
        case .string: "string"
        case .instantVector: "instant vector"
        case .rangeVector: "range vector"
        }
    }
}
