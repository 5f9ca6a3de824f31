import MetricModel

/// Histograms as `{{schema:1 count:3 sum:4 buckets:[1 2]}}`.
extension SeriesReader {
    private static let context = "histogram description"

    /// Reads from `{{` through `}}`.
    mutating func readHistogram() throws(SyntaxError) -> (histogram: NativeHistogram, isHintWritten: Bool) {
        guard accept("{{") else { throw unexpected("\"{{\"", in: Self.context) }
        var histogram = NativeHistogram()
        var keys: Set<String> = []
        var positiveOffset: Int32 = 0
        var negativeOffset: Int32 = 0
        while true {
            skipSpaces()
            if accept("}}") { break }
            let key = readWord()
            guard !key.isEmpty else {
                throw unexpected("histogram description key, e.g. buckets:[5 10 7]", in: Self.context)
            }
            guard accept(":") else { throw error("missing `:` for histogram descriptor") }
            guard keys.insert(key).inserted else {
                throw error("duplicate key \(LabelName.quoted(key)) in histogram")
            }
            switch key {
            case "schema": histogram.schema = try readInteger()
            case "sum": histogram.sum = try readNumber(expected: "number")
            case "count": histogram.count = try readNumber(expected: "number")
            case "z_bucket": histogram.zeroCount = try readNumber(expected: "number")
            case "z_bucket_w": histogram.zeroThreshold = try readNumber(expected: "number")
            case "custom_values": histogram.customValues = try readNumbers()
            case "buckets": histogram.positiveBuckets = try readNumbers()
            case "n_buckets": histogram.negativeBuckets = try readNumbers()
            case "offset": positiveOffset = try readInteger()
            case "n_offset": negativeOffset = try readInteger()
            case "counter_reset_hint": histogram.counterResetHint = try readHint()
            default: throw error("bad histogram descriptor found: \(LabelName.quoted(key))")
            }
        }
        histogram.positiveSpans = spans(offset: positiveOffset, count: histogram.positiveBuckets.count)
        histogram.negativeSpans = spans(offset: negativeOffset, count: histogram.negativeBuckets.count)
        return (histogram, keys.contains("counter_reset_hint"))
    }

    private func spans(offset: Int32, count: Int) -> [NativeHistogram.Span] {
        count == 0 ? [] : [NativeHistogram.Span(offset: offset, length: UInt32(clamping: count))]
    }

    private mutating func readInteger() throws(SyntaxError) -> Int32 {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        while let byte = next, byte.isDigit { position += 1 }
        guard let value = Int32(String(decoding: bytes[start..<position], as: UTF8.self)) else {
            position = start
            throw unexpected("number", in: Self.context)
        }
        return value
    }

    private mutating func readNumbers() throws(SyntaxError) -> [Double] {
        guard accept("[") else { throw unexpected("\"[\"", in: Self.context) }
        var numbers: [Double] = []
        while true {
            skipSpaces()
            if accept("]") { return numbers }
            numbers.append(try readNumber(expected: "number"))
        }
    }

    private mutating func readHint() throws(SyntaxError) -> NativeHistogram.CounterResetHint {
        let word = readWord()
        switch word {
        case "unknown": return .unknown
        case "reset": return .reset
        case "not_reset": return .notReset
        case "gauge": return .gauge
        default: throw error("error parsing counter_reset_hint: unknown value \(word)")
        }
    }
}
