internal import Bytes
internal import MetricModel

extension ScrapeCache {
    /// Puts what followed a series into the columns.
    static func append(_ tail: LineScanner.Tail, to columns: inout ScrapePage) {
        if let timestamp = tail.timestamp {
            // The column comes into being with the first timestamp.
            while columns.timestamps.count < columns.values.count {
                columns.timestamps.append(ScrapePage.noTimestamp)
            }
            columns.timestamps.append(timestamp)
        } else if !columns.timestamps.isEmpty {
            columns.timestamps.append(ScrapePage.noTimestamp)
        }
        if let exemplar = tail.exemplar {
            columns.exemplars.append(PageExemplar(sample: columns.values.count, exemplar: exemplar))
        }
        columns.values.append(tail.value)
    }

    /// Where the walk through a page that differs from the last one stands.
    struct Rebuild {
        /// The step of the old script that is expected next.
        var oldStep: Int
        /// For each series its step in the old script, or -1; made when first needed.
        var oldSteps: [Int32] = []
        /// Up to where line feeds have been counted, and how many lines there are before.
        var countedOffset = 0
        var line = 1
    }

    /// Reads the rest of a page that differs from the last one, following the old script wherever it applies again.
    mutating func rebuild(
        _ newScript: inout PageScript, from step: Int, _ scanner: inout LineScanner, _ columns: inout ScrapePage
    ) throws(ScanFailure) {
        var state = Rebuild(oldStep: step)
        if step > 0 { scanner.currentType = script.types[step - 1] }
        while true {
            try readLines(&newScript, &state, &scanner, &columns)
            if scanner.isAtEnd { return }
            // The old script applies again from `oldStep` on.
            let start = scanner.offset
            let end = try Self.followScript(script, from: state.oldStep, lineHash, &scanner, &columns)
            if end > state.oldStep {
                newScript.append(steps: state.oldStep..<end, of: script)
                scanner.currentType = script.types[end - 1]
                state.oldStep = end
            } else {
                scanner.offset = start
            }
        }
    }

    /// Reads lines up to and including the next sample line, or to the end of the page.
    private mutating func readLines(
        _ newScript: inout PageScript, _ state: inout Rebuild, _ scanner: inout LineScanner,
        _ columns: inout ScrapePage
    ) throws(ScanFailure) {
        let gapStart = scanner.offset
        var ignoredLine = 0
        while try scanner.skipToLine(countingInto: &ignoredLine) {
            if scanner.current == UInt8(ascii: "#") {
                guard let metadata = try scanner.metadataLine() else { continue }
                if choices.groupsSeries, case .type(let type) = metadata.field {
                    groups.declare(metadata.family, type)
                }
                if pendingMetadata.count < ExpositionLimits.metadataLinesPerPage { pendingMetadata.append(metadata) }
                continue
            }
            guard columns.values.count < scanner.limits.samplesPerPage else {
                throw scanner.failure(
                    .limitExceeded(
                        name: "samplesPerPage", limit: scanner.limits.samplesPerPage,
                        value: columns.values.count + 1))
            }
            let range = try scanner.skipSeries()
            let series = try number(of: range, &state, &scanner)
            try scanner.skipToValue()
            let gap = unsafe UnsafeRawBufferPointer(rebasing: scanner.content[gapStart..<scanner.offset])
            unsafe newScript.append(
                gapLength: gap.count, hash: lineHash.hash(gap), series: series, type: scanner.currentType)
            Self.append(try scanner.tail(), to: &columns)
            expectStep(after: series, &state)
            return
        }
        unsafe newScript.tail.append(
            contentsOf: UnsafeRawBufferPointer(rebasing: scanner.content[gapStart..<scanner.offset]))
    }

    /// After a series that the old script has, what followed it there is expected next.
    private func expectStep(after series: Int32, _ state: inout Rebuild) {
        guard script.count > 0 else { return }
        if state.oldSteps.isEmpty {
            state.oldSteps = [Int32](repeating: -1, count: keys.count)
            for (step, series) in script.series.enumerated() { state.oldSteps[Int(series)] = Int32(step) }
        }
        guard Int(series) < state.oldSteps.count, state.oldSteps[Int(series)] >= 0 else { return }
        state.oldStep = Int(state.oldSteps[Int(series)]) + 1
    }

    /// The number of a series, a new one where it has none yet.
    private mutating func number(
        of range: Range<Int>, _ state: inout Rebuild, _ scanner: inout LineScanner
    ) throws(ScanFailure) -> Int32 {
        let hash = unsafe lineHash.hash(UnsafeRawBufferPointer(rebasing: scanner.content[range]))
        if let known = keys.number(of: hash) { return known }
        let labels = try scanner.labelSet(of: range)
        for offset in state.countedOffset..<range.lowerBound
        where unsafe scanner.content[offset] == LineScanner.lineFeed {
            state.line += 1
        }
        state.countedOffset = range.lowerBound
        let number = keys.insert(hash)
        let emptyLabels = scanner.labels.emptyNames
        if group(number, labels, emptyLabels: emptyLabels, line: state.line) {
            pendingSeries.append(
                NewSeries(series: number, labels: labels, emptyLabels: emptyLabels, line: state.line))
        }
        return number
    }

    /// Hands over what has become known since the last page that was read.
    mutating func finish(_ columns: inout ScrapePage) {
        swap(&columns.newSeries, &pendingSeries)
        pendingSeries = []
        swap(&columns.metadata, &pendingMetadata)
        pendingMetadata = []
    }
}
