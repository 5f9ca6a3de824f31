import Bytes

/// The journal's form of float samples that came as referenced columns: runs of neighbouring slots whose samples were
/// taken at the same times.
///
///     run:  varint first slot, varint slot count, varint samples a slot, varint samples in each stream before,
///           timestamps: varint zigzag, each against the one before, the first against the first of the run before
///           varint byte count of the values
///           a bit per sample, slot after slot, least significant first: whether it changed (padded to whole bytes)
///           the changed values as they stand in the streams (`ValueCodec`)
///
/// A sender that keeps its order writes one run for each target, and a series that does not change takes one bit.
struct LooseRuns {
    private(set) var bytes: [UInt8] = []
    private var firstSlot = 0
    private var slotCount = 0
    private var before = 0
    /// The times of the run, which its caller's columns hold.
    private var times = 0..<0
    private var values: [UInt8] = []
    private var bits: [UInt8] = []
    private var bitCount = 0
    private var timeBefore: Int64 = 0

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        slotCount = 0
        values.removeAll(keepingCapacity: true)
        bits.removeAll(keepingCapacity: true)
        bitCount = 0
        timeBefore = 0
    }

    /// Begins the samples of a slot: in the run when they fit there, else in a new one.
    @inline(__always)
    mutating func begin(slot: Int, before samplesBefore: Int, times new: Range<Int>, in timestamps: [Int64]) {
        if slotCount > 0, slot == firstSlot + slotCount, samplesBefore == before, new.count == times.count,
            haveSameTimes(new, timestamps)
        {
            slotCount += 1
            return
        }
        finish(timestamps)
        firstSlot = slot
        slotCount = 1
        before = samplesBefore
        times = new
    }

    @inline(__always)
    private func haveSameTimes(_ other: Range<Int>, _ timestamps: [Int64]) -> Bool {
        for index in 0..<other.count
        where timestamps[times.lowerBound + index] != timestamps[other.lowerBound + index] { return false }
        return true
    }

    /// Adds a sample of the slot that was begun.
    @inline(__always)
    mutating func add(value: UnsafeRawBufferPointer) {
        if bitCount & 7 == 0 { bits.append(0) }
        if unsafe !value.isEmpty {
            bits[bitCount >> 3] |= 1 << UInt8(truncatingIfNeeded: bitCount & 7)
            unsafe values.append(contentsOf: value)
        }
        bitCount += 1
    }

    /// Ends the last run.
    mutating func finish(_ timestamps: [Int64]) {
        guard slotCount > 0 else { return }
        VarInt.append(UInt64(firstSlot), to: &bytes)
        VarInt.append(UInt64(slotCount), to: &bytes)
        VarInt.append(UInt64(times.count), to: &bytes)
        VarInt.append(UInt64(before), to: &bytes)
        var last = timeBefore
        for index in times {
            VarInt.appendZigzag(timestamps[index] &- last, to: &bytes)
            last = timestamps[index]
        }
        timeBefore = timestamps[times.lowerBound]
        VarInt.append(UInt64(values.count), to: &bytes)
        bytes.append(contentsOf: bits)
        bytes.append(contentsOf: values)
        slotCount = 0
        bitCount = 0
        bits.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
    }
}

/// A run as it is read back: checked against the bytes that are there.
@safe struct LooseRun {
    var firstSlot: Int
    var slotCount: Int
    var before: Int
    var timestamps: [Int64]
    var bits: UnsafeRawBufferPointer
    var values: UnsafeRawBufferPointer

    /// Reads the run at `offset`; nil where the bytes are no run.
    ///
    /// `timeBefore` is the first time of the run before.
    init?(_ body: UnsafeRawBufferPointer, at offset: inout Int, timeBefore: inout Int64) {
        guard let first = unsafe VarInt.read(body, at: &offset), let slots = unsafe VarInt.read(body, at: &offset),
            let samples = unsafe VarInt.read(body, at: &offset), let before = unsafe VarInt.read(body, at: &offset),
            first <= UInt64(UInt32.max), before <= UInt64(UInt32.max),
            // Every sample takes a bit, every time at least a byte.
            samples > 0, samples <= UInt64(body.count), slots > 0, slots <= UInt64(body.count) * 8 / samples
        else { return nil }
        firstSlot = Int(first)
        slotCount = Int(slots)
        self.before = Int(before)
        timestamps = []
        timestamps.reserveCapacity(Int(samples))
        var last = timeBefore
        for _ in 0..<Int(samples) {
            guard let step = unsafe VarInt.readZigzag(body, at: &offset) else { return nil }
            last = last &+ step
            timestamps.append(last)
        }
        timeBefore = timestamps[0]
        let bitByteCount = (Int(slots) * Int(samples) + 7) / 8
        guard let valueByteCount = unsafe VarInt.read(body, at: &offset), bitByteCount <= body.count - offset,
            valueByteCount <= UInt64(body.count - offset - bitByteCount)
        else { return nil }
        unsafe bits = UnsafeRawBufferPointer(rebasing: body[offset..<offset + bitByteCount])
        offset += bitByteCount
        unsafe values = UnsafeRawBufferPointer(rebasing: body[offset..<offset + Int(valueByteCount)])
        offset += Int(valueByteCount)
    }

    func isChanged(_ sample: Int) -> Bool { unsafe bits[sample >> 3] >> UInt8(sample & 7) & 1 != 0 }
}
