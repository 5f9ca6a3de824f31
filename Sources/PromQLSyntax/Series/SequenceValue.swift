package import MetricModel

/// One point of a series in the notation of test scripts.
package enum SequenceValue: Hashable, Sendable {
    /// No sample at this point.
    case missing
    /// A float; staleness markers are floats, too.
    case float(Double)
    /// A histogram; its hint counts in comparisons only where it was written.
    case histogram(NativeHistogram, isHintWritten: Bool)

    /// Floats are compared as bits, so that NaN equals itself.
    package static func == (left: SequenceValue, right: SequenceValue) -> Bool {
        switch (left, right) {
        case (.missing, .missing): true
        case (.float(let leftValue), .float(let rightValue)): leftValue.bitPattern == rightValue.bitPattern
        case (.histogram(let leftValue, let leftHint), .histogram(let rightValue, let rightHint)):
            leftValue == rightValue && leftHint == rightHint
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .missing: hasher.combine(0)
        case .float(let value): hasher.combine(value.bitPattern)
        case .histogram(let value, _): hasher.combine(value)
        }
    }
}
