internal import Bytes
internal import MetricModel

extension LineScanner {
    /// Moves over the series at the start of a line, `name{labels}`, without looking into it more than its end needs.
    mutating func skipSeries() throws(ScanFailure) -> Range<Int> {
        let start = offset
        skip(ByteClass.letter | ByteClass.digit | ByteClass.colon)
        let nameEnd = offset
        // Between name and brace the text format allows blanks; they are part of what a cache compares.
        skipBlanks()
        guard current == UInt8(ascii: "{") else {
            guard nameEnd > start else { throw expected("a metric name") }
            offset = nameEnd
            return start..<nameEnd
        }
        offset += 1
        while current != UInt8(ascii: "}") {
            switch current {
            case Self.quote: _ = try quotedString()
            case Self.lineFeed: throw expected("a closing brace")
            default: offset += 1
            }
        }
        offset += 1
        return start..<offset
    }

    /// The labels of a series, the metric's name among them, from the range that `skipSeries` gave.
    mutating func labelSet(of series: Range<Int>) throws(ScanFailure) -> LabelSet {
        let place = offset
        offset = series.lowerBound
        labels.removeAll()
        var hasName = false
        if let name = legacyName(allowsColon: true) {
            appendName(name)
            hasName = true
        }
        skipBlanks()
        if offset < series.upperBound {
            guard current == UInt8(ascii: "{") else { throw expected("a metric name or an opening brace") }
            offset += 1
            try readLabels(hasName: &hasName)
        }
        guard hasName else { throw failure(.missingName, at: series.lowerBound) }
        if let duplicate = labels.sort() { throw failure(.duplicateLabel(duplicate), at: series.lowerBound) }
        offset = place
        return labels.makeSet()
    }

    private mutating func appendName(_ range: Range<Int>) {
        let content = unsafe content
        labels.append { bytes in
            bytes.append(contentsOf: LabelName.metricName.utf8)
        } value: { bytes in
            unsafe EscapedText.append(content, range, to: &bytes)
        }
    }

    /// Reads labels up to and including the closing brace.
    ///
    /// A quoted string alone is the metric's name.
    private mutating func readLabels(hasName: inout Bool) throws(ScanFailure) {
        skipBlanks()
        while current != UInt8(ascii: "}") {
            guard labels.count < limits.labelsPerSeries else {
                throw failure(
                    .limitExceeded(
                        name: "labelsPerSeries", limit: limits.labelsPerSeries, value: labels.count + 1))
            }
            let start = offset
            let name: Range<Int>
            if current == Self.quote {
                name = try quotedString()
                try checkUTF8(name)
            } else if let legacy = legacyName(allowsColon: false) {
                name = legacy
            } else {
                throw expected("a label name")
            }
            skipBlanks()
            if current == UInt8(ascii: "=") {
                offset += 1
                guard !name.isEmpty else { throw failure(.expected("a label name", found: Self.quote), at: start) }
                try readValue(of: name)
            } else if unsafe content[start] == Self.quote, !name.isEmpty {
                guard !hasName else { throw failure(.duplicateLabel(LabelName.metricName), at: start) }
                appendName(name)
                hasName = true
            } else {
                throw expected("an equals sign")
            }
            skipBlanks()
            if current == UInt8(ascii: ",") {
                offset += 1
                skipBlanks()
            } else if current != UInt8(ascii: "}") {
                throw expected("a comma or a closing brace")
            }
        }
        offset += 1
    }

    private mutating func readValue(of name: Range<Int>) throws(ScanFailure) {
        skipBlanks()
        guard current == Self.quote else { throw expected("a quoted label value") }
        let value = try quotedString()
        try checkUTF8(value)
        let content = unsafe content
        labels.append { bytes in
            unsafe EscapedText.append(content, name, to: &bytes)
        } value: { bytes in
            unsafe EscapedText.append(content, value, to: &bytes)
        }
        normalizeBound()
    }

    /// Writes the bounds of buckets and quantiles in float form: `1` becomes `1.0`.
    private mutating func normalizeBound() {
        let isBound =
            currentType == .histogram && labels.lastName(is: "le")
            || currentType == .summary && labels.lastName(is: "quantile")
        guard isBound, let bound = GoNumberText.parse(Array(labels.lastValue)) else { return }
        labels.replaceLastValue { DecimalFormatting.append(bound, style: .openMetrics, to: &$0) }
    }

    /// Moves over the braces that begin here and gives the labels in them, for exemplars.
    mutating func bracedLabels() throws(ScanFailure) -> LabelSet {
        let start = offset
        labels.removeAll()
        offset += 1
        // No metric name may stand in an exemplar.
        var hasName = true
        try readLabels(hasName: &hasName)
        if let duplicate = labels.sort() { throw failure(.duplicateLabel(duplicate), at: start) }
        return labels.makeSet()
    }
}
