internal import Bytes
internal import Glibc
internal import MetricModel

extension ScrapeCache {
    /// Whether `gap` lies in the content at `offset`; the content must have as many bytes from there on.
    @inline(__always)
    static func isEqual(
        _ gap: UnsafeRawBufferPointer, _ content: UnsafeRawBufferPointer, _ offset: Int
    ) -> Bool {
        guard let left = gap.baseAddress, let right = content.baseAddress else { return gap.count == 0 }
        return unsafe memcmp(left, right + offset, gap.count) == 0
    }

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
            let end = try Self.followScript(script, from: state.oldStep, &scanner, &columns)
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
                if let metadata = try scanner.metadataLine() { note(metadata) }
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
            unsafe newScript.append(
                scanner.content, gap: gapStart..<scanner.offset, series: series, type: scanner.currentType)
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
        if let known = unsafe keys.number(of: scanner.content, range) { return known }
        let labels = try scanner.labelSet(of: range)
        for offset in state.countedOffset..<range.lowerBound
        where unsafe scanner.content[offset] == LineScanner.lineFeed {
            state.line += 1
        }
        state.countedOffset = range.lowerBound
        let number = unsafe keys.insert(scanner.content, range)
        pendingSeries.append(
            NewSeries(series: number, labels: labels, emptyLabels: scanner.labels.emptyNames, line: state.line))
        return number
    }

    private mutating func note(_ line: MetadataLine) {
        let known = families[line.family]
        guard known != nil || families.count < ExpositionLimits.familiesPerPage else { return }
        var metadata = known ?? MetricMetadata()
        switch line.field {
        case .help(let help): metadata.help = help
        case .type(let type): metadata.type = type
        case .unit(let unit): metadata.unit = unit
        }
        guard metadata != known else { return }
        families[line.family] = metadata
        // HELP, TYPE and UNIT of a family stand together.
        if pendingFamilies.last != line.family { pendingFamilies.append(line.family) }
    }

    /// Hands over what has become known since the last page that was read.
    mutating func finish(_ columns: inout ScrapePage) {
        swap(&columns.newSeries, &pendingSeries)
        pendingSeries.removeAll(keepingCapacity: true)
        for family in pendingFamilies {
            guard let metadata = families[family] else { continue }
            columns.metadata.append(FamilyMetadata(family: family, metadata: metadata))
        }
        pendingFamilies.removeAll(keepingCapacity: true)
    }
}
