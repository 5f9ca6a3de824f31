internal import Bytes
internal import MetricModel

extension LineScanner {
    /// What follows the series on a sample line.
    struct Tail {
        var value: Double
        var timestamp: Int64?
        var exemplar: Exemplar?
    }

    /// Moves over the blanks between a series and its value; in OpenMetrics that is one space.
    mutating func skipToValue() throws(ScanFailure) {
        switch format {
        case .text:
            let start = offset
            skip(ByteClass.blank)
            // Behind a bare name a blank is needed: the cache compares up to here, and `a` must not pass for `a1`.
            guard unsafe offset > start || content[start - 1] == UInt8(ascii: "}") else { throw expected("a blank") }
        case .openMetrics:
            guard current == UInt8(ascii: " ") else { throw expected("a space") }
            offset += 1
        }
        guard current != Self.lineFeed else { throw expected("a value") }
    }

    /// Reads from the value to the end of the line, the line feed included.
    mutating func tail() throws(ScanFailure) -> Tail {
        var tail = Tail(value: try number(), timestamp: nil, exemplar: nil)
        if current == Self.lineFeed {
            offset += 1
            return tail
        }
        try timestampAndExemplar(&tail)
        return tail
    }

    /// Reads a number up to the blank or line feed behind it.
    mutating func number() throws(ScanFailure) -> Double {
        let start = offset
        if let value = unsafe NumberScan.scan(content, &offset) { return value }
        offset = start
        let end = wordEnd()
        let word = unsafe UnsafeRawBufferPointer(rebasing: content[start..<end])
        guard let value = unsafe DecimalParsing.parse(word) else { throw failure(.invalidNumber(excerpt(start..<end))) }
        offset = end
        return value
    }

    /// Reads what may follow a value, with the blank before it and the line feed behind it.
    mutating func timestampAndExemplar(_ tail: inout Tail) throws(ScanFailure) {
        switch format {
        case .text:
            skip(ByteClass.blank)
            if current != Self.lineFeed {
                tail.timestamp = try millisecondTimestamp()
                skip(ByteClass.blank)
            }
        case .openMetrics:
            guard current == UInt8(ascii: " ") else { throw expected("a space") }
            offset += 1
            if current != UInt8(ascii: "#") {
                tail.timestamp = try secondTimestamp()
                if current == UInt8(ascii: " ") {
                    offset += 1
                    guard current == UInt8(ascii: "#") else { throw expected("an exemplar") }
                }
            }
            if current == UInt8(ascii: "#") { tail.exemplar = try exemplar() }
        }
        guard current == Self.lineFeed else { throw expected("the end of the line") }
        offset += 1
    }

    /// Milliseconds as a whole number, as in the text format.
    private mutating func millisecondTimestamp() throws(ScanFailure) -> Int64 {
        let start = offset
        let end = wordEnd()
        let isNegative = current == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        var milliseconds: Int64 = 0
        guard offset < end, end - offset <= 18 else {
            throw failure(.invalidTimestamp(excerpt(start..<end)), at: start)
        }
        while offset < end {
            let digit = current &- UInt8(ascii: "0")
            guard digit <= 9 else { throw failure(.invalidTimestamp(excerpt(start..<end)), at: start) }
            milliseconds = milliseconds * 10 + Int64(digit)
            offset += 1
        }
        return isNegative ? -milliseconds : milliseconds
    }

    /// Seconds as a number, as in OpenMetrics; parts of a millisecond are cut off.
    private mutating func secondTimestamp() throws(ScanFailure) -> Int64 {
        let start = offset
        let seconds = try number()
        let milliseconds = seconds * 1000
        guard milliseconds.magnitude < 9e18 else {
            throw failure(.invalidTimestamp(excerpt(start..<offset)), at: start)
        }
        return Int64(milliseconds)
    }

    /// An exemplar from its `#` on: `# {labels} value [seconds]`.
    private mutating func exemplar() throws(ScanFailure) -> Exemplar {
        offset += 1
        guard current == UInt8(ascii: " ") else { throw expected("a space") }
        offset += 1
        guard current == UInt8(ascii: "{") else { throw expected("the labels of an exemplar") }
        let labels = try bracedLabels()
        guard current == UInt8(ascii: " ") else { throw expected("a space") }
        offset += 1
        let value = try number()
        var timestamp: Int64?
        if current == UInt8(ascii: " ") {
            offset += 1
            timestamp = try secondTimestamp()
        }
        return Exemplar(labels: labels, value: value, timestampMilliseconds: timestamp)
    }
}
