internal import Bytes
internal import MetricModel

/// The samples of one metric.
extension ProtobufWalk {
    private mutating func append(
        _ value: Double, _ metric: Metric, _ part: Part, exemplar: Exemplar? = nil, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        let number = try number(metric, part)
        if metric.timestamp != ScrapePage.noTimestamp {
            while columns.timestamps.count < columns.values.count { columns.timestamps.append(ScrapePage.noTimestamp) }
            columns.timestamps.append(metric.timestamp)
        } else if !columns.timestamps.isEmpty {
            columns.timestamps.append(ScrapePage.noTimestamp)
        }
        if let exemplar { columns.exemplars.append(PageExemplar(sample: columns.values.count, exemplar: exemplar)) }
        columns.values.append(value)
        columns.series.append(number)
        if metric.start != 0, columns.starts.isEmpty {
            columns.starts.append(contentsOf: repeatElement(0, count: columns.values.count - 1))
        }
        if metric.start != 0 || !columns.starts.isEmpty { columns.starts.append(metric.start) }
    }

    /// When a metric began to count; 0 where the page does not say or nobody wants to know.
    private func start(_ message: WireReader) -> Int64 {
        choices.readsStarts ? WireTimestamp.milliseconds(message) : 0
    }

    mutating func readPlain(
        _ message: WireReader, _ metric: Metric, hasExemplar: Bool, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        var reader = message
        var metric = metric
        var value = 0.0
        var exemplar: Exemplar?
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .fixed64): value = reader.double
            case (2, .bytes) where hasExemplar: exemplar = try readExemplar(reader.message)
            case (3, .bytes) where hasExemplar: metric.start = start(reader.message)
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        try append(value, metric, .plain, exemplar: exemplar, into: &columns)
    }

    mutating func readSummary(
        _ message: WireReader, _ metric: Metric, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        var reader = message
        var metric = metric
        var count = 0.0
        var sum = 0.0
        var quantiles: [(quantile: Double, value: Double)] = []
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint): count = Double(reader.number)
            case (2, .fixed64): sum = reader.double
            case (3, .bytes): quantiles.append(try readQuantile(reader.message))
            case (4, .bytes): metric.start = start(reader.message)
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        for entry in quantiles { try append(entry.value, metric, .quantile(entry.quantile), into: &columns) }
        try append(count, metric, .count, into: &columns)
        try append(sum, metric, .sum, into: &columns)
    }

    private func readQuantile(
        _ message: WireReader
    ) throws(ExpositionError) -> (quantile: Double, value: Double) {
        var reader = message
        var pair = (quantile: 0.0, value: 0.0)
        while reader.next() {
            if reader.field == 1, reader.kind == .fixed64 { pair.quantile = reader.double }
            if reader.field == 2, reader.kind == .fixed64 { pair.value = reader.double }
        }
        guard reader.fault == nil else { throw fault(reader) }
        return pair
    }

    // MARK: Histograms

    mutating func readHistogram(
        _ message: WireReader, _ metric: Metric, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        let classic = try readClassic(message)
        var metric = metric
        metric.start = classic.start
        if classic.hasNative, choices.readsNative {
            try appendNative(message, metric, classic, into: &columns)
            guard choices.alwaysReadsClassic, !classic.buckets.isEmpty else { return }
            return try append(classic, metric, into: &columns)
        }
        if choices.convertsClassic {
            if let histogram = classic.converted {
                var converted = histogram
                if metric.family.type == 5 { converted.counterResetHint = .gauge }
                let exemplars = classic.buckets.compactMap(\.exemplar)
                try append(converted, metric, exemplars: exemplars, into: &columns)
            }
            guard choices.alwaysReadsClassic else { return }
        }
        try append(classic, metric, into: &columns)
    }

    private func readClassic(_ message: WireReader) throws(ExpositionError) -> ClassicHistogram {
        var classic = ClassicHistogram()
        var reader = message
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint): classic.count = Double(reader.number)
            case (4, .fixed64): if reader.double > 0 { classic.count = reader.double }
            case (2, .fixed64): classic.sum = reader.double
            case (3, .bytes): classic.buckets.append(try readBucket(reader.message))
            case (6, .fixed64), (8, .fixed64): if reader.double > 0 { classic.hasNative = true }
            case (7, .varint): if reader.number > 0 { classic.hasNative = true }
            case (9, .bytes), (12, .bytes): classic.hasNative = true
            case (15, .bytes): classic.start = start(reader.message)
            case (16, .bytes): classic.exemplars.append(try readExemplar(reader.message))
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        return classic
    }

    private func readBucket(
        _ message: WireReader
    ) throws(ExpositionError) -> (bound: Double, count: Double, exemplar: Exemplar?) {
        var reader = message
        var bucket: (bound: Double, count: Double, exemplar: Exemplar?) = (0, 0, nil)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint): bucket.count = Double(reader.number)
            case (2, .fixed64): bucket.bound = reader.double
            case (3, .bytes): bucket.exemplar = try readExemplar(reader.message)
            case (4, .fixed64): if reader.double > 0 { bucket.count = reader.double }
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        return bucket
    }

    private mutating func append(
        _ classic: ClassicHistogram, _ metric: Metric, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        try append(classic.count, metric, .count, into: &columns)
        try append(classic.sum, metric, .sum, into: &columns)
        var hasInfinity = false
        for bucket in classic.buckets {
            try append(bucket.count, metric, .bucket(bucket.bound), exemplar: bucket.exemplar, into: &columns)
            if bucket.bound == .infinity { hasInfinity = true }
        }
        if !hasInfinity { try append(classic.count, metric, .bucket(.infinity), into: &columns) }
    }

    private mutating func appendNative(
        _ message: WireReader, _ metric: Metric, _ classic: ClassicHistogram, into columns: inout ScrapePage
    ) throws(ExpositionError) {
        // The count of the format, so that a lying page cannot make more of it.
        let limit = limits.labelsPerSeries * 10
        let sample: HistogramSample
        do throws(HistogramFault) {
            sample = try HistogramReader(layout: .scrape, bucketLimit: limit).read(message)
        } catch {
            throw Self.error(.histogram(error), at: message.offset)
        }
        var histogram = sample.histogram
        if metric.family.type == 5 { histogram.counterResetHint = .gauge }
        let exemplars = classic.exemplars.isEmpty ? classic.buckets.compactMap(\.exemplar) : classic.exemplars
        try append(histogram, metric, exemplars: exemplars, into: &columns)
    }

    private mutating func append(
        _ histogram: NativeHistogram, _ metric: Metric, exemplars: [Exemplar], into columns: inout ScrapePage
    ) throws(ExpositionError) {
        var histogram = histogram
        do throws(HistogramFault) {
            try choices.apply(to: &histogram)
        } catch {
            throw Self.error(.histogram(error), at: metric.family.name.lowerBound)
        }
        let number = try number(metric, .plain)
        columns.histograms.append(
            PageHistogram(
                series: number, histogram: histogram, timestamp: metric.timestamp, exemplars: exemplars,
                start: metric.start))
    }

    private func readExemplar(_ message: WireReader) throws(ExpositionError) -> Exemplar {
        var reader = message
        var builder = LabelSetBuilder()
        var exemplar = Exemplar(labels: .empty, value: 0, timestampMilliseconds: nil)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .bytes):
                let (name, value) = try pair(reader.message)
                builder.set(name, to: value)
            case (2, .fixed64): exemplar.value = reader.double
            case (3, .bytes): exemplar.timestampMilliseconds = WireTimestamp.milliseconds(reader.message)
            default: continue
            }
        }
        guard reader.fault == nil else { throw fault(reader) }
        exemplar.labels = builder.build()
        return exemplar
    }
}

/// `google.protobuf.Timestamp`: 1 seconds, 2 nanoseconds.
enum WireTimestamp {
    static func milliseconds(_ message: WireReader) -> Int64 {
        var reader = message
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        while reader.next() {
            if reader.field == 1, reader.kind == .varint { seconds = reader.signed }
            if reader.field == 2, reader.kind == .varint { nanoseconds = reader.signed }
        }
        return seconds &* 1000 &+ nanoseconds / 1_000_000
    }
}
