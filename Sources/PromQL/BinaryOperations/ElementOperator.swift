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
struct ElementOperator {
    let symbol: BinaryOperator
    let returnsBool: Bool
    let range: SourceRange
    /// The scalar is on the left, so that a filter keeps the right operand's value.
    var keepsRight = false

    /// Whether a result keeps the name of the element it is made of.
    var keepsName: Bool { (symbol.isComparison && !returnsBool) || symbol.isTrim }

    /// The result of a pair.
    enum Outcome {
        case float(Double)
        case histogram(NativeHistogram)
        /// The comparison does not hold: nothing, or 0 with `bool`.
        case filtered
        /// The pair does not go together: nothing at all.
        case incompatible
    }

    /// What is worth telling about a pair.
    struct Note: Hashable {
        var kind: Annotations.Kind
        var message: String
    }

    /// Computes a pair; what is worth telling about it goes to `note`.
    func apply(_ left: Element, _ right: Element, _ note: inout Note?) -> Outcome {
        switch (left, right) {
        case (.float(let leftValue), .float(let rightValue)): return floats(leftValue, rightValue, &note)
        case (.histogram(let histogram), .histogram(let other)): return histograms(histogram, other, &note)
        case (.histogram(let histogram), .float(let factor)):
            switch symbol {
            case .multiply: return .histogram(histogram.multiplied(by: factor).compacted())
            case .divide: return .histogram(histogram.divided(by: factor).compacted())
            case .trimUpper: return .histogram(histogram.trimmed(to: factor, keepsUpper: false).compacted())
            case .trimLower: return .histogram(histogram.trimmed(to: factor, keepsUpper: true).compacted())
            default: return mismatch(left, right, &note)
            }
        case (.float(let factor), .histogram(let histogram)):
            guard symbol == .multiply else { return mismatch(left, right, &note) }
            return .histogram(histogram.multiplied(by: factor).compacted())
        }
    }

    private func floats(_ left: Double, _ right: Double, _ note: inout Note?) -> Outcome {
        if symbol.isTrim { return mismatch(.float(left), .float(right), &note) }
        let function = FloatOperator(symbol)
        guard symbol.isComparison else { return .float(function.arithmetic(left, right)) }
        return function.holds(left, right) ? .float(keepsRight ? right : left) : .filtered
    }

    private func histograms(
        _ left: NativeHistogram, _ right: NativeHistogram, _ note: inout Note?
    ) -> Outcome {
        switch symbol {
        case .add, .subtract:
            let isAddition = symbol == .add
            var sum = left
            guard let outcome = sum.add(right, negated: !isAddition) else {
                note = Note(
                    kind: .warning,
                    message: "incompatible bucket layout encountered for binary operator \(symbol.rawValue)")
                return .incompatible
            }
            if !isAddition { sum.counterResetHint = .gauge }
            let word = isAddition ? "addition" : "subtraction"
            if outcome.hintsCollide {
                // As in Prometheus: a counter that was reset and one that was not have no sum.
                note = Note(kind: .warning, message: "conflicting counter resets during histogram \(word)")
                return .incompatible
            }
            if outcome.reconciledBounds {
                note = Note(
                    kind: .info, message: "mismatched custom buckets were reconciled during \(word)")
            }
            return .histogram(sum.compacted())
        case .equal: return left.compacted().equals(right.compacted()) ? .histogram(left) : .filtered
        case .notEqual: return left.compacted().equals(right.compacted()) ? .filtered : .histogram(left)
        default: return mismatch(.histogram(left), .histogram(right), &note)
        }
    }

    private func mismatch(_ left: Element, _ right: Element, _ note: inout Note?) -> Outcome {
        note = Note(
            kind: .info,
            message: "incompatible sample types encountered for binary operator \(LabelName.quoted(symbol.rawValue)): "
                + "\(left.typeName) \(symbol.rawValue) \(right.typeName)")
        return .incompatible
    }
}

/// What a binary operator tells of each step: of all its pairs only what comes last, as in Prometheus.
struct LastNotes {
    private var notes: [Int: (order: Int, note: ElementOperator.Note)] = [:]

    /// Takes what is told about a pair; `order` is its place among those of the step.
    mutating func add(_ note: ElementOperator.Note, at step: Int, order: Int) {
        if let known = notes[step], known.order > order { return }
        notes[step] = (order, note)
    }

    func annotate(_ context: QueryContext, at range: SourceRange) {
        var told: Set<ElementOperator.Note> = []
        for (_, last) in notes.sorted(by: { $0.key < $1.key }) where told.insert(last.note).inserted {
            switch last.note.kind {
            case .warning: context.warn(last.note.message, at: range)
            case .info: context.inform(last.note.message, at: range)
            }
        }
    }
}
