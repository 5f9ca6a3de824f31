internal import CColumns
import MetricModel

/// How one value that changed is written against the value before it.
///
/// A varint comes first. Its lowest bit says which of two forms it is:
///
///     bit 0 = 0:  zigzag(mantissa - mantissa before) << 1; the value is mantissa / 10^exponent, exponent as before
///     bit 0 = 1:  code << 1 | 1, one byte, and what the code asks for
///         code 0          the staleness marker
///         code 1          no sample
///         code 2 ... 9    varint zigzag(mantissa delta); the value's bits are those of mantissa / 10^exponent plus
///                         -4, -3, -2, -1, 1, 2, 3, 4: counters that were added up in floating point
///         code 10 ... 25  exponent = code - 10, varint zigzag(mantissa)
///         code 26 ... 33  (code - 25) bytes, little endian: the exclusive or with the bits before
///
/// Decimals are made by division: multiplying by 10^-e does not give the same bits.
enum ValueCodec {
    static let maximumByteCount = 12
    static let maximumExponent: UInt8 = 15
    /// In an encoder's exponent byte: no decimal form is known.
    static let noExponent = UInt8(ccolumns_no_exponent)
    /// Failed searches for an exponent are counted in these bits; after seven the search is given up, because it
    /// costs sixteen divisions.
    static let failureIncrement: UInt8 = 0x10
    static let failureMask: UInt8 = 0x70

    private static let ulpCodeBase = 2
    private static let exponentCodeBase = 10
    private static let exclusiveOrCodeBase = 25
    private static let largestMantissa = 9_007_199_254_740_992.0

    /// 10^0 ...
    ///
    /// 10^15 at one address, so that loops carry a pointer.
    @safe struct Powers: @unchecked Sendable {
        /// Written once, before anyone reads it.
        let table: UnsafePointer<Double>

        static let shared: Powers = {
            let table = UnsafeMutablePointer<Double>.allocate(capacity: 16)
            var power = 1.0
            for exponent in 0..<16 {
                unsafe table[exponent] = power
                power *= 10
            }
            return unsafe Powers(table: UnsafePointer(table))
        }()
    }

    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)) }

    @inline(__always)
    static func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: (value &>> 1) ^ (0 &- (value & 1))) }

    @inline(__always)
    static func writeVarInt(_ value: UInt64, at cursor: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var rest = value
        var position = unsafe cursor
        while rest >= 0x80 {
            unsafe position.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
            unsafe position += 1
            rest &>>= 7
        }
        unsafe position.pointee = UInt8(truncatingIfNeeded: rest)
        return unsafe position + 1
    }

    /// Writes `bits`, which differ from `lastBits`; at most `maximumByteCount` bytes.
    ///
    /// Updates the three state values.
    @inline(__always)
    static func encode(
        _ bits: UInt64, lastBits: inout UInt64, mantissa: inout Int64, exponent: inout UInt8,
        powers: UnsafePointer<Double>, at cursor: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        if exponent < noExponent {
            let power = unsafe powers[Int(exponent & 15)]
            let rounded = (Double(bitPattern: bits) * power).rounded(.toNearestOrEven)
            if rounded.magnitude < largestMantissa {
                let found = Int64(rounded)
                let difference = Int64(bitPattern: bits &- (Double(found) / power).bitPattern)
                let delta = found &- mantissa
                if difference == 0 {
                    mantissa = found
                    lastBits = bits
                    return unsafe writeVarInt(zigzag(delta) &<< 1, at: cursor)
                }
                if difference >= -4, difference <= 4 {
                    mantissa = found
                    lastBits = bits
                    let code = ulpCodeBase + Int(difference < 0 ? difference + 4 : difference + 3)
                    unsafe cursor.pointee = UInt8(truncatingIfNeeded: code << 1 | 1)
                    return unsafe writeVarInt(zigzag(delta), at: cursor + 1)
                }
            }
        }
        return unsafe encodeSlowly(
            bits, lastBits: &lastBits, mantissa: &mantissa, exponent: &exponent, powers: powers, at: cursor)
    }

    @inline(never)
    private static func encodeSlowly(
        _ bits: UInt64, lastBits: inout UInt64, mantissa: inout Int64, exponent: inout UInt8,
        powers: UnsafePointer<Double>, at cursor: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        defer { lastBits = bits }
        if bits == SpecialValue.staleBits || bits == SpecialValue.absentBits {
            unsafe cursor.pointee = bits == SpecialValue.staleBits ? 1 : 3
            return unsafe cursor + 1
        }
        let value = Double(bitPattern: bits)
        let hasGivenUp = exponent & failureMask == failureMask
        // After giving up only whole numbers are looked at: one division instead of sixteen.
        let lastTried: UInt8 = hasGivenUp ? 0 : maximumExponent
        var tried: UInt8 = 0
        while tried <= lastTried {
            let power = unsafe powers[Int(tried)]
            let rounded = (value * power).rounded(.toNearestOrEven)
            guard rounded.magnitude < largestMantissa else { break }
            if (Double(Int64(rounded)) / power).bitPattern == bits {
                exponent = tried
                mantissa = Int64(rounded)
                unsafe cursor.pointee = UInt8(truncatingIfNeeded: (exponentCodeBase + Int(tried)) << 1 | 1)
                return unsafe writeVarInt(zigzag(mantissa), at: cursor + 1)
            }
            tried += 1
        }
        if hasGivenUp {
            exponent |= noExponent
        } else {
            exponent &+= failureIncrement
        }
        let difference = bits ^ lastBits
        let byteCount = 8 - difference.leadingZeroBitCount / 8
        unsafe cursor.pointee = UInt8(truncatingIfNeeded: (exclusiveOrCodeBase + byteCount) << 1 | 1)
        unsafe UnsafeMutableRawPointer(cursor + 1).storeBytes(of: difference.littleEndian, as: UInt64.self)
        return unsafe cursor + 1 + byteCount
    }

    /// Reads a varint; nil at the end of the bytes or after ten of them.
    @inline(__always)
    static func readVarInt(_ cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> UInt64? {
        if unsafe end - cursor >= 8 {
            let word = UInt64(littleEndian: unsafe UnsafeRawPointer(cursor).loadUnaligned(as: UInt64.self))
            // The highest bit of the last byte is the lowest one that is clear.
            let stop = ~word & 0x8080_8080_8080_8080
            if stop != 0 {
                unsafe cursor += (stop.trailingZeroBitCount &>> 3) &+ 1
                // Groups of seven bits are put together two, four and eight at a time: the lengths of neighbouring
                // values differ, and a loop over the bytes would be mispredicted for each of them.
                var number = word & (stop ^ (stop &- 1)) & 0x7f7f_7f7f_7f7f_7f7f
                number = number & 0x007f_007f_007f_007f | (number & 0x7f00_7f00_7f00_7f00) &>> 1
                number = number & 0x0000_3fff_0000_3fff | (number & 0x3fff_0000_3fff_0000) &>> 2
                return number & 0x0000_0000_0fff_ffff | (number & 0x0fff_ffff_0000_0000) &>> 4
            }
        }
        return unsafe readLongVarInt(&cursor, end: end)
    }

    /// Byte by byte: near the end of the bytes, and numbers of more than 56 bits.
    @inline(never)
    private static func readLongVarInt(_ cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> UInt64? {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while unsafe cursor < end, shift < 70 {
            let byte = unsafe cursor.pointee
            unsafe cursor += 1
            result |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return result }
            shift += 7
        }
        return nil
    }

    /// Steps over one value; false where the bytes are not of this form.
    @inline(__always)
    static func skip(_ cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>) -> Bool {
        guard let first = unsafe readVarInt(&cursor, end: end) else { return false }
        if first & 1 == 0 { return true }
        switch Int(truncatingIfNeeded: first &>> 1) {
        case 0, 1: return true
        case 2...25: return unsafe readVarInt(&cursor, end: end) != nil
        case let code where code >= 26 && code <= 33:
            let byteCount = code - exclusiveOrCodeBase
            guard unsafe end - cursor >= byteCount else { return false }
            unsafe cursor += byteCount
            return true
        default: return false
        }
    }

    /// Reads one value and updates the state; false where the bytes are not of this form.
    @inline(__always)
    static func decode(
        _ cursor: inout UnsafePointer<UInt8>, end: UnsafePointer<UInt8>, powers: UnsafePointer<Double>,
        bits: inout UInt64, mantissa: inout Int64, exponent: inout UInt8
    ) -> Bool {
        guard let first = unsafe readVarInt(&cursor, end: end) else { return false }
        if first & 1 == 0 {
            mantissa &+= unzigzag(first &>> 1)
            // Most numbers are whole, and a division takes longer than all the rest.
            let scale = Int(exponent & 15)
            let number = Double(mantissa)
            bits = scale == 0 ? number.bitPattern : unsafe (number / powers[scale]).bitPattern
            return true
        }
        let code = Int(truncatingIfNeeded: first &>> 1)
        switch code {
        case 0: bits = SpecialValue.staleBits
        case 1: bits = SpecialValue.absentBits
        case 2...9:
            guard let delta = unsafe readVarInt(&cursor, end: end) else { return false }
            mantissa &+= unzigzag(delta)
            let step = code - ulpCodeBase
            let base = unsafe (Double(mantissa) / powers[Int(exponent & 15)]).bitPattern
            bits = base &+ UInt64(bitPattern: Int64(step < 4 ? step - 4 : step - 3))
        case 10...25:
            guard let absolute = unsafe readVarInt(&cursor, end: end) else { return false }
            mantissa = unzigzag(absolute)
            exponent = UInt8(truncatingIfNeeded: code - exponentCodeBase)
            bits = unsafe (Double(mantissa) / powers[Int(exponent)]).bitPattern
        case 26...33:
            let byteCount = code - exclusiveOrCodeBase
            guard unsafe end - cursor >= byteCount else { return false }
            var difference: UInt64 = 0
            for index in 0..<byteCount { difference |= unsafe UInt64(cursor[index]) &<< UInt64(8 &* index) }
            unsafe cursor += byteCount
            bits ^= difference
        default: return false
        }
        return true
    }
}
