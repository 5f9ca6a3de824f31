import Bytes
import Exposition
import MetricModel
import Storage

/// A remote write request taken apart: flat columns, series after series, without a String or a label set.
///
/// Labels stay in the bytes of the request; each series has a key, a hash over them, by which its number is found.
struct WriteRequest {
    /// An exemplar and the place of its series.
    struct SeriesExemplar {
        var series: Int
        var labels: LabelSource
        var value: Double
        var timestamp: Int64
    }

    /// What a sender says of a metric family: places of names and texts.
    struct Metadata {
        var name: TextSource
        var type: MetricMetadata.MetricType
        var help: TextSource
        var unit: TextSource
    }

    /// Where labels are: fields of a message (1.0), or pairs of symbols (2.0).
    enum LabelSource {
        case fields(Range<Int>)
        /// Fields that were gathered from several places.
        case gathered(Range<Int>)
        case symbols(Range<Int>)
        case exemplarSymbols(Range<Int>)
    }

    /// A piece of text in the body.
    typealias TextSource = Range<Int>

    var samples = ReferencedSamples()
    /// One a series.
    var keys: [UInt64] = []
    var labels: [LabelSource] = []
    var exemplars: [SeriesExemplar] = []
    var metadata: [Metadata] = []
    /// The string table of 2.0.
    var symbols: [TextSource] = []
    var symbolHashes: [UInt64] = []
    /// Label references of all series, pairs of symbol numbers.
    var symbolPairs: [UInt32] = []
    /// The same of exemplars.
    var exemplarPairs: [UInt32] = []
    /// Label fields of series whose labels do not stand together.
    var gathered: [UInt8] = []

    /// Empties everything and keeps the memory.
    mutating func removeAll() {
        samples.removeAll()
        keys.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
        exemplars.removeAll(keepingCapacity: true)
        metadata.removeAll(keepingCapacity: true)
        symbols.removeAll(keepingCapacity: true)
        symbolHashes.removeAll(keepingCapacity: true)
        symbolPairs.removeAll(keepingCapacity: true)
        exemplarPairs.removeAll(keepingCapacity: true)
        gathered.removeAll(keepingCapacity: true)
    }

    /// Adds a float sample to the series that is being read.
    @inline(__always)
    mutating func addSample(value: Double, timestamp: Int64, startTimestamp: Int64) {
        if startTimestamp != 0, samples.startTimestamps.isEmpty {
            samples.startTimestamps.append(contentsOf: repeatElement(0, count: samples.values.count))
        }
        samples.timestamps.append(timestamp)
        samples.values.append(value)
        if startTimestamp != 0 || !samples.startTimestamps.isEmpty { samples.startTimestamps.append(startTimestamp) }
    }

    /// Adds a histogram, whose message both versions write alike, to the series that is being read.
    mutating func addHistogram(_ message: WireReader, settings: WriteSettings) throws(WriteRequestError) {
        guard samples.histograms.count < settings.samplesPerRequestLimit else {
            throw .tooMany(
                what: "histograms", limitName: "samplesPerRequestLimit", limit: settings.samplesPerRequestLimit)
        }
        let series = keys.count
        do {
            let reader = HistogramReader(layout: .remoteWrite, bucketLimit: settings.histogramBucketLimit)
            samples.histograms.append((series, try reader.read(message)))
        } catch {
            throw .histogram(error, series: series)
        }
    }

    /// Ends the series that is being read.
    @inline(__always)
    mutating func endSeries(key: UInt64, labels source: LabelSource) {
        keys.append(key)
        labels.append(source)
        samples.sampleEnds.append(samples.values.count)
    }
}

/// Why a request is refused as a whole.
enum WriteRequestError: Error, CustomStringConvertible {
    case compression(CompressionError)
    case damaged(WireReader.Fault)
    case histogram(HistogramFault, series: Int)
    /// A series without any sample.
    case noSamples(series: Int)
    /// A label names a symbol that the table does not have.
    case symbol(reference: UInt64, count: Int)
    case tooMany(what: String, limitName: String, limit: Int)

    var description: String {
        switch self {
        case .compression(let error): error.description
        case .damaged(let fault): fault.description
        case .histogram(let fault, let series): "histogram of series \(series): \(fault)"
        case .noSamples(let series): "series \(series) has neither samples nor histograms"
        case .symbol(let reference, let count): "a reference to symbol \(reference), the request has \(count)"
        case .tooMany(let what, let name, let limit):
            "limit \(name) exceeded: more than \(limit) \(what) in one request"
        }
    }
}
