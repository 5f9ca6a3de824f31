import MetricModel

/// Which ticks of a column have a value, which have a marker in its place, and which have nothing.
///
/// Markers and gaps would spoil the arithmetic of the values, so they are told apart from them and stored as runs:
///
///     varint    number of runs
///     varint    length << 2 | state, for each run; the lengths add up to the column's ticks
///
/// A column in which every tick has a value has no runs at all.
enum TickState: UInt8 {
    case value = 0
    case stale = 1
    case absent = 2
    /// `SpecialValue.ordinaryNaNBits`, which idle summaries are full of.
    case ordinaryNaN = 3

    @inline(__always)
    init(of bits: UInt64) {
        switch bits {
        case SpecialValue.staleBits: self = .stale
        case SpecialValue.absentBits: self = .absent
        case SpecialValue.ordinaryNaNBits: self = .ordinaryNaN
        default: self = .value
        }
    }

    var bits: UInt64 {
        switch self {
        case .value: 0
        case .stale: SpecialValue.staleBits
        case .absent: SpecialValue.absentBits
        case .ordinaryNaN: SpecialValue.ordinaryNaNBits
        }
    }

    /// Whether every tick has a value.
    static func areAllValues(_ values: UnsafeBufferPointer<Double>) -> Bool {
        // All special bits have the exponent of infinities and NaNs, which hardly any value has.
        var found: UInt64 = 0
        for index in 0..<values.count {
            let exponent = unsafe values[index].bitPattern &>> 52 & 0x7ff
            found |= exponent &+ 1
        }
        guard found & 0x800 != 0 else { return true }
        for index in 0..<values.count {
            let bits = unsafe values[index].bitPattern
            if bits &>> 52 & 0x7ff == 0x7ff, TickState(of: bits) != .value { return false }
        }
        return true
    }

    /// The ticks from the first to the last with anything but the absent value.
    static func stretch(of values: UnsafeBufferPointer<Double>, in ticks: Range<Int>) -> Range<Int> {
        var lower = ticks.lowerBound
        var upper = ticks.upperBound
        while lower < upper, unsafe SpecialValue.isAbsent(values[lower]) { lower += 1 }
        while lower < upper, unsafe SpecialValue.isAbsent(values[upper - 1]) { upper -= 1 }
        return lower..<upper
    }

    /// Appends the runs of a column and copies its plain values together in `dense`; returns how many there are.
    static func encodeRuns(
        _ values: UnsafeBufferPointer<Double>, dense: UnsafeMutablePointer<Double>, runs: inout [UInt64],
        into output: inout OutputBytes
    ) -> Int {
        runs.removeAll(keepingCapacity: true)
        var denseCount = 0
        var length: UInt64 = 0
        var current = TickState.value
        for index in 0..<values.count {
            let value = unsafe values[index]
            let state = TickState(of: value.bitPattern)
            if state == .value {
                unsafe dense[denseCount] = value
                denseCount &+= 1
            }
            if state != current, length > 0 {
                runs.append(length << 2 | UInt64(current.rawValue))
                length = 0
            }
            current = state
            length &+= 1
        }
        if length > 0 { runs.append(length << 2 | UInt64(current.rawValue)) }
        output.append(varint: UInt64(runs.count))
        for run in runs { output.append(varint: run) }
        return denseCount
    }

    /// How many plain values and how many samples (all that is not absent) the runs hold; nil where they are damaged or
    /// do not add up to `tickCount`.
    static func countRuns(_ input: inout InputBytes, tickCount: Int) -> (values: Int, samples: Int)? {
        let runCount = input.count(limit: tickCount)
        var ticks = 0
        var values = 0
        var absent = 0
        for _ in 0..<runCount {
            let run = input.varint()
            guard run >> 2 <= UInt64(tickCount - ticks) else { return nil }
            let length = Int(run >> 2)
            ticks += length
            if run & 3 == UInt64(TickState.value.rawValue) { values += length }
            if run & 3 == UInt64(TickState.absent.rawValue) { absent += length }
        }
        guard ticks == tickCount, !input.isDamaged else { return nil }
        return (values, tickCount - absent)
    }

    /// Spreads plain values over the ticks of their runs, which `countRuns` has found sound.
    static func expand(
        _ input: InputBytes, dense: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>
    ) {
        var input = input
        let runCount = Int(input.varint())
        var taken = 0
        var tick = 0
        for _ in 0..<runCount {
            let run = input.varint()
            let length = Int(run >> 2)
            guard let state = TickState(rawValue: UInt8(run & 3)) else { return }
            if state == .value {
                unsafe (target + tick).update(from: dense + taken, count: length)
                taken += length
            } else {
                unsafe (target + tick).update(repeating: Double(bitPattern: state.bits), count: length)
            }
            tick += length
        }
    }

    /// Writes the special markers of the runs, which `countRuns` has found sound, and a one for each plain value.
    static func mark(_ input: InputBytes, into target: UnsafeMutablePointer<Double>) {
        var input = input
        let runCount = Int(input.varint())
        var tick = 0
        for _ in 0..<runCount {
            let run = input.varint()
            let length = Int(run >> 2)
            guard let state = TickState(rawValue: UInt8(run & 3)) else { return }
            let value = state == .value ? 1 : Double(bitPattern: state.bits)
            unsafe (target + tick).update(repeating: value, count: length)
            tick += length
        }
    }
}
