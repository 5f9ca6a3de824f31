import Exposition
import Logging
import MetricModel
import Storage

/// The series of one target: turns each page into one row of the store.
///
///     page --ScrapeCache--> numbers of series + values (+ timestamps)
///                              |  places[number]
///                              v
///     row  [slot 0 | slot 1 | ... | up | scrape_duration_seconds | ...]  -> one append
///
/// A steady scrape allocates nothing: the columns and the row are scratch memory of the executor, the cache compares
/// bytes. Belongs to the target's executor.
struct TargetSeries {
    /// Where a series of the cache goes, as one number: a slot from 0 on, or one of these.
    enum Place {
        /// Metric relabelling dropped it.
        static let dropped: Int32 = -1
        /// Its labels are in `unresolved`, no slot yet.
        static let unresolved: Int32 = -2
        /// The store had no room for it; its labels are forgotten, its page tells them again (`learnAnew`).
        static let refused: Int32 = -3
        /// From here down: `own - index` is the entry in `ownSeries`.
        static let own: Int32 = -4
    }

    /// A series whose samples bring timestamps of their own; they go to the store as a batch.
    struct OwnSeries {
        var labels: LabelSet
        /// The slot for samples without a timestamp, when there were any.
        var slot: Int?
        var isPresent = false
        var wasPresent = false
    }

    /// An exemplar of a series of the cache.
    struct PlacedExemplar: Hashable {
        var series: Int32
        var exemplar: Exemplar
    }

    /// What assembling a row found out.
    struct Assembly {
        var kept = 0
        var duplicates = 0
        /// A series that has a slot came with a timestamp of its own: its labels must be found again.
        var needsLabels = false
    }

    var target: ScrapeTarget
    var context: JobContext
    let environment: ScrapeEnvironment
    let metadata: TargetMetadataTable
    var seriesLabels: SeriesLabels
    private var cache: ScrapeCache
    var writer: (any SourceWriter)?
    private var generation: UInt32 = 0
    /// By the cache's number.
    var places: [Int32] = []
    var unresolved: [Int32: NewSeries] = [:]
    var refusals = Refusals()
    var ownSeries: [OwnSeries] = []
    var ownBatch = SampleBatch()
    /// By slot: whether the newest good scrape had a sample of it.
    var isPresent: [Bool] = []
    /// Whether `isPresent` and the count belong to the series of the page before.
    private var isSteady = false
    private var steadyAssembly = Assembly()
    /// What the last page had of exemplars: they stay on the page until others replace them.
    var lastExemplars: Set<PlacedExemplar> = []
    /// Slots of the report series, nil where the store has no room.
    private var reportSlots: [Int?] = []

    init(
        target: ScrapeTarget, context: JobContext, environment: ScrapeEnvironment, metadata: TargetMetadataTable
    ) {
        self.target = target
        self.context = context
        self.environment = environment
        self.metadata = metadata
        seriesLabels = SeriesLabels(target: target, job: context.job)
        cache = Self.makeCache(target, context)
    }

    private static func makeCache(_ target: ScrapeTarget, _ context: JobContext) -> ScrapeCache {
        ScrapeCache(
            limits: ExpositionLimits(
                lineBytes: ScrapeSafety.lineBytes, labelsPerSeries: ScrapeSafety.labelsPerSeries,
                samplesPerPage: max(ScrapeSafety.samples, context.job.limits.samples),
                pageBytes: context.bodyLimit.bytes),
            choices: (target.nativeHistograms ?? context.job.nativeHistograms).choices(of: context.job))
    }

    /// About how much memory the target's series take here.
    var byteCount: Int { cache.byteCount + places.capacity * 4 + isPresent.capacity + ownSeries.count * 200 }

    /// Takes new settings: lines are resolved anew, and series that the new rules drop get their markers.
    mutating func update(target: ScrapeTarget, context: JobContext) {
        let old = self.context.job
        let new = context.job
        let isUnchanged =
            old.honorsLabels == new.honorsLabels && old.honorsTimestamps == new.honorsTimestamps
            && old.tracksTimestampsStaleness == new.tracksTimestampsStaleness
            && old.metricRelabeling == new.metricRelabeling && old.nameValidation == new.nameValidation
            && old.nativeHistograms == new.nativeHistograms && old.limits == new.limits
            && target.nativeHistograms == self.target.nativeHistograms
            && old.nativeHistogramMinimumBucketFactor == new.nativeHistogramMinimumBucketFactor
            && old.readsStartTimestamps == new.readsStartTimestamps
            && old.extraScrapeMetrics == new.extraScrapeMetrics
        self.target = target
        self.context = context
        if isUnchanged { return }
        seriesLabels = SeriesLabels(target: target, job: new)
        if old.extraScrapeMetrics != new.extraScrapeMetrics { reportSlots = [] }
        forgetLines()
    }

    mutating func close() {
        writer?.close()
        writer = nil
        forgetLines()
        isPresent = []
        reportSlots = []
    }

    // MARK: Rows

    /// Stores a page: its samples, markers for what it no longer has, and the report series.
    ///
    /// Where it throws nothing was stored, and `appendFailure` is to follow.
    mutating func append(
        page: [UInt8], format: PageFormat, scratch: ScrapeScratch, report: inout ScrapeReport
    ) throws(ScrapeFailure) {
        report.bodyBytes = page.count
        let writer = try openWriter()
        report.learnedAllLines = cache.seriesCount == 0
        try read(page, format, scratch)
        report.samplesScraped = scratch.columns.values.count + scratch.columns.histograms.count
        let isSame = isSteady && scratch.columns.hasSameSeries && unresolved.isEmpty
        if !isSame { try resolveNewSeries(scratch.columns, writer, &report) }
        prepareRow(scratch, writer)
        ownBatch.series.removeAll(keepingCapacity: true)
        var assembly = assemble(scratch)
        if assembly.needsLabels {
            forgetLines()
            report.learnedAllLines = true
            try read(page, format, scratch)
            try resolveNewSeries(scratch.columns, writer, &report)
            prepareRow(scratch, writer)
            ownBatch.series.removeAll(keepingCapacity: true)
            assembly = assemble(scratch)
        }
        report.samplesAfterRelabeling = assembly.kept
        report.duplicateSamples = assembly.duplicates
        report.samplesWithoutRoom += refusedSamples(on: scratch.columns)
        if !isSame || assembly.needsLabels { markVanished(scratch) }
        markVanishedOwnSeries(at: report.timestamp)
        try appendOwnBatch(&report)
        try appendRow(scratch, writer, report, isUp: true)
        appendExemplars(scratch, writer, at: report.timestamp)
        isSteady = unresolved.isEmpty
        if writer.generation != generation { try renumber(page, format, scratch, writer) }
        compactIfNeeded(scratch.columns)
    }

    /// Stores that the scrape failed: markers for everything that the newest good one had, and the report series.
    mutating func appendFailure(_ failure: ScrapeFailure, scratch: ScrapeScratch, report: inout ScrapeReport) {
        report.samplesAfterRelabeling = 0
        report.seriesAdded = 0
        switch failure {
        case .bodyTooLarge: report.bodyBytes = -1
        case .sampleLimit(let found, _): report.samplesAfterRelabeling = found
        default: report.bodyBytes = 0
        }
        guard let writer = try? openWriter() else { return }
        prepareRow(scratch, writer)
        markVanished(scratch)
        endOwnSeries(at: report.timestamp)
        isSteady = false
        do throws(ScrapeFailure) {
            try appendRow(scratch, writer, report, isUp: false)
        } catch {
            environment.logger.debug(
                "report not stored", metadata: ["target": "\(target.url.description)", "reason": "\(error)"])
        }
        if writer.generation != generation {
            // Nothing is present, so nothing is lost by learning all lines anew.
            forgetLines()
            isPresent = []
            reportSlots = []
            generation = writer.generation
        }
    }

    /// Stores that the target ended: markers for all of its series, the report series too.
    mutating func appendEnd(timestamp: Timestamp, scratch: ScrapeScratch) {
        guard let writer else { return }
        prepareRow(scratch, writer)
        markVanished(scratch)
        endOwnSeries(at: timestamp)
        for case .some(let slot) in reportSlots where slot < scratch.row.count {
            scratch.row[slot] = SpecialValue.stale
        }
        // A target that came back elsewhere has newer samples; then the store refuses this, and that is right.
        try? writer.append(timestamp: timestamp, values: scratch.row, histograms: [])
    }

    private mutating func appendRow(
        _ scratch: ScrapeScratch, _ writer: any SourceWriter, _ report: ScrapeReport, isUp: Bool
    ) throws(ScrapeFailure) {
        resolveReportSlots(writer, scratch)
        for series in ReportSeries.allCases where series.rawValue < reportSlots.count {
            guard let slot = reportSlots[series.rawValue] else { continue }
            scratch.row[slot] = series.value(
                in: report, isUp: isUp, timeoutMilliseconds: target.timeoutMilliseconds,
                sampleLimit: context.job.limits.samples)
        }
        do {
            try writer.append(
                timestamp: report.timestamp, values: scratch.row, histograms: scratch.histograms,
                starts: scratch.startsOfRow)
        } catch {
            isSteady = false
            throw .storage(reason: error.description)
        }
    }

    // MARK: Reading

    private mutating func openWriter() throws(ScrapeFailure) -> any SourceWriter {
        if let writer { return writer }
        let name = "scrape/\(target.jobName)/\(target.url.description)/\(String(target.labels.byteHash, radix: 16))"
        do {
            let writer = try environment.store.openSource(named: name)
            generation = writer.generation
            self.writer = writer
            return writer
        } catch {
            throw .storage(reason: error.description)
        }
    }

    private mutating func read(
        _ page: [UInt8], _ format: PageFormat, _ scratch: ScrapeScratch
    ) throws(ScrapeFailure) {
        do throws(ExpositionError) {
            if page.isEmpty {
                try cache.read([], format: ExpositionFormat.text, into: &scratch.columns)
            } else {
                try cache.read(page, format: format, into: &scratch.columns)
            }
        } catch {
            if case .histogram(.bucketLimit(let count, let limit)) = error.reason {
                throw .bucketLimit(found: count, limit: limit)
            }
            throw .parse(reason: error.description)
        }
        if !scratch.columns.metadata.isEmpty { metadata.update(scratch.columns.metadata) }
        for series in scratch.columns.newSeries {
            while places.count <= Int(series.series) { places.append(Place.unresolved) }
            unresolved[series.series] = series
        }
        // Labels are held once, so that they go one by one when their series have slots.
        scratch.columns.forgetNewSeries()
    }

    private mutating func resolveReportSlots(_ writer: any SourceWriter, _ scratch: ScrapeScratch) {
        guard reportSlots.isEmpty else { return }
        let count = context.job.extraScrapeMetrics ? ReportSeries.allCases.count : ReportSeries.ordinaryCount
        for series in ReportSeries.allCases.prefix(count) {
            reportSlots.append(try? writer.slot(for: seriesLabels.reportLabels(named: series.name)))
        }
        while scratch.row.count < writer.slotCount { scratch.row.append(SpecialValue.absent) }
    }

    // MARK: Upkeep

    /// Learns all lines anew with the next page.
    mutating func forgetLines() {
        cache = Self.makeCache(target, context)
        places = []
        unresolved = [:]
        refusals.clear()
        ownSeries = []
        lastExemplars = []
        isSteady = false
    }

    /// The store has numbered the slots anew: finds them again from the page that is still at hand.
    private mutating func renumber(
        _ page: [UInt8], _ format: PageFormat, _ scratch: ScrapeScratch, _ writer: any SourceWriter
    ) throws(ScrapeFailure) {
        forgetLines()
        generation = writer.generation
        isPresent = []
        reportSlots = []
        var report = ScrapeReport(timestamp: Timestamp(milliseconds: 0), durationSeconds: 0)
        try read(page, format, scratch)
        try resolveNewSeries(scratch.columns, writer, &report)
        for number in scratch.columns.series + scratch.columns.histograms.map(\.series) {
            let place = Int(places[Int(number)])
            guard place >= 0 else { continue }
            while isPresent.count <= place { isPresent.append(false) }
            isPresent[place] = true
        }
        isSteady = unresolved.isEmpty
    }

    /// Forgets lines that were on earlier pages when they are more than those on this one.
    private mutating func compactIfNeeded(_ columns: ScrapePage) {
        let count = max(cache.pageSeriesCount, columns.series.count + columns.histograms.count)
        guard cache.seriesCount > 2 * count + 1000 else { return }
        let numbers = cache.compact()
        var kept = [Int32](repeating: Place.unresolved, count: cache.seriesCount)
        for (old, new) in numbers.enumerated() where new >= 0 && old < places.count { kept[Int(new)] = places[old] }
        places = kept
        var stillUnresolved: [Int32: NewSeries] = [:]
        for (old, series) in unresolved where numbers[Int(old)] >= 0 { stillUnresolved[numbers[Int(old)]] = series }
        unresolved = stillUnresolved
    }
}
