import MetricModel
import PromQLSyntax

/// A float or a histogram at one step of one side.
enum Element {
    case float(Double)
    case histogram(NativeHistogram)

    var typeName: String {
        switch self {
        case .float: "float"
        case .histogram: "histogram"
        }
    }
}

/// What a binary operator makes of two elements, histograms among them.
///
/// The class gathers what is worth annotating; one serves one run of one operator.
struct ElementOperator {
    let symbol: BinaryOperator
    let returnsBool: Bool
    let range: SourceRange
    /// The scalar is on the left, so that a filter keeps the right operand's value.
    var keepsRight = false

    /// The result of a pair.
    enum Outcome {
        case float(Double)
        case histogram(NativeHistogram)
        /// The comparison does not hold: nothing, or 0 with `bool`.
        case filtered
        /// The types do not go together: nothing at all.
        case incompatible
    }

    /// Computes a pair, at least one of them a histogram; annotations go to the context.
    func apply(_ left: Element, _ right: Element, _ context: QueryContext) -> Outcome {
        switch (left, right) {
        case (.float(let leftValue), .float(let rightValue)): return floats(leftValue, rightValue, context)
        case (.histogram(let histogram), .histogram(let other)): return histograms(histogram, other, context)
        case (.histogram(let histogram), .float(let factor)):
            switch symbol {
            case .multiply: return .histogram(histogram.multiplied(by: factor).compacted())
            case .divide: return .histogram(histogram.divided(by: factor).compacted())
            case .trimUpper: return .histogram(histogram.trimmed(to: factor, keepsUpper: false).compacted())
            case .trimLower: return .histogram(histogram.trimmed(to: factor, keepsUpper: true).compacted())
            default: return mismatch(left, right, context)
            }
        case (.float(let factor), .histogram(let histogram)):
            guard symbol == .multiply else { return mismatch(left, right, context) }
            return .histogram(histogram.multiplied(by: factor).compacted())
        }
    }

    private func floats(_ left: Double, _ right: Double, _ context: QueryContext) -> Outcome {
        if symbol.isTrim { return mismatch(.float(left), .float(right), context) }
        let function = FloatOperator(symbol)
        guard symbol.isComparison else { return .float(function.arithmetic(left, right)) }
        return function.holds(left, right) ? .float(keepsRight ? right : left) : .filtered
    }

    private func histograms(
        _ left: NativeHistogram, _ right: NativeHistogram, _ context: QueryContext
    ) -> Outcome {
        switch symbol {
        case .add, .subtract:
            let isAddition = symbol == .add
            var sum = left
            guard let outcome = sum.add(right, negated: !isAddition) else {
                context.warn(
                    "incompatible bucket layout encountered for binary operator \(symbol.rawValue)", at: range)
                return .incompatible
            }
            if !isAddition { sum.counterResetHint = .gauge }
            let word = isAddition ? "addition" : "subtraction"
            if outcome.hintsCollide {
                context.warn("conflicting counter resets during histogram \(word)", at: range)
            }
            if outcome.reconciledBounds {
                context.inform("mismatched custom buckets were reconciled during \(word)", at: range)
            }
            return .histogram(sum.compacted())
        case .equal: return left.compacted().equals(right.compacted()) ? .histogram(left) : .filtered
        case .notEqual: return left.compacted().equals(right.compacted()) ? .filtered : .histogram(left)
        default: return mismatch(.histogram(left), .histogram(right), context)
        }
    }

    private func mismatch(_ left: Element, _ right: Element, _ context: QueryContext) -> Outcome {
        context.inform(
            "incompatible sample types encountered for binary operator \(LabelName.quoted(symbol.rawValue)): "
                + "\(left.typeName) \(symbol.rawValue) \(right.typeName)", at: range)
        return .incompatible
    }
}
