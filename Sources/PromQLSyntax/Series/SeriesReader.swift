import MetricModel

/// Walks one line of the notation of series.
struct SeriesReader {
    let text: String
    let bytes: [UInt8]
    var position = 0

    init(_ text: String) throws(SyntaxError) {
        guard text.utf8.count <= ParserOptions.textLimitBytes else {
            throw SyntaxError(
                "line is longer than \(ParserOptions.textLimitBytes) bytes", range: SourceRange(0, 0), in: "")
        }
        self.text = text
        bytes = Array(text.utf8)
    }

    // MARK: - Reading bytes

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func error(_ message: String) -> SyntaxError {
        SyntaxError(message, range: SourceRange(position, bytes.count), in: text)
    }

    func unexpected(_ expected: String, in context: String = "series values") -> SyntaxError {
        guard next != nil else { return error("unexpected end of input in \(context), expected \(expected)") }
        let rest = String(decoding: bytes[position...].prefix(32), as: UTF8.self)
        let found = String(rest.unicodeScalars.first.map { Character($0) } ?? " ")
        return error("unexpected \(LabelName.quoted(found)) in \(context), expected \(expected)")
    }

    /// Moves past `wanted` if it stands here.
    mutating func accept(_ wanted: StaticString) -> Bool {
        let wanted = Array(wanted.description.utf8)
        guard bytes[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    mutating func skipSpaces() {
        while let byte = next, byte.isSpace { position += 1 }
    }

    /// Moves to the next item, which white space sets off from what stood before; false at the end of the line.
    mutating func moveToItem() throws(SyntaxError) -> Bool {
        let start = position
        skipSpaces()
        guard next != nil else { return false }
        guard position > start else { throw unexpected("white space") }
        return true
    }

    func checkCount(_ count: Int) throws(SyntaxError) {
        guard count <= SeriesNotation.pointLimit else {
            throw error("series has more than \(SeriesNotation.pointLimit) points")
        }
    }

    // MARK: - The series

    mutating func readMetric() throws(SyntaxError) -> LabelSet {
        skipSpaces()
        var labels = LabelSetBuilder()
        if let byte = next, byte.isLetter || byte == UInt8(ascii: ":") {
            let start = position
            while let byte = next, byte.isLetterOrDigit || byte == UInt8(ascii: ":") { position += 1 }
            labels.set(LabelName.metricName, to: String(decoding: bytes[start..<position], as: UTF8.self))
        }
        if next == UInt8(ascii: "{") { try readLabels(into: &labels) }
        return labels.build()
    }

    private mutating func readLabels(into labels: inout LabelSetBuilder) throws(SyntaxError) {
        position += 1
        while true {
            skipSpaces()
            if accept("}") { return }
            let isQuoted = next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") || next == UInt8(ascii: "`")
            let name = isQuoted ? try readString() : readWord()
            guard isQuoted || !name.isEmpty else { throw unexpected("identifier or \"}\"", in: "label set") }
            skipSpaces()
            if accept("=") {
                skipSpaces()
                labels.set(name, to: try readString())
            } else if isQuoted {
                labels.set(LabelName.metricName, to: name)
            } else {
                throw unexpected("\"=\"", in: "label set")
            }
            skipSpaces()
            guard accept(",") || next == UInt8(ascii: "}") else {
                throw unexpected("\",\" or \"}\"", in: "label set")
            }
        }
    }

    mutating func readWord() -> String {
        let start = position
        while let byte = next, byte.isLetterOrDigit { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func readString() throws(SyntaxError) -> String {
        let start = position
        guard let quote = next, [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")].contains(quote) else {
            throw unexpected("string", in: "label set")
        }
        position += 1
        while let byte = next {
            position += 1
            if byte == quote {
                let token = String(decoding: bytes[start..<position], as: UTF8.self)
                return String(decoding: StringEscape.unquote(token), as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") && quote != UInt8(ascii: "`") {
                do {
                    position = try StringEscape.read(bytes, at: position - 1, quote: quote).end
                } catch {
                    throw self.error(error.message)
                }
            }
        }
        throw error("unterminated quoted string")
    }

    // MARK: - Items

    mutating func readItem(into values: inout [SequenceValue]) throws(SyntaxError) {
        if bytes[position...].starts(with: [UInt8(ascii: "{"), UInt8(ascii: "{")]) {
            return try readHistograms(into: &values)
        }
        if accept("_") {
            let count = accept("x") ? try readCount() : 1
            values.append(contentsOf: repeatElement(.missing, count: count))
            return
        }
        if let byte = next, byte.isLetter {
            let start = position
            if readWord() == "stale" {
                values.append(.float(SpecialValue.stale))
                return
            }
            position = start
        }
        var value = try readNumber(expected: "number or \"stale\"")
        if accept("x") {
            values.append(contentsOf: repeatElement(.float(value), count: try readCount() + 1))
        } else if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") {
            let change = try readNumber(expected: "number")
            guard accept("x") else { throw unexpected("\"x\"") }
            for _ in 0...(try readCount()) {
                values.append(.float(value))
                value += change
            }
        } else {
            values.append(.float(value))
        }
    }

    private mutating func readHistograms(into values: inout [SequenceValue]) throws(SyntaxError) {
        var (histogram, isHintWritten) = try readHistogram()
        if accept("x") {
            let value = SequenceValue.histogram(histogram, isHintWritten: isHintWritten)
            values.append(contentsOf: repeatElement(value, count: try readCount() + 1))
            return
        }
        guard let sign = next, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
            values.append(.histogram(histogram, isHintWritten: isHintWritten))
            return
        }
        position += 1
        let change: NativeHistogram
        (change, isHintWritten) = try readHistogram()
        guard accept("x") else { throw unexpected("\"x\"") }
        let count = try readCount()
        values.append(.histogram(histogram, isHintWritten: isHintWritten))
        for _ in 0..<count {
            do {
                histogram = try HistogramSequence.combine(histogram, change, factor: sign == UInt8(ascii: "+") ? 1 : -1)
            } catch {
                throw self.error(error.message)
            }
            values.append(.histogram(histogram, isHintWritten: isHintWritten))
        }
    }

    // MARK: - Numbers

    /// How often the item before the `x` is repeated.
    mutating func readCount() throws(SyntaxError) -> Int {
        let start = position
        while let byte = next, byte.isDigit { position += 1 }
        let digits = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let count = Int(digits) else { throw unexpected("number") }
        try checkCount(count)
        return count
    }

    /// A number with or without a sign; no hexadecimal, because `x` is the mark of repetition.
    mutating func readNumber(expected: String) throws(SyntaxError) -> Double {
        let isNegative = next == UInt8(ascii: "-")
        if isNegative || next == UInt8(ascii: "+") { position += 1 }
        let start = position
        guard let byte = next else { throw unexpected(expected) }
        if byte.isLetter {
            switch readWord().lowercased() {
            case "inf": return isNegative ? -.infinity : .infinity
            case "nan": return SpecialValue.notANumber
            default:
                position = start
                throw unexpected(expected)
            }
        }
        guard byte.isDigit || byte == UInt8(ascii: "."),
            case .number(let end) = NumberScanner.scanInSeries(bytes, from: start)
        else { throw unexpected(expected) }
        position = end
        do {
            let value = try NumberText.value(String(decoding: bytes[start..<end], as: UTF8.self))
            return isNegative ? -value : value
        } catch {
            throw self.error(error.message)
        }
    }

    // MARK: - Start timestamps

    mutating func readStartTimestamp(into distances: inout [Int64?]) throws(SyntaxError) {
        if accept("_") {
            let count = accept("x") ? try readCount() : 1
            distances.append(contentsOf: repeatElement(nil, count: count))
            return
        }
        var distance = try readSignedDuration()
        var change: Int64 = 0
        if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") {
            change = try readSignedDuration()
            guard next == UInt8(ascii: "x") else { throw unexpected("\"x\"", in: "start timestamps") }
        }
        let count = accept("x") ? try readCount() : 0
        for _ in 0...count {
            distances.append(distance)
            distance = distance &+ change
        }
    }

    private mutating func readSignedDuration() throws(SyntaxError) -> Int64 {
        let isNegative = next == UInt8(ascii: "-")
        if isNegative || next == UInt8(ascii: "+") { position += 1 }
        let start = position
        while let byte = next, byte.isDigit || (byte.isLetter && byte != UInt8(ascii: "x")) { position += 1 }
        guard let milliseconds = DurationText.milliseconds(String(decoding: bytes[start..<position], as: UTF8.self))
        else {
            position = start
            throw unexpected("duration", in: "start timestamps")
        }
        return isNegative ? -milliseconds : milliseconds
    }
}
