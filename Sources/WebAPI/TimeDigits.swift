import Bytes

/// Writes times as seconds, one after the other: the digits that a time shares with the one before are copied.
///
/// Seconds have no fraction when it is zero, else exactly three digits.
@safe struct TimeDigits {
    /// Nineteen digits of a time, its sign, point and fraction.
    static let maximumByteCount = 24

    /// The seconds of the last time without their last four digits, and those as text; none yet.
    private var upper = UInt64.max
    private var text: UInt64 = 0
    private var count = 0

    /// Writes a time at `start`, where `maximumByteCount` bytes are free; answers its end.
    mutating func write(
        _ milliseconds: Int64, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        guard milliseconds >= 0 else { return unsafe Self.writeAlone(milliseconds, at: start) }
        let (seconds, fraction) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
        let (shared, rest) = seconds.quotientAndRemainder(dividingBy: 10_000)
        let bytes = UnsafeMutableRawPointer(start)
        if shared != upper {
            // Up to eight digits stand in a word.
            guard shared > 0, shared < 100_000_000 else { return unsafe Self.writeAlone(milliseconds, at: start) }
            count = unsafe DecimalFormatting.write(shared, at: start) - start
            text = unsafe bytes.loadUnaligned(as: UInt64.self)
            upper = shared
        }
        unsafe bytes.storeBytes(of: text, as: UInt64.self)
        unsafe bytes.storeBytes(
            of: Self.fourDigits(UInt32(truncatingIfNeeded: rest)), toByteOffset: count, as: UInt32.self)
        let end = unsafe start + (count &+ 4)
        return fraction == 0 ? unsafe end : unsafe Self.writeFraction(fraction, at: end)
    }

    /// The four digits of a number, the first in the lowest byte.
    private static func fourDigits(_ number: UInt32) -> UInt32 {
        let pair = (number &* 5243) &>> 19
        let pairs = pair | (number &- pair &* 100) &<< 16
        let digit = (pairs &* 103) &>> 10 & 0x000f_000f
        return (digit | (pairs &- digit &* 10) &<< 8 | 0x3030_3030).littleEndian
    }

    /// Writes any time without regard to others.
    static func writeAlone(
        _ milliseconds: Int64, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        var cursor = unsafe start
        if milliseconds < 0 {
            unsafe cursor.pointee = UInt8(ascii: "-")
            unsafe cursor += 1
        }
        let (seconds, fraction) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
        unsafe cursor = DecimalFormatting.write(seconds, at: cursor)
        return fraction == 0 ? unsafe cursor : unsafe writeFraction(fraction, at: cursor)
    }

    private static func writeFraction(
        _ milliseconds: UInt64, at start: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        unsafe start[0] = UInt8(ascii: ".")
        unsafe start[1] = UInt8(ascii: "0") + UInt8(milliseconds / 100)
        unsafe start[2] = UInt8(ascii: "0") + UInt8(milliseconds / 10 % 10)
        unsafe start[3] = UInt8(ascii: "0") + UInt8(milliseconds % 10)
        return unsafe start + 4
    }
}
