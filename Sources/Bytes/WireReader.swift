/// Walks the fields of a protobuf message.
///
/// https://protobuf.dev/programming-guides/encoding/
///
///     message:  fields, one behind the other
///     field:    varint(number << 3 | wire type), payload
///     payload:  wire type 0  varint | 1  eight bytes | 2  varint byte count, bytes | 5  four bytes
///
/// The payload of a field is read together with its tag, so that a caller looks at `field` and then at `number` or
/// `content`, and passes over fields that it does not know by doing nothing. No length is believed beyond the end of the
/// message, and nothing is allocated. The caller keeps the bytes alive.
///
/// All of it is inlinable because the loops over samples stand in other buildings.
@safe package struct WireReader {
    /// Wire types, as they stand in a tag.
    package enum Kind: UInt8, Sendable { case varint, fixed64, bytes, startGroup, endGroup, fixed32 }

    /// What is wrong with a message, and at which byte.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package enum Reason: String, Sendable {
            case truncated = "the message ends inside a field"
            case number = "a number of more than 64 bits"
            case tag = "a field without a valid number or type"
            case length = "a length beyond the end of the message"
        }

        package var reason: Reason
        package var offset: Int

        @inlinable init(reason: Reason, offset: Int) {
            self.reason = reason
            self.offset = offset
        }

        package var description: String { "\(reason.rawValue) at byte \(offset)" }
    }

    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var position: Int
    @usableFromInline let end: Int

    /// The number of the field that was read last.
    package var field = 0
    /// Its wire type.
    package var kind = Kind.varint
    /// Its value, where it is a varint or has a fixed width.
    package var number: UInt64 = 0
    /// Where its bytes are, where it has a length.
    package var content = 0..<0
    /// Why reading stopped before the end; nil where all is well.
    package var fault: Fault?

    /// A reader over the message in `range` of `bytes`, which must lie inside.
    @inlinable
    package init(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a message goes beyond its bytes")
        unsafe self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// A reader over a message that is all of `bytes`.
    @inlinable
    package init(_ bytes: UnsafeRawBufferPointer) { unsafe self.init(bytes, range: 0..<bytes.count) }

    /// Where the next field starts.
    @inlinable package var offset: Int { position }

    /// Reads the next field; false at the end and where the message is damaged (`fault` says so).
    @inlinable @inline(__always)
    package mutating func next() -> Bool {
        guard position < end else { return false }
        guard let tag = varint() else { return false }
        field = Int(truncatingIfNeeded: tag &>> 3)
        guard field > 0, tag <= UInt64(UInt32.max), let kind = Kind(rawValue: UInt8(truncatingIfNeeded: tag & 7)) else {
            return fail(.tag)
        }
        self.kind = kind
        switch kind {
        case .varint:
            guard let value = varint() else { return false }
            number = value
        case .bytes:
            guard let count = varint() else { return false }
            guard count <= UInt64(truncatingIfNeeded: end &- position) else { return fail(.length) }
            content = position..<position &+ Int(truncatingIfNeeded: count)
            position = content.upperBound
        case .fixed64:
            guard end &- position >= 8 else { return fail(.truncated) }
            number = UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position &+= 8
        case .fixed32:
            guard end &- position >= 4 else { return fail(.truncated) }
            number = UInt64(
                UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
            position &+= 4
        case .startGroup, .endGroup: return fail(.tag)
        }
        return true
    }

    /// The last field's value as a double; it must have eight bytes.
    @inlinable package var double: Double { Double(bitPattern: number) }
    /// The last field's value as a signed number (int32, int64).
    @inlinable package var signed: Int64 { Int64(bitPattern: number) }
    /// The last field's value as a signed number in zigzag order (sint32, sint64).
    @inlinable package var zigzag: Int64 { Int64(bitPattern: number &>> 1) ^ (0 &- Int64(bitPattern: number & 1)) }

    /// A reader over the last field's bytes.
    @inlinable package var message: WireReader { unsafe WireReader(bytes, range: content) }

    /// Reads a varint without a tag: an element of a packed field, or the length before a delimited message.
    @inlinable @inline(__always)
    package mutating func varint() -> UInt64? {
        if position < end {
            let byte = unsafe bytes[position]
            if byte < 0x80 {
                position &+= 1
                return UInt64(byte)
            }
        }
        return longVarint()
    }

    @inlinable
    mutating func longVarint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var cursor = position
        while cursor < end {
            let byte = unsafe bytes[cursor]
            cursor &+= 1
            if shift == 63, byte > 1 {
                _ = fail(.number)
                return nil
            }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 {
                position = cursor
                return value
            }
            shift &+= 7
        }
        _ = fail(.truncated)
        return nil
    }

    /// Stops here and remembers why.
    @usableFromInline
    mutating func fail(_ reason: Fault.Reason) -> Bool {
        fault = fault ?? Fault(reason: reason, offset: position)
        position = end
        return false
    }

    /// A fault at the place where the reader is.
    package func faultHere(_ reason: Fault.Reason) -> Fault { Fault(reason: reason, offset: position) }

    // MARK: Repeated numbers

    /// Appends the elements of a repeated numeric field, packed or one by one, in the type of the wire.
    ///
    /// False, with a fault, where they are damaged or more than `limit` are there.
    @inlinable
    package mutating func appendNumbers(
        fixedWidth: Bool = false, limit: Int = .max, to numbers: inout [UInt64]
    ) -> Bool {
        guard kind == .bytes else {
            guard numbers.count < limit else { return fail(.length) }
            numbers.append(number)
            return true
        }
        var packed = message
        while packed.position < packed.end {
            guard numbers.count < limit else { return fail(.length) }
            if fixedWidth {
                guard packed.end &- packed.position >= 8 else { return fail(.truncated) }
                numbers.append(
                    UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: packed.position, as: UInt64.self)))
                packed.position &+= 8
            } else {
                guard let value = packed.varint() else {
                    fault = packed.fault
                    position = end
                    return false
                }
                numbers.append(value)
            }
        }
        return true
    }
}
