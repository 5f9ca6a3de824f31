import Bytes
package import MetricModel
package import Storage
import Synchronization

/// The answering side of remote read: series with their samples as they are stored, staleness markers included.
///
///     ReadResponse  1 results: QueryResult  1 series: TimeSeries  1 labels, 2 samples, 4 histograms
///
/// Only the answer of whole samples is made (`SAMPLES`); a client that takes nothing but streamed chunks is refused.
/// Blocking; safe on many threads.
package final class ReadResponder: Sendable {
    private let store: any SampleStore
    private let externalLabels: @Sendable () -> LabelSet
    private let makeReservation: @Sendable () -> (any MemoryReservation)?
    private let responseByteLimit: Int
    private let running = Atomic<Int>(0)

    /// - Parameter makeReservation: what an answer is counted against while it is made.
    package init(
        store: any SampleStore, externalLabels: @escaping @Sendable () -> LabelSet,
        makeReservation: @escaping @Sendable () -> (any MemoryReservation)? = { nil },
        responseByteLimit: Int = ReadSettings.responseByteLimit
    ) {
        self.store = store
        self.externalLabels = externalLabels
        self.makeReservation = makeReservation
        self.responseByteLimit = responseByteLimit
    }

    /// What is answered: a status, and a body compressed with snappy or a sentence.
    package struct Answer: Sendable {
        package var status: Int
        package var message = ""
        package var body: [UInt8] = []
    }

    package func respond(body: [UInt8]) -> Answer {
        defer { running.subtract(1, ordering: .relaxed) }
        guard running.add(1, ordering: .relaxed).newValue <= ReadSettings.concurrencyLimit else {
            return Answer(status: 503, message: "limit readConcurrencyLimit exceeded: ask again later")
        }
        do throws(ReadRequestError) {
            return Answer(status: 200, body: Compression.snappyCompress(try answer(body)))
        } catch {
            return Answer(status: error.status, message: error.description)
        }
    }

    private func answer(_ body: [UInt8]) throws(ReadRequestError) -> [UInt8] {
        let decoded: [UInt8]
        do {
            decoded = try Compression.snappyUncompress(body, limitBytes: ReadSettings.decodedByteLimit)
        } catch {
            throw .compression(error)
        }
        let request = unsafe try decoded.withRaw { bytes throws(ReadRequestError) in unsafe try ReadRequest(bytes) }
        guard request.acceptsSamples else { throw .unsupportedTypes(request.acceptedTypes) }
        let external = externalLabels()
        var writer = WireWriter()
        let querier: any Querier
        do { querier = try store.querier() } catch { throw .storage(error) }
        for query in request.queries {
            var result: Result<Void, ReadRequestError> = .success(())
            writer.message(1) { writer in
                result = Result { () throws(ReadRequestError) in
                    try write(query, external: external, from: querier, to: &writer)
                }
            }
            try result.get()
        }
        return writer.bytes
    }

    private func write(
        _ query: ReadRequest.Query, external: LabelSet, from querier: any Querier, to writer: inout WireWriter
    ) throws(ReadRequestError) {
        // What the answer gets as an external label, no stored series has.
        let matchers = query.matchers.map { matcher in
            let isExternal = matcher.kind == .equal && !matcher.value.isEmpty && external[matcher.name] == matcher.value
            return isExternal ? LabelMatcher(equal: matcher.name, "") : matcher
        }
        do throws(StorageError) {
            let reservation = makeReservation()
            var held = HeldMemory(reservation)
            let selected = try querier.select(
                SelectRequest(matchers: matchers, range: query.range, isOrdered: true, reservation: reservation))
            try held.take(selected.readerBytes)
            var reader = selected.makeReader(over: 0..<selected.count)
            var columns = SampleColumns()
            var index = 0
            while writer.bytes.count <= responseByteLimit, try reader.next(into: &columns) {
                defer { index += 1 }
                guard !columns.isEmpty else { continue }
                let labels = selected.labels(at: index)
                // The bytes, room for them to grow, and the columns they are made of.
                try held.take(64 * (columns.values.count + columns.histograms.count) + 2 * labels.encoded.count)
                writer.message(1) { Self.write(labels, external, columns, to: &$0) }
            }
        } catch {
            throw .storage(error)
        }
        guard writer.bytes.count <= responseByteLimit else {
            throw .tooLarge(limitName: "readResponseByteLimit", limit: responseByteLimit)
        }
    }

    private static func write(
        _ labels: LabelSet, _ external: LabelSet, _ columns: SampleColumns, to writer: inout WireWriter
    ) {
        var pairs = labels.pairs.map { (name: $0.name, value: $0.value) }
        for pair in external.pairs where labels[pair.name] == nil { pairs.append((name: pair.name, value: pair.value)) }
        pairs.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for pair in pairs {
            writer.message(1) {
                $0.string(1, pair.name)
                $0.string(2, pair.value)
            }
        }
        for (index, value) in columns.values.enumerated() {
            writer.message(2) {
                $0.double(1, value)
                $0.signed(2, columns.timestamp(at: index))
            }
        }
        for sample in columns.histograms { writer.message(4) { $0.histogram(sample) } }
    }
}

extension WireWriter {
    /// The message `Histogram` of remote write and read with float counts; the fields are drawn at `HistogramReader`.
    fileprivate mutating func histogram(_ sample: HistogramSample) {
        let histogram = sample.histogram
        double(2, histogram.count)
        double(3, histogram.sum)
        zigzag(4, Int64(histogram.schema))
        double(5, histogram.zeroThreshold)
        double(7, histogram.zeroCount)
        spans(8, histogram.negativeSpans)
        packed(10, doubles: histogram.negativeBuckets)
        spans(11, histogram.positiveSpans)
        packed(13, doubles: histogram.positiveBuckets)
        varint(14, UInt64(histogram.counterResetHint.rawValue))
        signed(15, sample.timestamp)
        packed(16, doubles: histogram.customValues)
    }

    private mutating func spans(_ field: Int, _ spans: [NativeHistogram.Span]) {
        for span in spans {
            message(field) {
                $0.zigzag(1, Int64(span.offset))
                $0.varint(2, UInt64(span.length))
            }
        }
    }
}
