/// The places in a column where a counter went down.
struct CounterResets {
    private var positions: [Int] = []
    var count: Int { positions.count }

    init() {}

    init(in values: [Double]) {
        guard Self.areAny(in: values) else { return }
        for index in 1..<values.count where values[index] < values[index - 1] { positions.append(index) }
    }

    /// Whether any value is less than the one before.
    ///
    /// Most counters have no reset at all, so four are compared at a time before any place is looked for.
    private static func areAny(in values: [Double]) -> Bool {
        unsafe values.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            let bytes = unsafe UnsafeRawPointer(start)
            var isLess = SIMDMask<SIMD4<Int64>>(repeating: false)
            var index = 1
            while index &+ 4 <= buffer.count {
                let before = unsafe bytes.loadUnaligned(fromByteOffset: (index &- 1) &* 8, as: SIMD4<Double>.self)
                let four = unsafe bytes.loadUnaligned(fromByteOffset: index &* 8, as: SIMD4<Double>.self)
                isLess = isLess .| (four .< before)
                index &+= 4
            }
            if any(isLess) { return true }
            while index < buffer.count {
                if unsafe buffer[index] < buffer[index &- 1] { return true }
                index &+= 1
            }
            return false
        }
    }

    /// Adds what was counted before each reset inside the window, in order.
    func corrected(_ difference: Double, _ values: [Double], in window: Range<Int>) -> Double {
        var low = 0
        var high = positions.count
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] <= window.lowerBound { low = middle + 1 } else { high = middle }
        }
        var result = difference
        while low < positions.count, positions[low] < window.upperBound {
            result += values[positions[low] - 1]
            low += 1
        }
        return result
    }
}
