internal import Bytes
internal import MetricModel

/// Reads the pages of one target, which differ from scrape to scrape in hardly more than their numbers.
///
/// An exporter answers with the same lines in the same order. So what the last page said between its values is compared
/// with this one's bytes, and only the numbers are parsed. Where they differ, lines are read one by one until they meet
/// the last page again. Each series, as the page spells it, has a number that stays; its labels are parsed once.
///
/// A page that is refused leaves the cache as it was, but for series that it numbered: these come as new with the next
/// page that is read.
package struct ScrapeCache: Sendable {
    private let limits: ExpositionLimits
    private var format = ExpositionFormat.text
    var keys = SeriesKeys()
    var script = PageScript()
    var families: [String: MetricMetadata] = [:]
    var pendingSeries: [NewSeries] = []
    var pendingFamilies: [String] = []

    package init(limits: ExpositionLimits = ExpositionLimits()) { self.limits = limits }

    /// How many series have numbers, those that were not in the last page included.
    package var seriesCount: Int { keys.count }

    /// How many families metadata are kept of.
    package var familyCount: Int { families.count }

    /// About how much memory the cache takes.
    package var byteCount: Int {
        keys.byteCount + script.gaps.count + script.count * 13 + script.tail.count + families.count * 96
    }

    /// Reads a page into columns; what the columns held before is gone, also after an error.
    package mutating func read(
        _ page: UnsafeRawBufferPointer, format: ExpositionFormat, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        columns.removeAll()
        do {
            var scanner = unsafe try LineScanner(page: page, format: format, limits: limits)
            if format != self.format {
                // What is the same text may mean something else in the other format.
                script = PageScript()
                self.format = format
            }
            try scan(&scanner, into: &columns)
        } catch {
            columns.removeAll()
            columns.series.removeAll(keepingCapacity: true)
            throw unsafe error.located(in: page)
        }
        finish(&columns)
    }

    /// Reads a page from an array.
    package mutating func read(
        _ page: [UInt8], format: ExpositionFormat, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        let result = unsafe page.withUnsafeBytes { bytes in
            Result { () throws(ExpositionError) in unsafe try read(bytes, format: format, into: &columns) }
        }
        try result.get()
    }

    /// Forgets series that the last page did not have, and all metadata, which come again when they are read anew.
    ///
    /// The result has for each old number the new one, or -1. To be called between a page that was read and the next.
    package mutating func compact() -> [Int32] {
        var isKept = [Bool](repeating: false, count: keys.count)
        for series in script.series { isKept[Int(series)] = true }
        for pending in pendingSeries { isKept[Int(pending.series)] = true }
        var numbers = [Int32](repeating: -1, count: keys.count)
        var next: Int32 = 0
        for (series, kept) in isKept.enumerated() where kept {
            numbers[series] = next
            next += 1
        }
        keys.compact(keeping: isKept)
        for step in script.series.indices { script.series[step] = numbers[Int(script.series[step])] }
        for index in pendingSeries.indices {
            pendingSeries[index].series = numbers[Int(pendingSeries[index].series)]
        }
        families = [:]
        pendingFamilies = []
        return numbers
    }

    // MARK: Reading

    private mutating func scan(_ scanner: inout LineScanner, into columns: inout ScrapePage) throws(ScanFailure) {
        let count = script.count
        let matched = try Self.followScript(script, from: 0, &scanner, &columns)
        if matched == count, unsafe Self.isRest(script.tail, of: scanner.content, from: scanner.offset) {
            columns.hasSameSeries = true
            columns.series = script.series
            return
        }
        var newScript = script.prefix(matched)
        try rebuild(&newScript, from: matched, &scanner, &columns)
        columns.hasSameSeries = newScript.series == script.series
        columns.series = newScript.series
        script = newScript
    }

    private static func isRest(_ tail: [UInt8], of content: UnsafeRawBufferPointer, from offset: Int) -> Bool {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: content[offset...])
        return unsafe tail.withUnsafeBytes { unsafe ByteScan.areEqual($0, rest) }
    }

    /// Reads samples as long as the gaps before them are those of the script; the result is the step that differs.
    ///
    /// The loop that reads nearly all samples there are. It goes over raw memory: `gapStart` and `gapEnd` ascend within
    /// `script.gaps`, and what lies at `offset` is compared only where the content has that many bytes and one more left.
    static func followScript(
        _ script: PageScript, from start: Int, _ scanner: inout LineScanner, _ columns: inout ScrapePage
    ) throws(ScanFailure) -> Int {
        let count = script.count
        guard start < count else { return start }
        let content = unsafe scanner.content
        var offset = scanner.offset
        var step = start
        var gapStart = start > 0 ? script.ends[start - 1] : 0
        let outcome = unsafe script.gaps.withUnsafeBytes { gaps in
            Result { () throws(ScanFailure) in
                while step < count {
                    let gapEnd = script.ends[step]
                    let gap = unsafe UnsafeRawBufferPointer(rebasing: gaps[gapStart..<gapEnd])
                    guard content.count &- offset > gap.count, unsafe isEqual(gap, content, offset) else { return }
                    var position = offset &+ gap.count
                    if let value = unsafe NumberScan.scan(content, &position), unsafe content[position] == 10 {
                        columns.values.append(value)
                        if !columns.timestamps.isEmpty { columns.timestamps.append(ScrapePage.noTimestamp) }
                        offset = position &+ 1
                    } else {
                        scanner.offset = offset &+ gap.count
                        scanner.skipBlanks()
                        let tail = try scanner.tail()
                        append(tail, to: &columns)
                        offset = scanner.offset
                    }
                    gapStart = gapEnd
                    step &+= 1
                }
            }
        }
        try outcome.get()
        scanner.offset = offset
        return step
    }
}
