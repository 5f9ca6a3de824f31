/// Finds where a number or a duration ends.
enum NumberScanner {
    enum Outcome: Equatable {
        case number(end: Int)
        case duration(end: Int)
        /// Neither; `end` is how far the text was read.
        case malformed(end: Int)
    }

    /// Decimal with fraction and exponent, hexadecimal, or a duration; the byte after it is no letter or digit.
    static func scan(_ bytes: [UInt8], from start: Int) -> Outcome {
        var scan = Scan(bytes: bytes, position: start)
        if scan.number() { return .number(end: scan.position) }
        if scan.durationRest() { return .duration(end: scan.position) }
        return .malformed(end: scan.position)
    }

    /// The same without hexadecimal and durations; an `x` may follow, the repetition mark of series.
    static func scanInSeries(_ bytes: [UInt8], from start: Int) -> Outcome {
        var scan = Scan(bytes: bytes, position: start, isInSeries: true)
        return scan.number() ? .number(end: scan.position) : .malformed(end: scan.position)
    }

    private struct Scan {
        let bytes: [UInt8]
        var position: Int
        var isInSeries = false

        var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func accept(_ isWanted: (UInt8) -> Bool) -> Bool {
            guard let byte = next, isWanted(byte) else { return false }
            position += 1
            return true
        }

        mutating func accept(_ character: Unicode.Scalar) -> Bool { accept { $0 == UInt8(ascii: character) } }

        static func isExponentMark(_ byte: UInt8) -> Bool { byte | 0x20 == UInt8(ascii: "e") }

        static func isSeparator(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || isExponentMark(byte)
        }

        mutating func number() -> Bool {
            let isHexadecimal = !isInSeries && acceptHexadecimalPrefix()
            // A dot in front is no dot yet, as in Prometheus: `.5.5` is read as a number, which nobody can parse.
            _ = accept(".")
            var sawDot = false
            var sawExponent = false
            while let byte = next {
                if isHexadecimal ? byte.isHexadecimalDigit : byte.isDigit {
                    position += 1
                } else if byte == UInt8(ascii: ".") {
                    position += 1
                    if sawDot || isHexadecimal || accept({ $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }) {
                        return false
                    }
                    sawDot = true
                } else if Scan.isExponentMark(byte) {
                    position += 1
                    if sawExponent { return false }
                    sawExponent = true
                    _ = accept { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
                    if accept(Scan.isSeparator) || next == nil { return false }
                } else if byte == UInt8(ascii: "_") {
                    position += 1
                    if accept(Scan.isSeparator) || next == nil { return false }
                } else {
                    break
                }
            }
            if isInSeries && next == UInt8(ascii: "x") { return true }
            return next.map { !$0.isLetterOrDigit } ?? true
        }

        private mutating func acceptHexadecimalPrefix() -> Bool {
            guard next == UInt8(ascii: "0"), position + 1 < bytes.count, bytes[position + 1] | 0x20 == UInt8(ascii: "x")
            else { return false }
            position += 2
            _ = accept("_")
            return true
        }

        /// What may follow the first digits of a duration: a unit, then more digits and units.
        mutating func durationRest() -> Bool {
            func isUnit(_ byte: UInt8) -> Bool { Array("smhdwy".utf8).contains(byte) }
            guard accept(isUnit) else { return false }
            _ = accept("s")
            while accept(\.isDigit) {
                while accept(\.isDigit) {}
                guard accept({ isUnit($0) && $0 != UInt8(ascii: "y") }) else { return false }
                _ = accept("s")
            }
            // What cannot follow a unit is read and told; what cannot follow a number is not.
            return !accept(\.isLetterOrDigit)
        }
    }
}
