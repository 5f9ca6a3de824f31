/// The 18 binary operators.
package enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case power = "^"
    case arcTangent = "atan2"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case greater = ">"
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case and
    case or
    case unless
    /// Keeps the part of a histogram up to a value.
    case trimUpper = "</"
    /// Keeps the part of a histogram from a value on.
    case trimLower = ">/"

    package var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .greater, .lessOrEqual, .greaterOrEqual: true
        default: false
        }
    }

    package var isSetOperator: Bool { self == .and || self == .or || self == .unless }

    package var isTrim: Bool { self == .trimUpper || self == .trimLower }
}

/// An operation with two operands.
package struct BinaryOperation: Hashable, Sendable {
    package var `operator`: BinaryOperator
    package var left: Expression
    package var right: Expression
    /// The `bool` modifier.
    package var returnsBool: Bool
    /// Present exactly when both operands are instant vectors.
    package var matching: VectorMatching?
    @IgnoredInEquality package var range: SourceRange

    package init(
        _ operator: BinaryOperator, _ left: Expression, _ right: Expression, returnsBool: Bool = false,
        matching: VectorMatching? = nil, range: SourceRange
    ) {
        self.operator = `operator`
        self.left = left
        self.right = right
        self.returnsBool = returnsBool
        self.matching = matching
        self.range = range
    }
}

/// How the elements of two vectors find each other.
package struct VectorMatching: Hashable, Sendable {
    package enum Cardinality: Hashable, Sendable {
        case oneToOne
        /// `group_left`: the left side is the many side.
        case manyToOne
        /// `group_right`: the right side is the many side.
        case oneToMany
        /// Set operators.
        case manyToMany
    }

    package var cardinality: Cardinality
    /// The labels of `on` or `ignoring`.
    package var labels: [String]
    /// `on` was written; otherwise `ignoring`, perhaps with an empty list.
    package var isOn: Bool
    /// The labels of `group_left` or `group_right`.
    package var include: [String]
    /// The value for elements that are missing on the left.
    package var fillLeft: FillValue?
    /// The value for elements that are missing on the right.
    package var fillRight: FillValue?

    package init(
        cardinality: Cardinality = .oneToOne, labels: [String] = [], isOn: Bool = false, include: [String] = [],
        fillLeft: FillValue? = nil, fillRight: FillValue? = nil
    ) {
        self.cardinality = cardinality
        self.labels = labels
        self.isOn = isOn
        self.include = include
        self.fillLeft = fillLeft
        self.fillRight = fillRight
    }
}

/// A number that stands in for a missing element; compared as bits, so that NaN equals itself.
package struct FillValue: Hashable, Sendable {
    package var value: Double
    package init(_ value: Double) { self.value = value }
    package static func == (left: FillValue, right: FillValue) -> Bool {
        left.value.bitPattern == right.value.bitPattern
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(value.bitPattern) }
}

/// A sign before a scalar or an instant vector.
///
/// Signs of literals are part of the literal.
package struct UnaryOperation: Hashable, Sendable {
    package var isNegative: Bool
    package var operand: Expression
    @IgnoredInEquality package var range: SourceRange

    package init(isNegative: Bool, _ operand: Expression, range: SourceRange) {
        self.isNegative = isNegative
        self.operand = operand
        self.range = range
    }
}

/// The 14 aggregation operators.
package enum AggregationOperator: String, Hashable, Sendable, CaseIterable {
    case sum, avg, count, min, max, group, stddev, stdvar, topk, bottomk, quantile
    case countValues = "count_values"
    case limitK = "limitk"
    case limitRatio = "limit_ratio"

    /// The type of the parameter before the vector, nil where there is none.
    package var parameterType: ValueType? {
        switch self {
        case .topk, .bottomk, .quantile, .limitK, .limitRatio: .scalar
        case .countValues: .string
        default: nil
        }
    }

    package var isExperimental: Bool { self == .limitK || self == .limitRatio }
}

/// An aggregation over an instant vector.
package struct Aggregation: Hashable, Sendable {
    package var `operator`: AggregationOperator
    package var operand: Expression
    /// Present exactly when the operator asks for one.
    package var parameter: Expression?
    /// The labels of `by` or `without`.
    package var grouping: [String]
    /// `without` was written; otherwise `by`, perhaps with an empty list.
    package var isWithout: Bool
    @IgnoredInEquality package var range: SourceRange

    package init(
        _ operator: AggregationOperator, _ operand: Expression, parameter: Expression? = nil, grouping: [String] = [],
        isWithout: Bool = false, range: SourceRange
    ) {
        self.operator = `operator`
        self.operand = operand
        self.parameter = parameter
        self.grouping = grouping
        self.isWithout = isWithout
        self.range = range
    }
}
