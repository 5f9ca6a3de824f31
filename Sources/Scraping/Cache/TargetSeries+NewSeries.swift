import Exposition
import MetricModel
import Storage

/// Series that a page has and the target had not: their labels and slots, and what the store has no room for.
extension TargetSeries {
    /// Series that found no room in the store.
    ///
    /// Their labels would take more than all else that is kept of a target, so they are not kept: one series asks at each
    /// scrape whether there is room again, and then the page is learned anew.
    struct Refusals {
        /// How long after learning anew it is not done again: it costs what a new page costs.
        static let pauseMilliseconds: Int64 = 30_000

        /// The one that asks; nil where none was refused.
        fileprivate(set) var asking: LabelSet?
        fileprivate var learned: Timestamp?

        mutating func clear() { asking = nil }
    }

    /// Finds labels and slots for what the page has and the target had not; all or nothing, but for room in the store.
    mutating func resolveNewSeries(
        _ columns: ScrapePage, _ writer: any SourceWriter, _ report: inout ScrapeReport
    ) throws(ScrapeFailure) {
        if context.job.limits.samples > 0 || seriesLabels.mayRefuse { try checkNewSeries(columns) }
        guard !unresolved.isEmpty else { return }
        for index in columns.series.indices {
            let number = columns.series[index]
            guard places[Int(number)] == Place.unresolved else { continue }
            try resolve(number, hasOwnTime: hasOwnTime(columns, index), writer, &report)
        }
        for histogram in columns.histograms where places[Int(histogram.series)] == Place.unresolved {
            try resolve(histogram.series, hasOwnTime: hasOwnTime(histogram), writer, &report)
        }
    }

    /// Throws where the page has too many series or labels that may not be, before any series has a slot.
    private func checkNewSeries(_ columns: ScrapePage) throws(ScrapeFailure) {
        var kept = 0
        var isDropped: [Int32: Bool] = [:]
        for number in columns.series + columns.histograms.map(\.series) {
            let place = places[Int(number)]
            if place == Place.dropped { continue }
            kept += 1
            guard place == Place.unresolved, let new = unresolved[number] else { continue }
            if isDropped[number] == nil { isDropped[number] = try labels(of: new) == nil }
            if isDropped[number] == true { kept -= 1 }
        }
        let limit = context.job.limits.samples
        guard limit == 0 || kept <= limit else { throw .sampleLimit(found: kept, limit: limit) }
    }

    private func labels(of new: NewSeries) throws(ScrapeFailure) -> LabelSet? {
        let scraped = environment.addsTypeLabels ? TypeLabels.add(to: new.labels, from: metadata) : new.labels
        return try seriesLabels.resolve(scraped, emptyLabels: new.emptyLabels, line: new.line)
    }

    private mutating func resolve(
        _ number: Int32, hasOwnTime: Bool, _ writer: any SourceWriter, _ report: inout ScrapeReport
    ) throws(ScrapeFailure) {
        guard let new = unresolved.removeValue(forKey: number) else { return }
        let place: Int32
        do throws(ScrapeFailure) {
            place = try self.place(try labels(of: new), hasOwnTime: hasOwnTime, writer)
        } catch {
            unresolved[number] = new
            throw error
        }
        places[Int(number)] = place
        if place >= 0 || place <= Place.own { report.seriesAdded += 1 }
    }

    private mutating func place(
        _ labels: LabelSet?, hasOwnTime: Bool, _ writer: any SourceWriter
    ) throws(ScrapeFailure) -> Int32 {
        guard let labels else { return Place.dropped }
        if hasOwnTime {
            ownSeries.append(OwnSeries(labels: labels))
            return Place.own - Int32(ownSeries.count - 1)
        }
        do {
            return Int32(try writer.slot(for: labels))
        } catch .seriesLimit {
            if refusals.asking == nil { refusals.asking = labels }
            return Place.refused
        } catch {
            throw .storage(reason: error.description)
        }
    }

    private func hasOwnTime(_ columns: ScrapePage, _ index: Int) -> Bool {
        context.job.honorsTimestamps && !columns.timestamps.isEmpty
            && columns.timestamps[index] != ScrapePage.noTimestamp
    }

    func hasOwnTime(_ histogram: PageHistogram) -> Bool {
        context.job.honorsTimestamps && histogram.timestamp != ScrapePage.noTimestamp
    }

    // MARK: Room

    /// How many samples of a page belong to series that the store has no room for.
    func refusedSamples(on columns: ScrapePage) -> Int {
        guard refusals.asking != nil else { return 0 }
        return columns.series.count { places[Int($0)] == Place.refused }
            + columns.histograms.count { places[Int($0.series)] == Place.refused }
    }

    /// Whether series that were refused may find room at a time: asks the store with one of them.
    mutating func findsRoom(at timestamp: Timestamp) -> Bool {
        guard let asking = refusals.asking, let writer else { return false }
        if let learned = refusals.learned, timestamp.milliseconds &- learned.milliseconds < Refusals.pauseMilliseconds {
            return false
        }
        return (try? writer.slot(for: asking)) != nil
    }

    /// Reads all lines of the next page as new ones, because there is room for series that had none.
    mutating func learnAnew(at timestamp: Timestamp) {
        refusals.learned = timestamp
        forgetLines()
    }
}
