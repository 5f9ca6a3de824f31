internal import Bytes
internal import MetricModel

/// Reading pages in Prometheus' protobuf format: messages `io.prometheus.client.MetricFamily`, each with its length in
/// front.
///
///     MetricFamily  1 name, 2 help, 3 type, 4 metric, 5 unit
///     Metric        1 label, 2 gauge, 3 counter, 4 summary, 5 untyped, 6 timestamp (ms), 7 histogram
///     Label         1 name, 2 value
///     Gauge, Untyped  1 value       Counter  1 value, 2 exemplar, 3 created
///     Summary       1 count, 2 sum, 3 quantile (1 quantile, 2 value), 4 created
///     Histogram     1 count, 2 sum, 3 bucket (1 cumulative count, 2 upper bound, 3 exemplar, 4 as float),
///                   and the parts of a native one (`HistogramReader`); 15 created, 16 exemplars
///     Exemplar      1 label, 2 value, 3 timestamp
///
/// A series is known by a hash over its family's name, the bytes of its labels and what tells it from the others of its
/// metric (suffix, bound); strings are made when it is new.
extension ScrapeCache {
    mutating func readProtobuf(
        _ page: UnsafeRawBufferPointer, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        columns.removeAll()
        if format != .protobuf {
            script = PageScript()
            format = .protobuf
        }
        var walk = unsafe ProtobufWalk(page: page, cache: self)
        let outcome = Result { () throws(ExpositionError) in
            guard page.count <= limits.pageBytes else {
                throw ExpositionError(
                    reason: .limitExceeded(name: "pageBytes", limit: limits.pageBytes, value: page.count), line: 1,
                    column: 1)
            }
            try walk.run(into: &columns)
        }
        // What was numbered stays numbered, also after an error.
        keys = walk.keys
        pendingSeries += walk.newSeries
        do {
            try outcome.get()
        } catch {
            columns.removeAll()
            columns.series.removeAll(keepingCapacity: true)
            throw error
        }
        pendingMetadata = walk.metadata
        var newScript = PageScript()
        for series in walk.order { newScript.append(gapLength: 0, hash: 0, series: series, type: .unknown) }
        // Histograms stand beside the row, so a page with some is looked at anew each time.
        columns.hasSameSeries = columns.histograms.isEmpty && newScript.series == script.series
        script = newScript
        finish(&columns)
    }
}

/// One walk over a page.
@safe struct ProtobufWalk {
    /// A family while its metrics are read.
    struct Family {
        var name: Range<Int> = 0..<0
        var hash: UInt64 = 0
        var type: UInt64 = 0
    }

    /// A metric while its samples are read.
    struct Metric {
        var family: Family
        var labels: [Range<Int>] = []
        var labelHash: UInt64 = 0
        var timestamp = ScrapePage.noTimestamp
        /// When it began to count, in milliseconds; 0 where that is unknown.
        var start: Int64 = 0
    }

    /// What tells the series of one metric apart.
    enum Part {
        case plain
        case count, sum
        case bucket(Double)
        case quantile(Double)

        var suffix: String {
            switch self {
            case .plain, .quantile: ""
            case .count: "_count"
            case .sum: "_sum"
            case .bucket: "_bucket"
            }
        }

        var code: UInt64 {
            switch self {
            case .plain: 1
            case .count: 2
            case .sum: 3
            case .bucket(let bound): bound.bitPattern ^ 0x5bd1_e995_0000_0004
            case .quantile(let quantile): quantile.bitPattern ^ 0x2545_f491_0000_0005
            }
        }
    }

    let page: UnsafeRawBufferPointer
    private let byteCount: Int
    let lineHash: LineHash
    let limits: ExpositionLimits
    let choices: PageChoices
    var keys: SeriesKeys
    var newSeries: [NewSeries] = []
    var metadata: [MetadataLine] = []
    /// All series of the page, histograms included, in order.
    var order: [Int32] = []
    private let isFirstPage: Bool
    private var familyCount = 0

    init(page: UnsafeRawBufferPointer, cache: ScrapeCache) {
        unsafe self.page = page
        byteCount = page.count
        lineHash = cache.lineHash
        limits = cache.limits
        choices = cache.choices
        keys = cache.keys
        isFirstPage = cache.script.count == 0
    }

    mutating func run(into columns: inout ScrapePage) throws(ExpositionError) {
        columns.series.removeAll(keepingCapacity: true)
        var reader = unsafe WireReader(page)
        while reader.offset < byteCount {
            guard let length = reader.varint() else { throw fault(reader) }
            let start = reader.offset
            guard length <= UInt64(byteCount - start) else {
                throw Self.error(.protobuf(reader.faultHere(.length)), at: start)
            }
            let end = start + Int(length)
            familyCount += 1
            unsafe try readFamily(WireReader(page, range: start..<end), into: &columns)
            unsafe reader = WireReader(page, range: end..<byteCount)
        }
        guard order.count <= limits.samplesPerPage else { throw tooManySamples() }
    }

    func tooManySamples() -> ExpositionError {
        Self.error(
            .limitExceeded(name: "samplesPerPage", limit: limits.samplesPerPage, value: order.count), at: 0)
    }

    static func error(_ reason: ExpositionError.Reason, at offset: Int) -> ExpositionError {
        ExpositionError(reason: reason, line: 1, column: offset + 1)
    }

    func fault(_ reader: WireReader) -> ExpositionError {
        let fault = reader.fault ?? reader.faultHere(.truncated)
        return Self.error(.protobuf(fault), at: fault.offset)
    }

    // MARK: Families

    private mutating func readFamily(_ message: WireReader, into columns: inout ScrapePage) throws(ExpositionError) {
        var family = Family()
        var help: Range<Int>?
        var unit: Range<Int>?
        var reader = message
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .bytes): family.name = reader.content
            case (2, .bytes): help = reader.content
            case (3, .varint): family.type = reader.number
            case (5, .bytes): unit = reader.content
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        guard !family.name.isEmpty else { throw Self.error(.missingName, at: message.offset) }
        family.hash = unsafe lineHash.hash(UnsafeRawBufferPointer(rebasing: page[family.name]))
        let seriesBefore = newSeries.count
        reader = message
        while reader.next() {
            guard reader.field == 4, reader.kind == .bytes else { continue }
            try readMetric(reader.message, family, into: &columns)
            guard order.count <= limits.samplesPerPage else { throw tooManySamples() }
        }
        // Words are looked at with new series only: they hardly change, and strings cost.
        if isFirstPage || newSeries.count > seriesBefore { try addMetadata(family, help: help, unit: unit) }
    }

    private mutating func addMetadata(
        _ family: Family, help: Range<Int>?, unit: Range<Int>?
    ) throws(ExpositionError) {
        guard metadata.count + 3 <= ExpositionLimits.metadataLinesPerPage else { return }
        let name = try text(family.name)
        let types: [MetricMetadata.MetricType] = [.counter, .gauge, .summary, .unknown, .histogram, .gaugeHistogram]
        let type = family.type < UInt64(types.count) ? types[Int(family.type)] : .unknown
        metadata.append(MetadataLine(family: name, field: .type(type)))
        if let help { metadata.append(MetadataLine(family: name, field: .help(try text(help)))) }
        if let unit, !unit.isEmpty { metadata.append(MetadataLine(family: name, field: .unit(try text(unit)))) }
    }

    func text(_ range: Range<Int>) throws(ExpositionError) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: page[range])
        guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
            throw Self.error(.invalidUTF8, at: range.lowerBound)
        }
        return text
    }

    // MARK: Metrics

    private mutating func readMetric(
        _ message: WireReader, _ family: Family, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        var metric = Metric(family: family)
        var value: (field: Int, message: WireReader)?
        var reader = message
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .bytes):
                guard metric.labels.count < limits.labelsPerSeries else {
                    throw Self.error(
                        .limitExceeded(
                            name: "labelsPerSeries", limit: limits.labelsPerSeries, value: metric.labels.count + 1),
                        at: reader.offset)
                }
                metric.labels.append(reader.content)
                let hash = unsafe lineHash.hash(UnsafeRawBufferPointer(rebasing: page[reader.content]))
                metric.labelHash = Self.mixed(metric.labelHash, hash)
            case (6, .varint): metric.timestamp = reader.signed
            case (2...5, .bytes), (7, .bytes): value = (reader.field, reader.message)
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        guard let value else { return }
        switch value.field {
        case 2, 5: try readPlain(value.message, metric, hasExemplar: false, into: &columns)
        case 3: try readPlain(value.message, metric, hasExemplar: true, into: &columns)
        case 4: try readSummary(value.message, metric, into: &columns)
        default: try readHistogram(value.message, metric, into: &columns)
        }
    }

    static func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: right | 1)
        return product.high ^ product.low ^ right
    }

    /// The number of a series, a new one where it has none yet.
    mutating func number(_ metric: Metric, _ part: Part) throws(ExpositionError) -> Int32 {
        let hash = Self.mixed(Self.mixed(metric.family.hash, metric.labelHash), part.code)
        if let known = keys.number(of: hash) {
            order.append(known)
            return known
        }
        let (labels, emptyLabels) = try labels(of: metric, part)
        let number = keys.insert(hash)
        newSeries.append(NewSeries(series: number, labels: labels, emptyLabels: emptyLabels, line: familyCount))
        order.append(number)
        return number
    }

    private func labels(
        of metric: Metric, _ part: Part
    ) throws(ExpositionError) -> (labels: LabelSet, emptyLabels: [String]) {
        var builder = LabelSetBuilder()
        var emptyLabels: [String] = []
        builder.set(LabelName.metricName, to: try text(metric.family.name) + part.suffix)
        for range in metric.labels {
            let (name, value) = unsafe try pair(WireReader(page, range: range))
            guard builder[name] == nil else { throw Self.error(.duplicateLabel(name), at: range.lowerBound) }
            if value.isEmpty { emptyLabels.append(name) } else { builder.set(name, to: value) }
        }
        switch part {
        case .bucket(let bound): builder.set("le", to: Self.bound(bound))
        case .quantile(let quantile): builder.set("quantile", to: Self.bound(quantile))
        default: break
        }
        return (builder.build(), emptyLabels)
    }

    func pair(_ message: WireReader) throws(ExpositionError) -> (name: String, value: String) {
        var reader = message
        var name = 0..<0
        var value = 0..<0
        while reader.next() {
            if reader.field == 1, reader.kind == .bytes { name = reader.content }
            if reader.field == 2, reader.kind == .bytes { value = reader.content }
        }
        guard reader.fault == nil else { throw fault(reader) }
        return (try text(name), try text(value))
    }

    /// A bound as OpenMetrics writes it: whole numbers with `.0`.
    private static func bound(_ value: Double) -> String {
        var bytes: [UInt8] = []
        DecimalFormatting.append(value, style: .openMetrics, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
