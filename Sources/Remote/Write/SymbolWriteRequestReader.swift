import Bytes
import Exposition
import MetricModel
import Storage

/// Reads `io.prometheus.write.v2.Request` (remote write 2.0).
///
///     Request     4 symbols, 5 timeseries
///     TimeSeries  1 labels_refs (pairs of symbol numbers), 2 samples, 3 histograms, 4 exemplars, 5 metadata
///                 (6 created timestamp in earlier candidates)
///     Sample      1 value (double), 2 timestamp (ms), 3 start timestamp (ms)
///     Exemplar    1 labels_refs, 2 value, 3 timestamp
///     Metadata    1 type, 3 help_ref, 4 unit_ref
///
/// https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/. A symbol is hashed once a request; the key of a series is a
/// hash over the hashes of its symbols.
struct SymbolWriteRequestReader {
    let settings: WriteSettings
    let seed: UInt64

    func read(_ body: UnsafeRawBufferPointer, into request: inout WriteRequest) throws(WriteRequestError) {
        // Senders may put series before symbols.
        var reader = unsafe WireReader(body)
        while reader.next() {
            guard reader.field == 4, reader.kind == .bytes else { continue }
            guard request.symbols.count < settings.seriesPerRequestLimit * 8 else {
                throw .tooMany(
                    what: "symbols", limitName: "seriesPerRequestLimit × 8", limit: settings.seriesPerRequestLimit * 8)
            }
            request.symbols.append(reader.content)
            request.symbolHashes.append(
                unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: body[reader.content]), seed: seed))
        }
        if let fault = reader.fault { throw .damaged(fault) }
        reader = unsafe WireReader(body)
        while reader.next() {
            if reader.field == 5, reader.kind == .bytes { unsafe try readSeries(body, reader.message, into: &request) }
        }
    }

    private func readSeries(
        _ body: UnsafeRawBufferPointer, _ message: WireReader, into request: inout WriteRequest
    ) throws(WriteRequestError) {
        guard request.keys.count < settings.seriesPerRequestLimit else {
            throw .tooMany(
                what: "series", limitName: "seriesPerRequestLimit", limit: settings.seriesPerRequestLimit)
        }
        let sampleCount = request.samples.values.count
        let histogramCount = request.samples.histograms.count
        let pairsStart = request.symbolPairs.count
        var metadata: WriteRequest.Metadata?
        var reader = message
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, _): try appendPairs(&reader, symbolCount: request.symbols.count, to: &request.symbolPairs)
            case (2, .bytes): try readSample(reader.message, into: &request)
            case (3, .bytes): try request.addHistogram(reader.message, settings: settings)
            case (4, .bytes): try readExemplar(reader.message, into: &request)
            case (5, .bytes): metadata = try readMetadata(reader.message, request)
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
        let pairs = pairsStart..<request.symbolPairs.count
        request.endSeries(key: key(of: pairs, in: request), labels: .symbols(pairs))
        if let metadata, let named = unsafe named(metadata, by: pairs, of: body, in: request) {
            request.metadata.append(named)
        }
    }

    private func key(of pairs: Range<Int>, in request: WriteRequest) -> UInt64 {
        var key = seed ^ UInt64(pairs.count)
        for index in pairs {
            let product = (key ^ request.symbolHashes[Int(request.symbolPairs[index])])
                .multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
            key = product.high ^ product.low
        }
        return key
    }

    private func appendPairs(
        _ reader: inout WireReader, symbolCount: Int, to pairs: inout [UInt32]
    ) throws(WriteRequestError) {
        if reader.kind == .varint {
            guard reader.number < UInt64(symbolCount) else {
                throw .symbol(reference: reader.number, count: symbolCount)
            }
            pairs.append(UInt32(truncatingIfNeeded: reader.number))
            return
        }
        guard reader.kind == .bytes else { return }
        var packed = reader.message
        while packed.offset < reader.content.upperBound {
            guard let reference = packed.varint() else { break }
            guard reference < UInt64(symbolCount) else { throw .symbol(reference: reference, count: symbolCount) }
            pairs.append(UInt32(truncatingIfNeeded: reference))
        }
        if let fault = packed.fault { throw .damaged(fault) }
    }

    @inline(__always)
    private func readSample(_ message: WireReader, into request: inout WriteRequest) throws(WriteRequestError) {
        var reader = message
        var value = 0.0
        var timestamp: Int64 = 0
        var startTimestamp: Int64 = 0
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, .fixed64): value = reader.double
            case (2, .varint): timestamp = reader.signed
            case (3, .varint): startTimestamp = reader.signed
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        request.addSample(value: value, timestamp: timestamp, startTimestamp: startTimestamp)
    }

    private func readExemplar(_ message: WireReader, into request: inout WriteRequest) throws(WriteRequestError) {
        var reader = message
        let start = request.exemplarPairs.count
        var exemplar = WriteRequest.SeriesExemplar(
            series: request.keys.count, labels: .exemplarSymbols(0..<0), value: 0, timestamp: 0)
        while reader.next() {
            switch (reader.field, reader.kind) {
            case (1, _): try appendPairs(&reader, symbolCount: request.symbols.count, to: &request.exemplarPairs)
            case (2, .fixed64): exemplar.value = reader.double
            case (3, .varint): exemplar.timestamp = reader.signed
            default: continue
            }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        exemplar.labels = .exemplarSymbols(start..<request.exemplarPairs.count)
        request.exemplars.append(exemplar)
    }

    private func readMetadata(
        _ message: WireReader, _ request: WriteRequest
    ) throws(WriteRequestError) -> WriteRequest.Metadata? {
        var reader = message
        var metadata = WriteRequest.Metadata(name: 0..<0, type: .unknown, help: 0..<0, unit: 0..<0)
        while reader.next() {
            guard reader.kind == .varint else { continue }
            if reader.field == 1 {
                metadata.type = WireTypes.metricType(reader.number)
                continue
            }
            guard reader.field == 3 || reader.field == 4 else { continue }
            guard reader.number < UInt64(request.symbols.count) else {
                throw .symbol(reference: reader.number, count: request.symbols.count)
            }
            let text = request.symbols[Int(reader.number)]
            if reader.field == 3 { metadata.help = text } else { metadata.unit = text }
        }
        if let fault = reader.fault { throw .damaged(fault) }
        let isEmpty = metadata.type == .unknown && metadata.help.isEmpty && metadata.unit.isEmpty
        return isEmpty ? nil : metadata
    }

    /// Metadata of 2.0 stands inside a series; the name is the value of the series' `__name__`.
    private func named(
        _ metadata: WriteRequest.Metadata, by pairs: Range<Int>, of body: UnsafeRawBufferPointer,
        in request: WriteRequest
    ) -> WriteRequest.Metadata? {
        let wanted = LabelName.metricName.utf8
        for index in stride(from: pairs.lowerBound, to: pairs.upperBound - 1, by: 2) {
            let name = request.symbols[Int(request.symbolPairs[index])]
            guard name.count == wanted.count, unsafe body[name].elementsEqual(wanted) else { continue }
            var metadata = metadata
            metadata.name = request.symbols[Int(request.symbolPairs[index + 1])]
            return metadata
        }
        return nil
    }
}
