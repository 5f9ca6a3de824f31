package import MetricModel

/// One sample line, its labels parsed.
package struct ExpositionSample: Sendable, Hashable {
    package var labels: LabelSet
    package var value: Double
    /// Milliseconds since the epoch, nil where the page gives none.
    package var timestampMilliseconds: Int64?
    package var exemplar: Exemplar?
    /// The line on which the sample stands, counted from 1.
    package var line: Int
}

/// A line that says something.
package enum ExpositionItem: Sendable, Hashable {
    case sample(ExpositionSample)
    case metadata(MetadataLine)
}

/// Walks a page line by line: `while let item = try parser.next() { … }`.
///
/// For pages that are read once (checks, imports, tests). A scraper, which reads the same page again and again, uses
/// `ScrapeCache`. After an error the walk stays where it is.
package struct ExpositionParser {
    private let page: [UInt8]
    private let format: ExpositionFormat
    private let limits: ExpositionLimits
    private var offset = 0
    private let firstLine: Int
    /// The line that comes next, counted from `firstLine`.
    private(set) var line: Int
    /// The type that was declared last.
    private(set) var currentType: MetricMetadata.MetricType
    private var sampleCount = 0

    package init(_ page: [UInt8], format: ExpositionFormat, limits: ExpositionLimits = ExpositionLimits()) {
        self.init(page, format: format, limits: limits, firstLine: 1, type: .unknown)
    }

    /// Goes on behind a part of the page that was walked before: with its line number and the type declared there.
    init(
        _ page: [UInt8], format: ExpositionFormat, limits: ExpositionLimits, firstLine: Int,
        type: MetricMetadata.MetricType
    ) {
        self.page = page
        self.format = format
        self.limits = limits
        self.firstLine = firstLine
        line = firstLine
        currentType = type
    }

    /// The next line that says something, nil at the end of the page.
    package mutating func next() throws(ExpositionError) -> ExpositionItem? {
        let page = page
        let linesBefore = firstLine - 1
        var state = (offset: offset, line: line, type: currentType, samples: sampleCount)
        let result = unsafe page.withUnsafeBytes { bytes in
            Result { () throws(ExpositionError) -> ExpositionItem? in
                do throws(ScanFailure) {
                    var scanner = unsafe try LineScanner(page: bytes, format: format, limits: limits)
                    scanner.offset = state.offset
                    scanner.currentType = state.type
                    let item = try Self.next(&scanner, line: &state.line, sampleCount: &state.samples)
                    state.offset = scanner.offset
                    state.type = scanner.currentType
                    return item
                } catch {
                    var located = unsafe error.located(in: bytes)
                    located.line += linesBefore
                    throw located
                }
            }
        }
        (offset, line, currentType, sampleCount) = state
        return try result.get()
    }

    private static func next(
        _ scanner: inout LineScanner, line: inout Int, sampleCount: inout Int
    ) throws(ScanFailure) -> ExpositionItem? {
        while try scanner.skipToLine(countingInto: &line) {
            let currentLine = line
            line += 1
            if scanner.current == UInt8(ascii: "#") {
                if let metadata = try scanner.metadataLine() { return .metadata(metadata) }
                continue
            }
            sampleCount += 1
            guard sampleCount <= scanner.limits.samplesPerPage else {
                throw scanner.failure(
                    .limitExceeded(
                        name: "samplesPerPage", limit: scanner.limits.samplesPerPage, value: sampleCount))
            }
            let series = try scanner.skipSeries()
            let labels = try scanner.labelSet(of: series)
            try scanner.skipToValue()
            let tail = try scanner.tail()
            return .sample(
                ExpositionSample(
                    labels: labels, value: tail.value, timestampMilliseconds: tail.timestamp, exemplar: tail.exemplar,
                    line: currentLine))
        }
        return nil
    }
}

extension LineScanner {
    /// Moves to the first byte of the next line with something on it; false at the end of the page.
    mutating func skipToLine(countingInto line: inout Int) throws(ScanFailure) -> Bool {
        while !isAtEnd {
            let lineStart = offset
            skipBlanks()
            guard current == Self.lineFeed else {
                let place = offset
                offset = lineStart
                try checkLineLength()
                offset = place
                return true
            }
            if format == .openMetrics { throw expected("a metric name or a comment") }
            offset += 1
            line += 1
        }
        return false
    }
}
