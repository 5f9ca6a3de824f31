internal import Bytes

/// The numbers of sample lines, read in the loop that walks a page.
enum NumberScan {
    /// Reads a plain number that a blank or a line feed follows, and moves `offset` behind the number.
    ///
    /// Nil for what takes longer to read (NaN, infinity, more than 19 digits) and for what is wrong; `offset` is then
    /// anywhere in the line. The line must end with a line feed: that is where the loops stop.
    @inline(__always)
    static func scan(_ content: UnsafeRawBufferPointer, _ offset: inout Int) -> Double? {
        guard let base = content.baseAddress else { return nil }
        let bytes = unsafe base.assumingMemoryBound(to: UInt8.self)
        var position = offset
        let isNegative = unsafe bytes[position] == UInt8(ascii: "-")
        if isNegative { position &+= 1 }
        let start = position
        var digits: UInt64 = 0
        while true {
            let digit = unsafe bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            digits = digits &* 10 &+ UInt64(digit)
            position &+= 1
        }
        var digitCount = position &- start
        var exponent = 0
        if unsafe bytes[position] == UInt8(ascii: ".") {
            position &+= 1
            let fractionStart = position
            while true {
                let digit = unsafe bytes[position] &- UInt8(ascii: "0")
                guard digit <= 9 else { break }
                digits = digits &* 10 &+ UInt64(digit)
                position &+= 1
            }
            exponent = fractionStart &- position
            digitCount &-= exponent
        }
        guard digitCount > 0, digitCount <= 19 else { return nil }
        if unsafe bytes[position] | 0x20 == UInt8(ascii: "e") {
            guard let written = unsafe scanExponent(bytes, &position) else { return nil }
            exponent &+= written
        }
        let next = unsafe bytes[position]
        guard next == UInt8(ascii: "\n") || next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") else { return nil }
        offset = position
        if exponent == 0, digits <= 1 << 53 {
            let value = Double(digits)
            return isNegative ? -value : value
        }
        return DecimalParsing.value(digits: digits, exponent: exponent, isNegative: isNegative)
    }

    /// Reads `e+07`, at most three digits.
    @inline(__always)
    private static func scanExponent(_ bytes: UnsafePointer<UInt8>, _ position: inout Int) -> Int? {
        position &+= 1
        let sign = unsafe bytes[position]
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { position &+= 1 }
        let start = position
        var exponent = 0
        while true {
            let digit = unsafe bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            exponent = exponent &* 10 &+ Int(digit)
            position &+= 1
        }
        guard position > start, position &- start <= 3 else { return nil }
        return sign == UInt8(ascii: "-") ? -exponent : exponent
    }
}
