package import MetricModel

/// Reads OpenMetrics text of any length in pieces, as for imports: gathers the samples of each series as columns,
/// exemplars, and what is said of metric families.
///
/// Feed it pieces of the text, take what was gathered when it has become enough, and finish. A piece may end anywhere.
/// Every sample needs a timestamp. Samples stand in the order in which they were written, whatever their times.
package struct OpenMetricsImport {
    /// What was read between two calls of `take()`.
    package struct Gathered: Sendable {
        package var labels: [LabelSet] = []
        package var columns: [(timestamps: [Int64], values: [Double])] = []
        package var sampleCount = 0
        /// Exemplars of series, which are given by their place in `labels`; a time of its own or its sample's.
        package var exemplars: [(series: Int, exemplar: Exemplar, timestamp: Int64)] = []
        /// A family may come several times, each time with a part of what is said of it.
        package var families: [(name: String, metadata: MetricMetadata)] = []

        /// The samples of a series in order of time; of several at one time the first.
        package func columns(at series: Int) -> SampleColumns {
            let (timestamps, values) = columns[series]
            var isInOrder = true
            for index in timestamps.indices.dropFirst() where timestamps[index - 1] >= timestamps[index] {
                isInOrder = false
            }
            if isInOrder { return SampleColumns(timestamps: timestamps, values: values) }
            let order = timestamps.indices.sorted { (timestamps[$0], $0) < (timestamps[$1], $1) }
            let kept = order.enumerated().filter { place, index in
                place == 0 || timestamps[order[place - 1]] != timestamps[index]
            }.map(\.element)
            return SampleColumns(timestamps: kept.map { timestamps[$0] }, values: kept.map { values[$0] })
        }
    }

    private let limits: ExpositionLimits
    private var rest: [UInt8] = []
    private var line: Int
    private var type: MetricMetadata.MetricType
    private var gathered = Gathered()
    private var numbers: [LabelSet: Int] = [:]

    /// - Parameters:
    ///   - firstLine: What the first line counts as, where the text is the continuation of another one.
    ///   - type: The type declared last before the text.
    package init(
        limits: ExpositionLimits = ExpositionLimits(), firstLine: Int = 1, type: MetricMetadata.MetricType = .unknown
    ) {
        self.limits = limits
        line = firstLine
        self.type = type
    }

    /// Samples that wait to be taken.
    package var sampleCount: Int { gathered.sampleCount }

    /// Reads what is whole of the text so far; its last line waits, because it may be the end of all.
    package mutating func feed(_ piece: some Collection<UInt8>) throws(ExpositionError) {
        rest.append(contentsOf: piece)
        let end = OpenMetricsPieces.wholeByteCount(of: rest)
        guard end > 0 else {
            guard rest.count <= limits.lineBytes + OpenMetricsPieces.trailer.count else {
                throw ExpositionError(
                    reason: .limitExceeded(name: "lineBytes", limit: limits.lineBytes, value: rest.count), line: line,
                    column: 1)
            }
            return
        }
        try read(rest[..<end] + OpenMetricsPieces.trailer)
        rest.removeFirst(end)
    }

    /// Reads the rest, which has to end as OpenMetrics does.
    package mutating func finish() throws(ExpositionError) {
        try read(rest[...])
        rest = []
    }

    /// Hands out what was gathered and begins anew.
    package mutating func take() -> Gathered {
        defer {
            gathered = Gathered()
            numbers.removeAll(keepingCapacity: true)
        }
        return gathered
    }

    private mutating func read(_ text: ArraySlice<UInt8>) throws(ExpositionError) {
        var parser = ExpositionParser(Array(text), format: .openMetrics, limits: limits, firstLine: line, type: type)
        while let item = try parser.next() {
            guard case .sample(let sample) = item else {
                if case .metadata(let line) = item { note(line) }
                continue
            }
            guard let timestamp = sample.timestampMilliseconds else {
                throw ExpositionError(reason: .missingTimestamp, line: sample.line, column: 1)
            }
            let number = number(of: sample.labels)
            gathered.columns[number].timestamps.append(timestamp)
            gathered.columns[number].values.append(sample.value)
            gathered.sampleCount += 1
            if let exemplar = sample.exemplar {
                gathered.exemplars.append((number, exemplar, exemplar.timestampMilliseconds ?? timestamp))
            }
        }
        line = parser.line
        type = parser.currentType
    }

    private mutating func note(_ line: MetadataLine) {
        if gathered.families.last?.name != line.family { gathered.families.append((line.family, MetricMetadata())) }
        let last = gathered.families.count - 1
        switch line.field {
        case .type(let type): gathered.families[last].metadata.type = type
        case .help(let help): gathered.families[last].metadata.help = help
        case .unit(let unit): gathered.families[last].metadata.unit = unit
        }
    }

    private mutating func number(of labels: LabelSet) -> Int {
        // Lines of one series mostly follow each other.
        if let last = gathered.labels.last, last == labels { return gathered.labels.count - 1 }
        if let known = numbers[labels] { return known }
        let number = gathered.labels.count
        numbers[labels] = number
        gathered.labels.append(labels)
        gathered.columns.append(([], []))
        return number
    }
}

/// Cuts OpenMetrics text at ends of lines.
package enum OpenMetricsPieces {
    /// What every text ends with.
    package static let trailer = Array("# EOF\n".utf8)

    /// How much of a text is whole lines, the last of them left out because it may be the trailer.
    package static func wholeByteCount(of text: some BidirectionalCollection<UInt8>) -> Int {
        let lineFeed = LineScanner.lineFeed
        guard let last = text.lastIndex(of: lineFeed), let before = text[..<last].lastIndex(of: lineFeed) else {
            return 0
        }
        return text.distance(from: text.startIndex, to: before) + 1
    }

    /// The last `# TYPE` line of a text with its line feed, nil where there is none.
    package static func lastTypeLine(of text: ArraySlice<UInt8>) -> [UInt8]? {
        let lineFeed = LineScanner.lineFeed
        var end = text.endIndex
        while let last = text[..<end].lastIndex(of: lineFeed) {
            let start = text[..<last].lastIndex(of: lineFeed).map { $0 + 1 } ?? text.startIndex
            if text[start..<last].starts(with: "# TYPE ".utf8) { return Array(text[start...last]) }
            end = last
        }
        return nil
    }
}
