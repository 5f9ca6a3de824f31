package import Bytes
package import MetricModel

/// What is wrong with a native histogram.
package enum HistogramFault: Error, Hashable, Sendable, CustomStringConvertible {
    case damaged(WireReader.Fault)
    case schema(Int64)
    case tooManyBuckets(limit: Int)
    /// More than the configured `native_histogram_bucket_limit`.
    case bucketLimit(count: Int, limit: Int)
    /// The spans speak of another number of buckets than there are.
    case spans(buckets: Int, inSpans: Int)
    case customValues(String)
    case negativeBucket
    case count(String)

    package var description: String {
        switch self {
        case .damaged(let fault): fault.description
        case .schema(let schema): "schema \(schema) is not one of -4 to 52 and -53"
        case .tooManyBuckets(let limit): "limit histogramBucketLimit exceeded: more than \(limit) buckets"
        case .bucketLimit(let count, let limit):
            "native_histogram_bucket_limit exceeded: \(count) buckets, \(limit) allowed"
        case .spans(let buckets, let inSpans): "spans for \(inSpans) buckets, \(buckets) are given"
        case .customValues(let reason): "custom buckets: \(reason)"
        case .negativeBucket: "a bucket with a negative count"
        case .count(let reason): reason
        }
    }
}

/// Reads the message `Histogram` of remote write (the same in 1.0 and 2.0) and that of the scrape format, which have the
/// same parts under other numbers.
///
///                      remote write   scrape format
///     count (int)           1              1
///     count (float)         2              4
///     sum                   3              2
///     schema (zigzag)       4              5
///     zero threshold        5              6
///     zero count (int)      6              7
///     zero count (float)    7              8
///     negative spans        8              9       BucketSpan: 1 offset (zigzag), 2 length
///     negative deltas       9             10       zigzag
///     negative counts      10             11       doubles
///     positive spans       11             12
///     positive deltas      12             13
///     positive counts      13             14
///     reset hint           14              -
///     timestamp (ms)       15              -
///     custom values        16              -
///     start timestamp      17             15       milliseconds; in the scrape format seconds and nanoseconds
package struct HistogramReader {
    /// Which message it is.
    package enum Layout { case remoteWrite, scrape }

    /// What a field is, as the numbers of remote write say.
    private static let scrapeFields = [0, 1, 3, 0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17]

    private let layout: Layout
    private let bucketLimit: Int

    package init(layout: Layout, bucketLimit: Int) {
        self.layout = layout
        self.bucketLimit = bucketLimit
    }

    private func part(_ field: Int) -> Int {
        switch layout {
        case .remoteWrite: field
        case .scrape: field < Self.scrapeFields.count ? Self.scrapeFields[field] : 0
        }
    }

    /// One side of a histogram as it stands on the wire.
    private struct Side {
        var spans: [NativeHistogram.Span] = []
        var deltas: [UInt64] = []
        var counts: [UInt64] = []

        /// Absolute counts.
        func buckets() -> [Double] {
            guard counts.isEmpty else { return counts.map { Double(bitPattern: $0) } }
            var total: Int64 = 0
            return deltas.map { delta in
                total &+= VarInt.unzigzag(delta)
                return Double(total)
            }
        }
    }

    /// The histogram of a message, checked.
    package func read(_ message: WireReader) throws(HistogramFault) -> HistogramSample {
        var reader = message
        var sample = HistogramSample(timestamp: 0, histogram: NativeHistogram())
        var schema: Int64 = 0
        var negative = Side()
        var positive = Side()
        var customValues: [UInt64] = []
        while reader.next() {
            switch (part(reader.field), reader.kind) {
            case (1, .varint): sample.histogram.count = Double(reader.number)
            case (2, .fixed64): sample.histogram.count = reader.double
            case (3, .fixed64): sample.histogram.sum = reader.double
            case (4, .varint): schema = reader.zigzag
            case (5, .fixed64): sample.histogram.zeroThreshold = reader.double
            case (6, .varint): sample.histogram.zeroCount = Double(reader.number)
            case (7, .fixed64): sample.histogram.zeroCount = reader.double
            case (8, .bytes): try readSpan(reader.message, into: &negative.spans)
            case (9, _): _ = reader.appendNumbers(limit: bucketLimit, to: &negative.deltas)
            case (10, _): _ = reader.appendNumbers(fixedWidth: true, limit: bucketLimit, to: &negative.counts)
            case (11, .bytes): try readSpan(reader.message, into: &positive.spans)
            case (12, _): _ = reader.appendNumbers(limit: bucketLimit, to: &positive.deltas)
            case (13, _): _ = reader.appendNumbers(fixedWidth: true, limit: bucketLimit, to: &positive.counts)
            case (14, .varint): sample.histogram.counterResetHint = Self.hint(reader.number)
            case (15, .varint): sample.timestamp = reader.signed
            case (16, _): _ = reader.appendNumbers(fixedWidth: true, limit: bucketLimit, to: &customValues)
            case (17, .varint): sample.startTimestamp = reader.signed
            case (17, .bytes): sample.startTimestamp = WireTimestamp.milliseconds(reader.message)
            default: continue
            }
        }
        if let fault = reader.fault {
            let isLimit = max(negative.deltas.count, positive.deltas.count, customValues.count) >= bucketLimit
            throw isLimit ? .tooManyBuckets(limit: bucketLimit) : .damaged(fault)
        }
        guard let known = Int32(exactly: schema),
            NativeHistogram.schemas.contains(known) || NativeHistogram.finerSchemas.contains(known)
                || known == NativeHistogram.customBucketsSchema
        else { throw .schema(schema) }
        sample.histogram.schema = known
        sample.histogram.negativeSpans = negative.spans
        sample.histogram.positiveSpans = positive.spans
        sample.histogram.negativeBuckets = negative.buckets()
        sample.histogram.positiveBuckets = positive.buckets()
        sample.histogram.customValues = customValues.map { Double(bitPattern: $0) }
        if let fault = sample.histogram.fault { throw fault }
        if NativeHistogram.finerSchemas.contains(known) {
            sample.histogram.reduceResolution(to: NativeHistogram.schemas.upperBound)
            if let fault = sample.histogram.fault { throw fault }
        }
        return sample
    }

    private func readSpan(_ message: WireReader, into spans: inout [NativeHistogram.Span]) throws(HistogramFault) {
        guard spans.count < bucketLimit else { throw .tooManyBuckets(limit: bucketLimit) }
        var reader = message
        var span = NativeHistogram.Span(offset: 0, length: 0)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint): span.offset = Int32(truncatingIfNeeded: reader.zigzag)
            case (2, .varint): span.length = UInt32(truncatingIfNeeded: reader.number)
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        spans.append(span)
    }

    private static func hint(_ number: UInt64) -> NativeHistogram.CounterResetHint {
        switch number {
        case 1: .reset
        case 2: .notReset
        case 3: .gauge
        default: .unknown
        }
    }
}

extension NativeHistogram {
    /// What makes a histogram from outside unusable, nil for a sound one: buckets that do not fit their spans, counts below
    /// zero, custom bounds out of order.
    package var fault: HistogramFault? {
        guard !isStale else { return nil }
        for (spans, buckets) in [(positiveSpans, positiveBuckets), (negativeSpans, negativeBuckets)] {
            var inSpans = 0
            for (index, span) in spans.enumerated() {
                inSpans += Int(span.length)
                if index > 0, span.offset < 0 { return .spans(buckets: buckets.count, inSpans: inSpans) }
            }
            guard inSpans == buckets.count else { return .spans(buckets: buckets.count, inSpans: inSpans) }
            if buckets.contains(where: { $0 < 0 }) { return .negativeBucket }
        }
        if count < 0 || zeroCount < 0 { return .count("a count below zero") }
        if !usesCustomBuckets { return customValues.isEmpty ? nil : .customValues("bounds in an exponential schema") }
        if zeroCount != 0 || zeroThreshold != 0 || !negativeBuckets.isEmpty {
            return .customValues("a zero bucket or negative buckets")
        }
        if positiveBuckets.count > customValues.count + 1 { return .customValues("more buckets than bounds") }
        for index in customValues.indices {
            if !customValues[index].isFinite { return .customValues("a bound that is no finite number") }
            if index > 0, customValues[index] <= customValues[index - 1] {
                return .customValues("bounds that do not ascend")
            }
        }
        return nil
    }
}
