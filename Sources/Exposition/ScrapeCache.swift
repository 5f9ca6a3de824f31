internal import Bytes
internal import MetricModel

/// Reads the pages of one target, which differ from scrape to scrape in hardly more than their numbers.
///
/// An exporter answers with the same lines in the same order. So what the last page said between its values is compared
/// with this one's bytes, by length and hash, and only the numbers are parsed. Where they differ, lines are read one by
/// one until they meet the last page again. Each series, as the page spells it, has a number that stays; its labels are
/// parsed once. About 35 bytes a series are kept, however long its labels.
///
/// A page that is refused leaves the cache as it was, but for series that it numbered: these come as new with the next
/// page that is read.
package struct ScrapeCache: Sendable {
    let limits: ExpositionLimits
    let choices: PageChoices
    /// The format of the last page.
    var format = PageFormat.text(.text)
    var keys = SeriesKeys()
    var script = PageScript()
    let lineHash = LineHash()
    var pendingSeries: [NewSeries] = []
    var pendingMetadata: [MetadataLine] = []
    var groups = SeriesGroups()

    package init(limits: ExpositionLimits = ExpositionLimits(), choices: PageChoices = PageChoices()) {
        self.limits = limits
        self.choices = choices
    }

    /// How many series the last page had.
    package var pageSeriesCount: Int { script.count }

    /// How many series have numbers, those that were not in the last page included.
    package var seriesCount: Int { keys.count }

    /// About how much memory the cache takes.
    package var byteCount: Int { keys.byteCount + script.byteCount }

    /// Reads a page into columns; what the columns held before is gone, also after an error.
    package mutating func read(
        _ page: UnsafeRawBufferPointer, format: ExpositionFormat, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        columns.removeAll()
        do {
            var scanner = unsafe try LineScanner(page: page, format: format, limits: limits)
            if self.format != .text(format) {
                // What is the same text may mean something else in the other format.
                script = PageScript()
                self.format = .text(format)
            }
            try scan(&scanner, into: &columns)
        } catch {
            columns.removeAll()
            columns.series.removeAll(keepingCapacity: true)
            throw unsafe error.located(in: page)
        }
        if choices.groupsSeries {
            do throws(ExpositionError) {
                try regroup(&columns)
            } catch {
                columns.removeAll()
                columns.series.removeAll(keepingCapacity: true)
                throw error
            }
        }
        finish(&columns)
    }

    /// Reads a page from an array.
    package mutating func read(
        _ page: [UInt8], format: ExpositionFormat, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        try read(page, format: .text(format), into: &columns)
    }

    /// Reads a page of any format from an array.
    package mutating func read(
        _ page: [UInt8], format: PageFormat, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        let result = unsafe page.withUnsafeBytes { bytes in
            Result { () throws(ExpositionError) in
                switch format {
                case .text(let format): unsafe try read(bytes, format: format, into: &columns)
                case .protobuf: unsafe try readProtobuf(bytes, into: &columns)
                }
            }
        }
        try result.get()
    }

    /// Forgets series that the last page did not have.
    ///
    /// The result has for each old number the new one, or -1. To be called between a page that was read and the next.
    package mutating func compact() -> [Int32] {
        var isKept = [Bool](repeating: false, count: keys.count)
        for series in script.series { isKept[Int(series)] = true }
        for pending in pendingSeries { isKept[Int(pending.series)] = true }
        for (series, entry) in groups.entries.enumerated() where isKept[series] {
            if let entry, groups.histograms[Int(entry.group)] >= 0 {
                isKept[Int(groups.histograms[Int(entry.group)])] = true
            }
        }
        var numbers = [Int32](repeating: -1, count: keys.count)
        var next: Int32 = 0
        for (series, kept) in isKept.enumerated() where kept {
            numbers[series] = next
            next += 1
        }
        keys.compact(keeping: isKept)
        groups.compact(numbers)
        for step in script.series.indices { script.series[step] = numbers[Int(script.series[step])] }
        for index in pendingSeries.indices {
            pendingSeries[index].series = numbers[Int(pendingSeries[index].series)]
        }
        return numbers
    }

    // MARK: Reading

    private mutating func scan(_ scanner: inout LineScanner, into columns: inout ScrapePage) throws(ScanFailure) {
        let count = script.count
        let matched = try Self.followScript(script, from: 0, lineHash, &scanner, &columns)
        if matched == count, unsafe Self.isRest(script.tail, of: scanner.content, from: scanner.offset) {
            columns.hasSameSeries = true
            columns.series = script.series
            return
        }
        var newScript = script.prefix(matched)
        try rebuild(&newScript, from: matched, &scanner, &columns)
        columns.hasSameSeries = newScript.series == script.series
        script = newScript.trimmed()
        columns.series = script.series
        keys.trim()
    }

    private static func isRest(_ tail: [UInt8], of content: UnsafeRawBufferPointer, from offset: Int) -> Bool {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: content[offset...])
        return unsafe tail.withUnsafeBytes { unsafe ByteScan.areEqual($0, rest) }
    }

    /// Reads samples as long as the gaps before them are those of the script; the result is the step that differs.
    ///
    /// The loop that reads nearly all samples there are. It goes over raw memory: a gap is hashed only where the content
    /// has that many bytes and one more left behind `offset`, and `step` stays below the count of both columns.
    static func followScript(
        _ script: PageScript, from start: Int, _ lineHash: LineHash, _ scanner: inout LineScanner,
        _ columns: inout ScrapePage
    ) throws(ScanFailure) -> Int {
        let count = script.count
        guard start < count, let content = unsafe scanner.content.baseAddress else { return start }
        let contentCount = unsafe scanner.content.count
        var offset = scanner.offset
        var step = start
        let outcome = unsafe script.lengths.withUnsafeBufferPointer { lengths in
            unsafe script.hashes.withUnsafeBufferPointer { hashes in
                Result { () throws(ScanFailure) in
                    while step < count {
                        let length = unsafe Int(lengths[step])
                        guard contentCount &- offset > length,
                            unsafe lineHash.hash(content + offset, count: length) == hashes[step]
                        else { return }
                        var position = offset &+ length
                        if let value = unsafe NumberScan.scan(scanner.content, &position),
                            unsafe scanner.content[position] == 10
                        {
                            columns.values.append(value)
                            if !columns.timestamps.isEmpty { columns.timestamps.append(ScrapePage.noTimestamp) }
                            offset = position &+ 1
                        } else {
                            scanner.offset = offset &+ length
                            scanner.skipBlanks()
                            let tail = try scanner.tail()
                            append(tail, to: &columns)
                            offset = scanner.offset
                        }
                        step &+= 1
                    }
                }
            }
        }
        try outcome.get()
        scanner.offset = offset
        return step
    }
}
