/// Many texts as bytes, one behind the other.
struct ByteTexts {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    mutating func append(_ text: UnsafeRawBufferPointer) {
        unsafe bytes.append(contentsOf: text)
        ends.append(bytes.count)
    }

    mutating func append(_ text: some Collection<UInt8>) {
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
    }

    func range(of number: Int) -> Range<Int> { (number == 0 ? 0 : ends[number - 1])..<ends[number] }

    subscript(number: Int) -> ArraySlice<UInt8> { bytes[range(of: number)] }

    func text(_ number: UInt32) -> String { String(decoding: self[Int(number)], as: UTF8.self) }

    /// The numbers of the texts in the order of their bytes.
    func order() -> [UInt32] {
        SortedByKey.order(count, key: { key(of: Int($0), at: $1) }, goesOn: { key, _ in Self.goesOn(key) })
    }

    /// Seven bytes of a text, from `7 * depth` on, and how many of them there are (8: and more behind them).
    ///
    /// Keys compare as the texts do; the count tells a text from one that goes on with zeros.
    func key(of number: Int, at depth: Int) -> UInt64 {
        let range = range(of: number)
        let start = range.lowerBound + depth * 7
        guard start < range.upperBound else { return 0 }
        let rest = range.upperBound - start
        var key: UInt64 = 0
        for index in start..<start + 7 { key = key &<< 8 | (index < range.upperBound ? UInt64(bytes[index]) : 0) }
        return key &<< 8 | UInt64(min(rest, 8))
    }

    /// Whether texts with this key in common are told apart further on.
    static func goesOn(_ key: UInt64) -> Bool { key & 0xff == 8 }
}
