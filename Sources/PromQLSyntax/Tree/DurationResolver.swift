import Bytes
import Glibc
package import MetricModel

/// The times of a query that durations may depend on.
///
/// In an instant query start and end are equal and the step is 0.
package struct DurationResolver: Sendable {
    /// The longest duration there is: as many milliseconds as whole nanoseconds fit into 64 bits.
    package static let limitMilliseconds = Int64.max / 1_000_000

    private var rangeSeconds: Double
    private var stepSeconds: Double
    /// The text of the query, for positions in errors.
    private var text: String

    package init(start: Timestamp, end: Timestamp, stepMilliseconds: Int64, text: String = "") {
        rangeSeconds = Double(end.milliseconds &- start.milliseconds) / 1000
        stepSeconds = Double(stepMilliseconds) / 1000
        self.text = text
    }

    /// Milliseconds of a window or step; it must be greater than 0, and may come to none.
    package func positiveMilliseconds(_ duration: DurationValue) throws(SyntaxError) -> Int64 {
        try milliseconds(duration, mustBePositive: true)
    }

    /// Milliseconds of an offset; may be negative.
    package func milliseconds(_ duration: DurationValue) throws(SyntaxError) -> Int64 {
        try milliseconds(duration, mustBePositive: false)
    }

    private func milliseconds(_ duration: DurationValue, mustBePositive: Bool) throws(SyntaxError) -> Int64 {
        switch duration {
        case .milliseconds(let milliseconds): return milliseconds
        case .expression(let expression):
            let seconds = try seconds(expression)
            guard seconds.isFinite else { throw fault("duration is NaN or infinite", expression) }
            guard seconds > 0 || !mustBePositive else { throw fault("duration must be greater than 0", expression) }
            let milliseconds = seconds * 1000
            guard milliseconds.magnitude < Double(Self.limitMilliseconds) else {
                throw fault("duration is out of range", expression)
            }
            return Int64(milliseconds)
        }
    }

    private func fault(_ message: String, _ expression: DurationExpression) -> SyntaxError {
        var error = SyntaxError(message, range: Self.place(of: expression), in: text)
        error.dependsOnTimes = true
        return error
    }

    /// The part of the text that Prometheus tells: without parentheses, and without the name before two arguments.
    private static func place(of expression: DurationExpression) -> SourceRange {
        switch expression {
        case .literal, .quantity: expression.range
        case .parenthesized(let inner, _): place(of: inner)
        case .signed(_, let inner, let position): SourceRange(position.range.start, place(of: inner).end)
        case .binary(_, let left, let right), .choice(_, let left, let right, _):
            SourceRange(place(of: left).start, place(of: right).end)
        }
    }

    private func seconds(_ expression: DurationExpression) throws(SyntaxError) -> Double {
        switch expression {
        case .literal(let number): return number.value
        case .quantity(.step, _): return stepSeconds
        case .quantity(.range, _): return rangeSeconds
        case .parenthesized(let inner, _): return try seconds(inner)
        case .signed(let isNegative, let inner, _):
            let value = try seconds(inner)
            return isNegative ? -value : value
        case .choice(let choice, let left, let right, _):
            let leftValue = try seconds(left)
            let rightValue = try seconds(right)
            if leftValue.isNaN || rightValue.isNaN { return .nan }
            return choice == .minimum ? min(leftValue, rightValue) : max(leftValue, rightValue)
        case .binary(let symbol, let left, let right):
            return try apply(symbol, try seconds(left), try seconds(right), in: expression)
        }
    }

    private func apply(
        _ symbol: DurationExpression.Operator, _ left: Double, _ right: Double, in expression: DurationExpression
    ) throws(SyntaxError) -> Double {
        switch symbol {
        case .plus: return left + right
        case .minus: return left - right
        case .multiply: return left * right
        case .divide:
            guard right != 0 else { throw fault("division by zero", expression) }
            return left / right
        case .modulo:
            guard right != 0 else { throw fault("modulo by zero", expression) }
            return fmod(left, right)
        case .power: return Elementary.pow(left, right)
        }
    }
}
