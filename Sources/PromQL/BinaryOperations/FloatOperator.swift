import Bytes
import Glibc
import MetricModel
import PromQLSyntax

/// What a binary operator does with two floats.
struct FloatOperator: Sendable {
    let symbol: BinaryOperator

    init(_ symbol: BinaryOperator) { self.symbol = symbol }

    /// The result of arithmetic.
    @inline(__always)
    func arithmetic(_ left: Double, _ right: Double) -> Double {
        switch symbol {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: fmod(left, right)
        case .power: Elementary.pow(left, right)
        case .arcTangent: Elementary.atan2(left, right)
        default: SpecialValue.notANumber
        }
    }

    /// Whether a comparison holds.
    @inline(__always)
    func holds(_ left: Double, _ right: Double) -> Bool {
        switch symbol {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .greater: left > right
        case .lessOrEqual: left <= right
        case .greaterOrEqual: left >= right
        default: false
        }
    }

    /// Between scalars a comparison gives 1 or 0.
    func scalar(_ left: Double, _ right: Double) -> Double {
        symbol.isComparison ? (holds(left, right) ? 1 : 0) : arithmetic(left, right)
    }
}
