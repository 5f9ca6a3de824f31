/// Four compensated sums side by side, each with the very bits of a `CompensatedSum` that is given its lane's values.
///
/// One sum has to wait for each addition before the next; four that do not depend on each other keep the processor busy.
struct FourCompensatedSums {
    private(set) var sum: SIMD4<Double>
    private(set) var compensation = SIMD4<Double>(repeating: 0)
    /// The lanes that were infinite at any time.
    private(set) var wasInfinite = SIMDMask<SIMD4<Int64>>(repeating: false)

    init(_ sum: SIMD4<Double> = SIMD4(repeating: 0)) { self.sum = sum }

    @inline(__always)
    mutating func add(_ increment: SIMD4<Double>) {
        let total = sum + increment
        let rest = ((increment - total) + sum).replacing(
            with: (sum - total) + increment, where: Self.magnitude(sum) .>= Self.magnitude(increment))
        let isInfinite = Self.magnitude(total) .== SIMD4(repeating: Double.infinity)
        compensation = (compensation + rest).replacing(with: SIMD4(repeating: 0), where: isInfinite)
        wasInfinite = wasInfinite .| isInfinite
        sum = total
    }

    /// The sum of one lane, to go on with alone.
    func lane(_ index: Int) -> CompensatedSum { CompensatedSum(sum[index], compensation: compensation[index]) }

    @inline(__always)
    private static func magnitude(_ value: SIMD4<Double>) -> SIMD4<Double> {
        value.replacing(with: 0 - value, where: value .< 0)
    }
}
