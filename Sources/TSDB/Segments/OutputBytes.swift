import Glibc

/// A growing run of bytes for encoders: room is made once per column, then written through pointers.
@safe struct OutputBytes: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    /// Writers of eight bytes at a time may go this far past the end of what they mean.
    static let slack = 16

    init(capacity: Int = 4096) {
        self.capacity = capacity + Self.slack
        unsafe start = Self.resized(nil, to: self.capacity)
    }

    deinit { unsafe free(start) }

    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: start, count: count) }

    mutating func removeAll() { count = 0 }

    /// Forgets everything from `newCount` on.
    mutating func truncate(to newCount: Int) { count = min(count, max(0, newCount)) }

    /// Takes a part out of the middle.
    mutating func removeSubrange(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "the part lies outside")
        unsafe (start + range.lowerBound).copyMemory(
            from: start + range.upperBound, byteCount: count - range.upperBound)
        count -= range.count
    }

    /// Makes room for `extra` more bytes, plus the slack.
    mutating func reserve(_ extra: Int) {
        let wanted = count + extra + Self.slack
        guard wanted > capacity else { return }
        capacity = max(wanted, capacity * 2)
        unsafe start = Self.resized(start, to: capacity)
    }

    /// The allocator moves the pages of what is large to another address and copies nothing: a sealing spent a sixth of its time
    /// on copies and on the new pages that they touched.
    private static func resized(_ memory: UnsafeMutableRawPointer?, to byteCount: Int) -> UnsafeMutableRawPointer {
        guard let memory = unsafe realloc(memory, byteCount) else { fatalError("no memory for \(byteCount) bytes") }
        return unsafe memory
    }

    /// The place behind the last byte; room must have been reserved.
    var end: UnsafeMutableRawPointer { unsafe start + count }

    /// Counts bytes in that were written at `end`.
    mutating func advance(by written: Int) {
        precondition(count + written <= capacity, "more was written than reserved")
        count += written
    }

    mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe end.storeBytes(of: byte, as: UInt8.self)
        count += 1
    }

    mutating func append(littleEndian value: UInt32) {
        reserve(4)
        unsafe end.storeBytes(of: value.littleEndian, as: UInt32.self)
        count += 4
    }

    mutating func append(littleEndian value: UInt64) {
        reserve(8)
        unsafe end.storeBytes(of: value.littleEndian, as: UInt64.self)
        count += 8
    }

    mutating func append(varint value: UInt64) {
        reserve(10)
        var rest = value
        var position = count
        while rest >= 0x80 {
            unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: position, as: UInt8.self)
            rest &>>= 7
            position &+= 1
        }
        unsafe start.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: position, as: UInt8.self)
        count = position + 1
    }

    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)))
    }

    mutating func append(_ other: UnsafeRawBufferPointer) {
        guard let from = other.baseAddress else { return }
        reserve(other.count)
        unsafe end.copyMemory(from: from, byteCount: other.count)
        count += other.count
    }
}
