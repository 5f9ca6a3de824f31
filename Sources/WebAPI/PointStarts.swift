/// What stands in front of a sample's value, `[1764028800,"`, for series that share their times, as most of a matrix do.
///
/// The texts are made with the second series that has the same times, and copied with those after it.
@safe struct PointStarts {
    /// Times beyond these are written out for each series: the texts take 128 KiB at most.
    private static let countLimit = 4096
    /// What `copy` writes, text and what lies behind it.
    static let byteCount = MemoryLayout<SIMD4<UInt64>>.size

    /// Those of the series before.
    private var times: [Int64] = []
    /// For each time its text, the last byte says how long that is; none where no two series shared their times.
    private var texts: [SIMD4<UInt64>] = []

    /// Whether `copy` knows these times.
    mutating func know(_ series: [Int64]) -> Bool {
        guard series == times, !series.isEmpty else {
            times = series
            texts.removeAll(keepingCapacity: true)
            return false
        }
        if texts.isEmpty, times.count <= Self.countLimit { makeTexts() }
        return !texts.isEmpty
    }

    /// Writes the text of a time that is known at `start`, where `byteCount` bytes are free; answers its end.
    @inline(__always)
    func copy(_ place: Int, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let text = texts[place]
        unsafe UnsafeMutableRawPointer(start).storeBytes(of: text, as: SIMD4<UInt64>.self)
        return unsafe start + Int(text[3].littleEndian &>> 56)
    }

    private mutating func makeTexts() {
        var digits = TimeDigits()
        texts.reserveCapacity(times.count)
        for time in times {
            var text = SIMD4<UInt64>.zero
            unsafe withUnsafeMutableBytes(of: &text) { bytes in
                guard let start = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
                let end = unsafe Self.write(time, at: start, &digits)
                unsafe bytes[Self.byteCount - 1] = UInt8(end - start)
            }
            texts.append(text)
        }
    }

    /// Writes the text of any time at `start`, where `byteCount` bytes are free; answers its end.
    static func write(
        _ milliseconds: Int64, at start: UnsafeMutablePointer<UInt8>, _ digits: inout TimeDigits
    ) -> UnsafeMutablePointer<UInt8> {
        unsafe start.pointee = UInt8(ascii: "[")
        let end = unsafe digits.write(milliseconds, at: start + 1)
        unsafe end[0] = UInt8(ascii: ",")
        unsafe end[1] = UInt8(ascii: "\"")
        return unsafe end + 2
    }
}
