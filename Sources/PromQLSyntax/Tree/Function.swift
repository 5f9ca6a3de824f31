/// The 90 functions.
///
/// The raw value is the name in queries; case matters there.
package enum Function: String, Hashable, Sendable, CaseIterable {
    case abs, absent
    case absentOverTime = "absent_over_time"
    case acos, acosh, asin, asinh, atan, atanh
    case avgOverTime = "avg_over_time"
    case ceil, changes, clamp
    case clampMax = "clamp_max"
    case clampMin = "clamp_min"
    case cos, cosh
    case countOverTime = "count_over_time"
    case dayOfMonth = "day_of_month"
    case dayOfWeek = "day_of_week"
    case dayOfYear = "day_of_year"
    case daysInMonth = "days_in_month"
    case deg, delta, deriv
    case doubleExponentialSmoothing = "double_exponential_smoothing"
    case end, exp
    case firstOverTime = "first_over_time"
    case floor
    case histogramAvg = "histogram_avg"
    case histogramCount = "histogram_count"
    case histogramFraction = "histogram_fraction"
    case histogramQuantile = "histogram_quantile"
    case histogramQuantiles = "histogram_quantiles"
    case histogramStddev = "histogram_stddev"
    case histogramStdvar = "histogram_stdvar"
    case histogramSum = "histogram_sum"
    case hour, idelta, increase, info, irate
    case labelJoin = "label_join"
    case labelReplace = "label_replace"
    case lastOverTime = "last_over_time"
    case ln, log10, log2
    case madOverTime = "mad_over_time"
    case maxOf = "max_of"
    case maxOverTime = "max_over_time"
    case minOf = "min_of"
    case minOverTime = "min_over_time"
    case minute, month, pi
    case predictLinear = "predict_linear"
    case presentOverTime = "present_over_time"
    case quantileOverTime = "quantile_over_time"
    case rad, range, rate, resets, round, scalar, sgn, sin, sinh, sort
    case sortByLabel = "sort_by_label"
    case sortByLabelDescending = "sort_by_label_desc"
    case sortDescending = "sort_desc"
    case sqrt, start
    case startTimestamp = "start_timestamp"
    case stddevOverTime = "stddev_over_time"
    case stdvarOverTime = "stdvar_over_time"
    case step
    case sumOverTime = "sum_over_time"
    case tan, tanh, time, timestamp
    case tsOfFirstOverTime = "ts_of_first_over_time"
    case tsOfLastOverTime = "ts_of_last_over_time"
    case tsOfMaxOverTime = "ts_of_max_over_time"
    case tsOfMinOverTime = "ts_of_min_over_time"
    case vector, year
}

/// What a function takes and gives.
package struct FunctionSignature: Hashable, Sendable {
    /// How many arguments may be given.
    package enum Arity: Hashable, Sendable {
        /// Exactly as many as there are argument types.
        case exact
        /// The last type may be left out, and repeated up to this many times.
        case optionalLast(atMost: Int)
        /// The last type may be left out, and repeated without limit.
        case repeatedLast
    }

    package var argumentTypes: [ValueType]
    package var arity: Arity
    package var returnType: ValueType
    /// Needs the flag `promql-experimental-functions` in Prometheus.
    package var isExperimental: Bool

    package init(
        _ argumentTypes: [ValueType], _ returnType: ValueType, arity: Arity = .exact, isExperimental: Bool = false
    ) {
        self.argumentTypes = argumentTypes
        self.returnType = returnType
        self.arity = arity
        self.isExperimental = isExperimental
    }

    /// The fewest arguments a call may have.
    package var minimumCount: Int { arity == .exact ? argumentTypes.count : argumentTypes.count - 1 }

    /// The most arguments a call may have, nil where there is no limit.
    package var maximumCount: Int? {
        switch arity {
        case .exact: argumentTypes.count
        case .optionalLast(let atMost): argumentTypes.count - 1 + atMost
        case .repeatedLast: nil
        }
    }

    /// The type of the argument at a position within the limits above.
    package func type(ofArgument position: Int) -> ValueType {
        argumentTypes[min(position, argumentTypes.count - 1)]
    }
}

extension Function {
    /// The signature, from one table.
    package var signature: FunctionSignature {
        switch self {
        case .abs, .absent, .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .deg, .exp, .floor,
            .histogramAvg, .histogramCount, .histogramStddev, .histogramStdvar, .histogramSum, .ln, .log10, .log2,
            .rad, .sgn, .sin, .sinh, .sort, .sortDescending, .sqrt, .tan, .tanh, .timestamp:
            FunctionSignature([.instantVector], .instantVector)
        case .startTimestamp:
            FunctionSignature([.instantVector], .instantVector, isExperimental: true)
        case .absentOverTime, .avgOverTime, .changes, .countOverTime, .delta, .deriv, .firstOverTime, .idelta,
            .increase, .irate, .lastOverTime, .maxOverTime, .minOverTime, .presentOverTime, .rate, .resets,
            .stddevOverTime, .stdvarOverTime, .sumOverTime:
            FunctionSignature([.rangeVector], .instantVector)
        case .madOverTime, .tsOfFirstOverTime, .tsOfLastOverTime, .tsOfMaxOverTime, .tsOfMinOverTime:
            FunctionSignature([.rangeVector], .instantVector, isExperimental: true)
        case .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth, .hour, .minute, .month, .year:
            FunctionSignature([.instantVector], .instantVector, arity: .optionalLast(atMost: 1))
        case .clamp: FunctionSignature([.instantVector, .scalar, .scalar], .instantVector)
        case .clampMax, .clampMin: FunctionSignature([.instantVector, .scalar], .instantVector)
        case .round:
            FunctionSignature([.instantVector, .scalar], .instantVector, arity: .optionalLast(atMost: 1))
        case .doubleExponentialSmoothing:
            FunctionSignature([.rangeVector, .scalar, .scalar], .instantVector, isExperimental: true)
        case .predictLinear: FunctionSignature([.rangeVector, .scalar], .instantVector)
        case .quantileOverTime: FunctionSignature([.scalar, .rangeVector], .instantVector)
        case .histogramFraction: FunctionSignature([.scalar, .scalar, .instantVector], .instantVector)
        case .histogramQuantile: FunctionSignature([.scalar, .instantVector], .instantVector)
        case .histogramQuantiles:
            FunctionSignature(
                [.instantVector, .string, .scalar, .scalar], .instantVector, arity: .optionalLast(atMost: 9),
                isExperimental: true)
        case .info:
            FunctionSignature(
                [.instantVector, .instantVector], .instantVector, arity: .optionalLast(atMost: 1),
                isExperimental: true)
        case .labelJoin:
            FunctionSignature(
                [.instantVector, .string, .string, .string], .instantVector, arity: .repeatedLast)
        case .labelReplace:
            FunctionSignature([.instantVector, .string, .string, .string, .string], .instantVector)
        case .sortByLabel, .sortByLabelDescending:
            FunctionSignature(
                [.instantVector, .string], .instantVector, arity: .repeatedLast, isExperimental: true)
        case .pi, .time: FunctionSignature([], .scalar)
        case .end, .range, .start, .step: FunctionSignature([], .scalar, isExperimental: true)
        case .maxOf, .minOf: FunctionSignature([.scalar, .scalar], .scalar, isExperimental: true)
        case .scalar: FunctionSignature([.instantVector], .scalar)
        case .vector: FunctionSignature([.scalar], .instantVector)
        }
    }
}
