/// The powers of ten from 10^-342 to 10^324, each as its 128 leading bits, rounded up.
///
/// Reading and printing doubles exactly (Lemire, "Number Parsing at a Gigabyte per Second", 2021; Giulietti, "The
/// Schubfach way to render doubles", 2020) both multiply by these. They are computed once, exactly, when first needed:
/// positive powers by multiplying a big integer by five, negative ones by dividing 2^1024 by five again and again
/// (a floor of floors by integers is the floor of the whole quotient). That takes some 20 us and no table in the source.
// Unchecked: the table is written before anybody sees it, and never after.
@safe struct PowersOfTen: @unchecked Sendable {
    static let lowest = -342
    static let highest = 324

    /// The 128 bits of 10^exponent, highest bit set: the least integer not below 10^exponent / 2^r for
    /// r = floor(log2(10^exponent)) - 127.
    static func significand(_ exponent: Int) -> (high: UInt64, low: UInt64) { all.significand(exponent) }

    /// As the function of all: for whoever asks often, since asking for `all` is a call each time.
    @inline(__always)
    func significand(_ exponent: Int) -> (high: UInt64, low: UInt64) {
        assert(exponent >= Self.lowest && exponent <= Self.highest)
        return unsafe table[exponent &- Self.lowest]
    }

    static let all = PowersOfTen()

    /// Of as many elements as there are powers; it is never freed and never changes.
    private let table: UnsafePointer<(high: UInt64, low: UInt64)>

    private init() {
        let powers = Self.makeTable()
        let memory = UnsafeMutablePointer<(high: UInt64, low: UInt64)>.allocate(capacity: powers.count)
        for (index, power) in powers.enumerated() { unsafe memory.advanced(by: index).initialize(to: power) }
        unsafe table = UnsafePointer(memory)
    }

    private static func makeTable() -> [(high: UInt64, low: UInt64)] {
        var table = [(high: UInt64, low: UInt64)](repeating: (0, 0), count: highest - lowest + 1)
        func store(_ exponent: Int, _ value: (high: UInt64, low: UInt64)) { table[exponent - lowest] = value }
        // Words from the least significant to the most; 5^324 takes 753 bits, 2^1024 / 5^342 leaves 229.
        var words = [UInt64](repeating: 0, count: 13)
        words[0] = 1
        for exponent in 0...highest {
            store(exponent, leadingBits(of: words, isTruncated: false))
            multiplyByFive(&words)
        }
        words = [UInt64](repeating: 0, count: 17)
        words[16] = 1
        for exponent in stride(from: -1, through: lowest, by: -1) {
            divideByFive(&words)
            store(exponent, leadingBits(of: words, isTruncated: true))
        }
        return table
    }

    private static func multiplyByFive(_ words: inout [UInt64]) {
        var carry: UInt64 = 0
        for index in words.indices {
            let product = words[index].multipliedFullWidth(by: 5)
            let (sum, overflows) = product.low.addingReportingOverflow(carry)
            words[index] = sum
            carry = product.high + (overflows ? 1 : 0)
        }
    }

    private static func divideByFive(_ words: inout [UInt64]) {
        var remainder: UInt64 = 0
        for index in words.indices.reversed() {
            (words[index], remainder) = (5 as UInt64).dividingFullWidth((remainder, words[index]))
        }
    }

    private static func leadingBits(of words: [UInt64], isTruncated: Bool) -> (high: UInt64, low: UInt64) {
        guard let top = words.lastIndex(where: { $0 != 0 }) else { return (0, 0) }
        func word(_ index: Int) -> UInt64 { index >= 0 ? words[index] : 0 }
        let shift = UInt64(words[top].leadingZeroBitCount)
        // Smart shifts: a shift by 64 gives zero.
        let high = word(top) << shift | word(top - 1) >> (64 - shift)
        let low = word(top - 1) << shift | word(top - 2) >> (64 - shift)
        var isInexact = isTruncated || word(top - 2) << shift != 0
        for index in 0..<max(0, top - 2) where words[index] != 0 { isInexact = true }
        guard isInexact else { return (high, low) }
        let (roundedLow, overflows) = low.addingReportingOverflow(1)
        return (overflows ? high &+ 1 : high, roundedLow)
    }
}
