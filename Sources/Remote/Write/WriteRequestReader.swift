import Bytes
import Exposition
import MetricModel
import Storage

/// Reads `prometheus.WriteRequest` (remote write 1.0).
///
///     WriteRequest  1 timeseries, 3 metadata
///     TimeSeries    1 labels, 2 samples, 3 exemplars, 4 histograms
///     Label         1 name, 2 value          Sample  1 value (double), 2 timestamp (ms)
///     Exemplar      1 labels, 2 value, 3 timestamp
///     MetricMetadata  1 type, 2 metric family name, 4 help, 5 unit
///
/// https://prometheus.io/docs/specs/prw/remote_write_spec/. A series costs a walk over its fields and a hash of its
/// labels' bytes as they stand; two spellings of one label set are two keys with one number.
struct WriteRequestReader {
    let settings: WriteSettings
    /// Makes keys hard to guess.
    let seed: UInt64

    func read(_ body: UnsafeRawBufferPointer, into request: inout WriteRequest) throws(WriteRequestError) {
        var reader = unsafe WireReader(body)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .bytes): unsafe try readSeries(body, reader.content, into: &request)
            case (3, .bytes): unsafe try readMetadata(body, reader.message, into: &request)
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
    }

    private func readSeries(
        _ body: UnsafeRawBufferPointer, _ range: Range<Int>, into request: inout WriteRequest
    ) throws(WriteRequestError) {
        guard request.keys.count < settings.seriesPerRequestLimit else {
            throw .tooMany(
                what: "series", limitName: "seriesPerRequestLimit", limit: settings.seriesPerRequestLimit)
        }
        let sampleCount = request.samples.values.count
        let histogramCount = request.samples.histograms.count
        var reader = unsafe WireReader(body, range: range)
        var labelsStart = -1
        var labelsEnd = -1
        var areTogether = true
        while true {
            let start = reader.offset
            guard reader.next() else { break }
            guard reader.kind == .bytes else { continue }
            switch reader.field {
            case 1:
                if labelsStart < 0 { labelsStart = start } else if start != labelsEnd { areTogether = false }
                labelsEnd = reader.offset
            case 2: unsafe try readSample(body, reader.content, into: &request)
            case 3: try readExemplar(reader.message, into: &request)
            case 4: try request.addHistogram(reader.message, settings: settings)
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        guard request.samples.values.count > sampleCount || request.samples.histograms.count > histogramCount else {
            throw .noSamples(series: request.keys.count)
        }
        guard request.samples.values.count <= settings.samplesPerRequestLimit else {
            throw .tooMany(
                what: "samples", limitName: "samplesPerRequestLimit", limit: settings.samplesPerRequestLimit)
        }
        let labels = labelsStart < 0 ? range.lowerBound..<range.lowerBound : labelsStart..<labelsEnd
        guard areTogether else { return unsafe gatherLabels(body, range, into: &request) }
        let key = unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: body[labels]), seed: seed)
        request.endSeries(key: key, labels: .fields(labels))
    }

    @inline(__always)
    private func readSample(
        _ body: UnsafeRawBufferPointer, _ range: Range<Int>, into request: inout WriteRequest
    ) throws(WriteRequestError) {
        var reader = unsafe WireReader(body, range: range)
        var value = 0.0
        var timestamp: Int64 = 0
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .fixed64): value = reader.double
            case (2, .varint): timestamp = reader.signed
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        request.addSample(value: value, timestamp: timestamp, startTimestamp: 0)
    }

    /// Labels that stand in several places are copied together; who sends them so is slower, not wrong.
    private func gatherLabels(
        _ body: UnsafeRawBufferPointer, _ range: Range<Int>, into request: inout WriteRequest
    ) {
        let start = request.gathered.count
        var reader = unsafe WireReader(body, range: range)
        while true {
            let fieldStart = reader.offset
            guard reader.next() else { break }
            guard reader.field == 1, reader.kind == .bytes else { continue }
            unsafe request.gathered.append(
                contentsOf: UnsafeRawBufferPointer(rebasing: body[fieldStart..<reader.offset]))
        }
        let gathered = start..<request.gathered.count
        let key = unsafe request.gathered.withUnsafeBytes { bytes in
            unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: bytes[gathered]), seed: seed)
        }
        request.endSeries(key: key, labels: .gathered(gathered))
    }

    private func readExemplar(_ message: WireReader, into request: inout WriteRequest) throws(WriteRequestError) {
        var reader = message
        var exemplar = WriteRequest.SeriesExemplar(
            series: request.keys.count, labels: .fields(0..<0), value: 0, timestamp: 0)
        var labels: Range<Int>?
        while true {
            let start = reader.offset
            guard reader.next() else { break }
            switch (reader.field, reader.kind) {
            // Labels of an exemplar that do not stand together lose what lies between; no sender writes them so.
            case (1, .bytes): labels = (labels?.lowerBound ?? start)..<reader.offset
            case (2, .fixed64): exemplar.value = reader.double
            case (3, .varint): exemplar.timestamp = reader.signed
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        exemplar.labels = .fields(labels ?? 0..<0)
        request.exemplars.append(exemplar)
    }

    private func readMetadata(
        _ body: UnsafeRawBufferPointer, _ message: WireReader, into request: inout WriteRequest
    ) throws(WriteRequestError) {
        var reader = message
        var metadata = WriteRequest.Metadata(name: 0..<0, type: .unknown, help: 0..<0, unit: 0..<0)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .varint): metadata.type = WireTypes.metricType(reader.number)
            case (2, .bytes): metadata.name = reader.content
            case (4, .bytes): metadata.help = reader.content
            case (5, .bytes): metadata.unit = reader.content
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        if request.metadata.count < settings.seriesPerRequestLimit { request.metadata.append(metadata) }
    }
}

/// Enumerations of the protocol.
enum WireTypes {
    private static let metricTypes: [MetricMetadata.MetricType] = [
        .unknown, .counter, .gauge, .histogram, .gaugeHistogram, .summary, .info, .stateSet,
    ]

    /// The type of a metric by its number, the same in 1.0 and 2.0.
    static func metricType(_ number: UInt64) -> MetricMetadata.MetricType {
        number < UInt64(metricTypes.count) ? metricTypes[Int(number)] : .unknown
    }
}
