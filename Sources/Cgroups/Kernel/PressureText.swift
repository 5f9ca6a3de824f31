/// Reads pressure stall files: `some avg10=0.00 avg60=0.00 avg300=0.00 total=616481786` and the same with `full`.
///
/// Kernel document: accounting/psi.rst.
enum PressureText {
    /// The totals in microseconds; a line that is not there gives nil.
    static func parse(_ bytes: Span<UInt8>) -> (some: UInt64?, full: UInt64?) {
        var result: (some: UInt64?, full: UInt64?) = (nil, nil)
        var position = 0
        while position < bytes.count {
            let kind = KernelText.word(bytes, at: &position)
            let isSome = KernelText.matches(bytes, kind, "some")
            let isFull = KernelText.matches(bytes, kind, "full")
            if isSome || isFull {
                let total = total(bytes, at: &position)
                if isSome { result.some = total } else { result.full = total }
            }
            KernelText.skipLine(bytes, at: &position)
        }
        return result
    }

    private static func total(_ bytes: Span<UInt8>, at position: inout Int) -> UInt64? {
        while position < bytes.count, bytes[position] != KernelText.newline {
            let word = KernelText.word(bytes, at: &position)
            if word.isEmpty { return nil }
            if word.count > 6, KernelText.matches(bytes, word.lowerBound..<word.lowerBound + 6, "total=") {
                var digits = word.lowerBound + 6
                return KernelText.number(bytes, at: &digits)
            }
        }
        return nil
    }
}
