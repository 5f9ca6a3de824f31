import CColumns
import MetricModel
import Testing

@testable import TSDB

@Suite("Rows of the head")
struct RowChangesTests {
    /// Values that ask for every form of the codec.
    private static func value(after last: Double, _ generator: inout SystemRandomNumberGenerator) -> Double {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: SpecialValue.stale
        case 1: SpecialValue.absent
        case 2: last.isNaN ? 0.1 : (last + 0.1).nextUp
        case 3: Double(Int.random(in: -9_000_000_000_000...9_000_000_000_000, using: &generator))
        case 4: Double.random(in: -1...1, using: &generator)
        case 5: Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &generator))
        case 6: Double(Int.random(in: 0..<100_000, using: &generator)) / 100
        default: last.isNaN || abs(last) > 1e12 ? 7 : last + Double(Int.random(in: 0...200, using: &generator))
        }
    }

    @Test("a group of slots is decoded by the loop in C as value by value, whichever of them are wanted")
    func decoding() {
        var generator = SystemRandomNumberGenerator()
        let powers = unsafe ValueCodec.Powers.shared.table
        for _ in 0..<200 {
            let chosen = UInt64.random(in: 0...UInt64.max, using: &generator)
            var states = Codec()
            var byValue = Codec()
            var byLoop = Codec()
            let places = (0..<64).map { Int32((chosen & ((1 << UInt64($0)) - 1)).nonzeroBitCount) }
            for _ in 0..<20 {
                var bytes = [UInt8](repeating: 0, count: 64 * ValueCodec.maximumByteCount + 8)
                var changed: UInt64 = 0
                var count = 0
                unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                    guard let start = buffer.baseAddress else { return }
                    var cursor = unsafe start
                    for slot in 0..<64 {
                        let next = Self.value(after: Double(bitPattern: states.bits[slot]), &generator).bitPattern
                        if next == states.bits[slot] { continue }
                        changed |= 1 << UInt64(slot)
                        unsafe cursor = ValueCodec.encode(
                            next, lastBits: &states.bits[slot], mantissa: &states.mantissas[slot],
                            exponent: &states.exponents[slot], powers: powers, at: cursor)
                    }
                    count = unsafe cursor - start
                }
                unsafe bytes.withUnsafeBufferPointer { buffer in
                    guard let start = buffer.baseAddress else { return }
                    let end = unsafe start + count
                    var cursor = unsafe start
                    for slot in 0..<64 where changed >> UInt64(slot) & 1 == 1 {
                        let place = Int(places[slot])
                        let isSound =
                            chosen >> UInt64(slot) & 1 == 0
                            ? unsafe ValueCodec.skip(&cursor, end: end)
                            : unsafe ValueCodec.decode(
                                &cursor, end: end, powers: powers, bits: &byValue.bits[place],
                                mantissa: &byValue.mantissas[place], exponent: &byValue.exponents[place])
                        #expect(isSound)
                    }
                    let isSound = unsafe ccolumns_row_changes(
                        start, end, changed, chosen, places, powers, &byLoop.bits, &byLoop.mantissas,
                        &byLoop.exponents)
                    #expect(isSound == 1)
                    // One byte less is noticed where the last value is wanted or not.
                    var copy = byLoop
                    let isShort = unsafe ccolumns_row_changes(
                        start, max(start, end - 1), changed, chosen, places, powers, &copy.bits, &copy.mantissas,
                        &copy.exponents)
                    #expect(changed == 0 || isShort == 0)
                }
                #expect(byLoop == byValue)
            }
        }
    }

    private struct Codec: Equatable {
        var bits = [UInt64](repeating: SpecialValue.absentBits, count: 64)
        var mantissas = [Int64](repeating: 0, count: 64)
        var exponents = [UInt8](repeating: ValueCodec.noExponent, count: 64)
    }
}
