import MetricModel
import Testing

@testable import TSDB

@Suite("Rows of the head")
struct RowChangesTests {
    /// Values that ask for every form of the codec, or for the two that nearly all are of: of which many are looked at together.
    private static func value(
        after last: Double, isCommon: Bool, _ generator: inout SystemRandomNumberGenerator
    ) -> Double {
        let kinds = isCommon && !last.isNaN ? 10..<60 : 0..<10
        return switch Int.random(in: kinds, using: &generator) {
        case 0: SpecialValue.stale
        case 1: SpecialValue.absent
        case 2: last.isNaN ? 0.1 : (last + 0.1).nextUp
        case 3, 10: Double(Int.random(in: -9_000_000_000_000...9_000_000_000_000, using: &generator))
        case 4: Double.random(in: -1...1, using: &generator)
        case 5: Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &generator))
        case 6: Double(Int.random(in: 0..<100_000, using: &generator)) / 100
        case 11..<25: (last + Double(Int.random(in: 0...9000, using: &generator)) / 100).nextUp
        case 25..<40: last
        case 40...: last + Double(Int.random(in: -5...200, using: &generator))
        default: last.isNaN || abs(last) > 1e12 ? 7 : last + Double(Int.random(in: 0...200, using: &generator))
        }
    }

    /// The rows of a slice with random values, and those values.
    private static func history(
        slotCount: Int, rowCount: Int, isCommon: Bool, _ generator: inout SystemRandomNumberGenerator
    ) -> (rows: [[UInt8]], values: [[Double]]) {
        var states = SlotStates()
        states.grow(to: slotCount)
        let scratch = RowScratch()
        var values = [[Double]]()
        var rows = [[UInt8]]()
        for row in 0..<rowCount {
            let next = states.lastBits.map { value(after: Double(bitPattern: $0), isCommon: isCommon, &generator) }
            let count = states.encodeRow(timestamp: Int64(row), values: next, isKey: row == 0, into: scratch)
            rows.append(unsafe [UInt8](UnsafeRawBufferPointer(start: scratch.memory, count: count)))
            values.append(next)
        }
        return (rows, values)
    }

    private static func slice(_ rows: [[UInt8]]) -> Slice {
        var slice = Slice()
        slice.makeKept()
        for row in rows { append(row, to: &slice) }
        return slice
    }

    private static func append(_ row: [UInt8], to slice: inout Slice) {
        let index = slice.rowCount
        unsafe row.withUnsafeBytes { bytes in
            unsafe slice.append(
                bytes, timestamp: Int64(index), sequence: UInt64(index), hasHistograms: false, hasStarts: false)
        }
    }

    @Test("of rows come the values that went in, whichever slots and rows are wanted")
    func decoding() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<300 {
            let slotCount = Int.random(in: 1...200, using: &generator)
            let rowCount = Int.random(in: 1...50, using: &generator)
            let history = Self.history(
                slotCount: slotCount, rowCount: rowCount, isCommon: round % 2 == 0, &generator)
            // All, any of them, one.
            let slots =
                switch round % 3 {
                case 0: Array(0..<slotCount)
                case 1: (0..<slotCount).filter { _ in Bool.random(using: &generator) }
                default: [Int.random(in: 0..<slotCount, using: &generator)]
                }
            let first = Int.random(in: 0..<rowCount, using: &generator)
            let wanted = first..<Int.random(in: first + 1...rowCount, using: &generator)
            var columns = SliceColumns(slots: slots, rowCount: wanted.count)
            let isSound = columns.append(Self.slice(history.rows), rows: wanted)
            #expect(isSound)
            for slot in slots {
                let bits = columns.column(of: slot)?.map(\.bitPattern)
                #expect(bits == wanted.map { history.values[$0][slot].bitPattern })
            }
        }
    }

    @Test("of rows is seen which slots have a sample in all of them, whichever slots and rows are wanted")
    func steadySlots() {
        var generator = SystemRandomNumberGenerator()
        var steadyCount = 0
        for round in 0..<300 {
            let slotCount = Int.random(in: 1...200, using: &generator)
            let rowCount = Int.random(in: 1...50, using: &generator)
            let history = Self.history(
                slotCount: slotCount, rowCount: rowCount, isCommon: round % 4 != 0, &generator)
            let slots = (0..<slotCount).filter { _ in round % 2 == 0 || Bool.random(using: &generator) }
            let first = Int.random(in: 0..<rowCount, using: &generator)
            // Some are few, so that there are steady ones where much comes and goes.
            let limit = min(rowCount, first + (round % 3 == 0 ? 2 : 50))
            let wanted = first..<Int.random(in: first + 1...limit, using: &generator)
            // A slice before it, of a time at which the source had fewer slots.
            let earlier = Self.history(
                slotCount: round % 5 == 0 ? slotCount : slotCount / 2 + 1, rowCount: 1, isCommon: true, &generator)
            var steady = SteadySlots(among: slots)
            let isSound =
                steady.follow(Self.slice(earlier.rows), rows: 0..<1)
                && steady.follow(Self.slice(history.rows), rows: wanted)
            #expect(isSound)
            let found = steady.split(slots)
            let expected = slots.filter { slot in
                (earlier.values + history.values[wanted]).allSatisfy { values in
                    slot < values.count && !SpecialValue.isAbsent(values[slot]) && !SpecialValue.isStale(values[slot])
                }
            }
            #expect(found.steady == expected)
            #expect(found.others == slots.filter { !expected.contains($0) })
            steadyCount += expected.count
        }
        #expect(steadyCount > 1000)
    }

    @Test("columns that are kept have the values that went in, while rows come and more slots are asked for")
    func keptColumns() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<100 {
            let slotCount = Int.random(in: 1...200, using: &generator)
            let rowCount = Int.random(in: 1...Lane.rowsPerSlice, using: &generator)
            let history = Self.history(
                slotCount: slotCount, rowCount: rowCount, isCommon: round % 2 == 0, &generator)
            let quota = ByteQuota(limit: 1 << 20)
            var slice = Self.slice([])
            var keptCount = 0
            for row in history.rows {
                Self.append(row, to: &slice)
                // Few slots, so that they come again.
                let slots = (0..<min(slotCount, 6)).filter { _ in Bool.random(using: &generator) }
                let first = Int.random(in: 0..<slice.rowCount, using: &generator)
                let wanted = first..<Int.random(in: first + 1...slice.rowCount, using: &generator)
                var columns = SliceColumns(slots: slots, rowCount: wanted.count)
                guard let isSound = slice.kept?.append(wanted, of: slice, to: &columns, within: quota) else { continue }
                keptCount += 1
                #expect(isSound)
                for slot in slots {
                    let bits = columns.column(of: slot)?.map(\.bitPattern)
                    #expect(bits == wanted.map { history.values[$0][slot].bitPattern })
                }
            }
            #expect(keptCount > 0 || rowCount < 30)
            #expect(keptCount == 0 || quota.usedBytes <= 6 * 2000)
            slice = Slice()
            #expect(quota.usedBytes == 0)
        }
    }

    @Test("columns are kept when they are asked for again, within the quota, and few of a slice")
    func admission() {
        var generator = SystemRandomNumberGenerator()
        let rows = Self.history(slotCount: 300, rowCount: 5, isCommon: true, &generator).rows
        /// Whether these slots are kept, each asked for so many times before.
        func isKept(_ slots: [Int], in slice: Slice, askedBefore count: Int, _ quota: ByteQuota) -> Bool {
            var isKept = false
            for _ in 0...count {
                var columns = SliceColumns(slots: slots, rowCount: 5)
                isKept = slice.kept?.append(0..<5, of: slice, to: &columns, within: quota) == true
            }
            return isKept
        }
        let quota = ByteQuota(limit: 1 << 20)
        var slice = Self.slice(rows)
        #expect(!isKept([3], in: slice, askedBefore: 0, quota))
        #expect(isKept([3], in: slice, askedBefore: 0, quota))
        #expect(!isKept([3, 4], in: slice, askedBefore: 0, quota))
        #expect(isKept([3, 4], in: slice, askedBefore: 0, quota) && isKept([4], in: slice, askedBefore: 0, quota))
        #expect(!isKept(Array(0...KeptColumns.slotLimit), in: slice, askedBefore: 3, quota))
        #expect(isKept(Array(0..<KeptColumns.slotLimit), in: slice, askedBefore: 1, quota))
        #expect(!isKept([200], in: slice, askedBefore: 3, quota))
        #expect(isKept([3, 4], in: slice, askedBefore: 0, quota))
        slice = Self.slice(rows)
        #expect(quota.usedBytes == 0)
        let small = ByteQuota(limit: 1000)
        #expect(isKept([3], in: slice, askedBefore: 1, small) && !isKept([5], in: slice, askedBefore: 3, small))
        #expect(isKept([3], in: slice, askedBefore: 0, small))
        #expect(!isKept([3], in: Self.slice(rows), askedBefore: 3, ByteQuota(limit: 0)))
    }

    @Test("a row without its last byte is noticed, and one with any bytes in it harms nobody")
    func damage() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<200 {
            let slotCount = Int.random(in: 1...200, using: &generator)
            var rows = Self.history(slotCount: slotCount, rowCount: 3, isCommon: round % 2 == 0, &generator).rows
            var columns = SliceColumns(slots: Array(0..<slotCount), rowCount: 3)
            if rows[1].count > RowFormat.headerByteCount + RowFormat.pageCount(slots: slotCount) * 10 {
                var short = rows
                short[1].removeLast()
                let size = UInt32(short[1].count)
                for index in 0..<4 { short[1][index] = UInt8(truncatingIfNeeded: size >> UInt32(8 * index)) }
                let isSound = columns.append(Self.slice(short), rows: 0..<3)
                #expect(!isSound)
                var steady = SteadySlots(among: Array(0..<slotCount))
                let isFollowed = steady.follow(Self.slice(short), rows: 0..<3)
                #expect(!isFollowed)
            }
            for _ in 0..<10 {
                let place = Int.random(in: 0..<rows[1].count, using: &generator)
                rows[1][place] = UInt8.random(in: 0...255, using: &generator)
            }
            columns.restart(slots: Array(0..<slotCount), rowCount: 3)
            _ = columns.append(Self.slice(rows), rows: 0..<3)
            var steady = SteadySlots(among: Array(0..<slotCount))
            _ = steady.follow(Self.slice(rows), rows: 0..<3)
        }
    }
}
