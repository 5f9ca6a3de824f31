package import MetricModel

/// What a HELP, TYPE or UNIT line says of a family.
package struct MetadataLine: Sendable, Hashable {
    package enum Field: Sendable, Hashable {
        case help(String)
        case type(MetricMetadata.MetricType)
        case unit(String)
    }

    package var family: String
    package var field: Field
}

extension LineScanner {
    /// Reads the line that begins with `#`, its line feed included; nil for comments that say nothing.
    mutating func metadataLine() throws(ScanFailure) -> MetadataLine? {
        let start = offset
        offset += 1
        let beforeBlanks = offset
        switch format {
        case .text: skip(ByteClass.blank)
        case .openMetrics:
            guard current == UInt8(ascii: " ") else { throw expected("a space") }
            offset += 1
        }
        let keyword = offset..<wordEnd()
        guard offset > beforeBlanks, let word = Keyword(rawValue: excerpt(keyword)), word.exists(in: format) else {
            if format == .openMetrics { throw expected("HELP, TYPE, UNIT or EOF") }
            skipLine()
            return nil
        }
        if word == .endOfFile { throw failure(.dataAfterEndOfFile, at: start) }
        offset = keyword.upperBound
        if format == .openMetrics, current != UInt8(ascii: " ") { throw expected("a space") }
        skip(ByteClass.blank)
        return try field(word)
    }

    private enum Keyword: String {
        case help = "HELP"
        case type = "TYPE"
        case unit = "UNIT"
        case endOfFile = "EOF"

        func exists(in format: ExpositionFormat) -> Bool { format == .openMetrics || self == .help || self == .type }
    }

    mutating func skipLine() {
        while current != Self.lineFeed { offset += 1 }
        offset += 1
    }

    /// Reads the family and the text behind a keyword.
    private mutating func field(_ keyword: Keyword) throws(ScanFailure) -> MetadataLine {
        let family: String
        if current == Self.quote {
            let range = try quotedString()
            try checkUTF8(range)
            family = unescaped(range, unescapesQuotes: true)
        } else if let name = legacyName(allowsColon: true) {
            family = text(name)
        } else {
            throw expected("a metric name")
        }
        if current != Self.lineFeed {
            guard ByteClass.table[Int(current)] & ByteClass.blank != 0 else { throw expected("a blank") }
            offset += 1
        } else if format == .openMetrics || keyword == .type {
            throw expected("a space")
        }
        if format == .text, keyword == .type { skip(ByteClass.blank) }
        let start = offset
        while current != Self.lineFeed { offset += 1 }
        let range = start..<offset
        try checkUTF8(range)
        defer { offset += 1 }
        switch keyword {
        case .type:
            guard let type = metricType(text(range)) else { throw failure(.unknownType(excerpt(range)), at: start) }
            currentType = type
            return MetadataLine(family: family, field: .type(type))
        case .unit:
            let unit = text(range)
            guard unit.isEmpty || (family.hasSuffix("_" + unit) && family.utf8.count > unit.utf8.count + 1) else {
                throw failure(.unitIsNotASuffix(unit: excerpt(range), name: family), at: start)
            }
            return MetadataLine(family: family, field: .unit(unit))
        case .help, .endOfFile:
            return MetadataLine(
                family: family, field: .help(unescaped(range, unescapesQuotes: format == .openMetrics)))
        }
    }

    private func metricType(_ name: String) -> MetricMetadata.MetricType? {
        switch format {
        case .openMetrics: MetricMetadata.MetricType(rawValue: name)
        case .text:
            switch name {
            case "untyped": .unknown
            case "counter": .counter
            case "gauge": .gauge
            case "histogram": .histogram
            case "summary": .summary
            default: nil
            }
        }
    }
}
