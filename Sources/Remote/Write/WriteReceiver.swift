import Bytes
import MetricModel
package import SelfMetrics
package import Storage
import Synchronization

/// The receiving side of remote write, 1.0 and 2.0, snappy and zstd: from a body to samples in the store.
///
///     body -> decompressed -> columns and keys (no lock) -> numbers (one lock, a comparison a series) -> the store
///
/// Blocking; safe on many threads. Nothing is allocated per sample, and labels are read only when a series comes for the
/// first time.
package final class WriteReceiver: Sendable {
    /// Memory of one request, used again.
    ///
    /// One request at a time owns it; the pool hands it over under its lock.
    private final class Workspace: @unchecked Sendable {  // protected by its owner, see above
        static let keptByteLimit = 8 << 20
        var body: [UInt8] = []
        var request = WriteRequest()
    }

    private static let workspaceLimit = 8
    private static let retrySeconds = 5
    private static let attemptLimit = 3

    private let store: any SampleStore
    private let exemplars: (any ExemplarStore)?
    private let settings: WriteSettings
    private let seed = UInt64.random(in: .min ... .max)
    private let numbers: Mutex<SeriesNumbers>
    private let writer = Mutex<(any ReferenceWriter)?>(nil)
    private let workspaces = Mutex<[Workspace]>([])
    private let metadataTable: ReceivedMetadata
    private let metrics: WriteMetrics

    package init(
        store: any SampleStore, exemplars: (any ExemplarStore)? = nil, metadata: (any MetadataStore)? = nil,
        settings: WriteSettings = WriteSettings(), registry: Registry
    ) {
        self.store = store
        self.exemplars = exemplars
        self.settings = settings
        numbers = Mutex(SeriesNumbers(limit: settings.knownSeriesLimit))
        metadataTable = ReceivedMetadata(store: metadata, limit: settings.metadataFamilyLimit)
        metrics = WriteMetrics(registry: registry)
    }

    /// Stores what a request brings and says what to answer.
    package func receive(body: [UInt8], contentType: String?, contentEncoding: String?) -> WriteAnswer {
        let workspace = workspaces.withLock { $0.popLast() } ?? Workspace()
        defer {
            if workspace.body.capacity > Workspace.keptByteLimit { workspace.body = [] }
            workspaces.withLock { if $0.count < Self.workspaceLimit { $0.append(workspace) } }
        }
        let answer = answer(body, contentType, contentEncoding, workspace)
        metrics.count(answer)
        return answer
    }

    private func answer(
        _ body: [UInt8], _ contentType: String?, _ contentEncoding: String?, _ workspace: Workspace
    ) -> WriteAnswer {
        let format: WriteFormat
        do {
            format = try WriteFormat(contentType: contentType, contentEncoding: contentEncoding)
        } catch {
            return WriteAnswer(status: 415, message: error.message)
        }
        do throws(WriteRequestError) {
            workspace.body.removeAll(keepingCapacity: true)
            try decompress(body, format.encoding, into: &workspace.body)
            metrics.decodedBytes.add(workspace.body.count)
            return unsafe try workspace.body.withRaw { bytes throws(WriteRequestError) in
                workspace.request.removeAll()
                switch format.version {
                case .one:
                    let reader = WriteRequestReader(settings: settings, seed: seed)
                    unsafe try reader.read(bytes, into: &workspace.request)
                case .two:
                    let reader = SymbolWriteRequestReader(settings: settings, seed: seed)
                    unsafe try reader.read(bytes, into: &workspace.request)
                }
                return unsafe store(&workspace.request, bytes, version: format.version)
            }
        } catch {
            return WriteAnswer(status: error.status, message: error.description)
        }
    }

    private func decompress(
        _ body: [UInt8], _ encoding: WriteFormat.Encoding, into output: inout [UInt8]
    ) throws(WriteRequestError) {
        do {
            unsafe try body.withRaw { bytes throws(CompressionError) in
                switch encoding {
                case .snappy:
                    unsafe try Compression.snappyUncompress(
                        bytes, limitBytes: settings.decodedByteLimit, into: &output)
                case .zstd:
                    let ratioLimit = (1 << 20) + bytes.count * settings.zstdRatioLimit
                    unsafe try Compression.zstdDecompress(
                        bytes, limitBytes: min(settings.decodedByteLimit, ratioLimit), into: &output)
                }
            }
        } catch {
            throw .compression(error)
        }
    }

    // MARK: Storing

    private func store(
        _ request: inout WriteRequest, _ body: UnsafeRawBufferPointer, version: WriteFormat.Version
    ) -> WriteAnswer {
        unsafe metadataTable.add(request.metadata, of: body)
        let labels = unsafe WireLabels(body: body, byteLimit: settings.labelByteLimit)
        var report = WriteReport()
        do throws(AppendError) {
            let outcome = try append(&request, labels, &report)
            report.add(outcome, request: request, labels: labels)
            metrics.count(outcome.counts)
            let histogramCount = outcome.appendedHistograms
            metrics.samples.add(outcome.counts.appended - histogramCount)
            metrics.histograms.add(histogramCount)
            let exemplarCount = appendExemplars(of: request, labels)
            metrics.exemplars.add(exemplarCount)
            metrics.invalidSeries.add(report.invalidCount)
            let headers: [(name: String, value: String)] =
                version == .one
                ? []
                : [
                    ("X-Prometheus-Remote-Write-Samples-Written", String(outcome.counts.appended - histogramCount)),
                    ("X-Prometheus-Remote-Write-Histograms-Written", String(histogramCount)),
                    ("X-Prometheus-Remote-Write-Exemplars-Written", String(exemplarCount)),
                ]
            let isPartial = report.invalidCount > 0 || outcome.counts.refusedCount > 0
            return WriteAnswer(
                status: isPartial ? 400 : 204, message: isPartial ? report.text : "", headers: headers)
        } catch {
            return WriteAnswer(
                status: 503, message: error.description, headers: [("Retry-After", String(Self.retrySeconds))])
        }
    }

    /// Finds the numbers and appends; anew where the store renumbered in between.
    private func append(
        _ request: inout WriteRequest, _ labels: WireLabels, _ report: inout WriteReport
    ) throws(AppendError) -> ReferencedOutcome {
        let writer = try openWriter()
        for _ in 0..<Self.attemptLimit {
            report = WriteReport()
            guard try resolve(&request, labels, writer, &report) else { continue }
            let outcome = try writer.append(request.samples)
            if !outcome.isExpired { return outcome }
        }
        throw AppendError.unavailable(reason: "series are being renumbered")
    }

    private func openWriter() throws(AppendError) -> any ReferenceWriter {
        try writer.withLock { writer throws(AppendError) in
            if let writer { return writer }
            let opened = try store.openReferences()
            writer = opened
            return opened
        }
    }

    /// False where the generation changed meanwhile.
    private func resolve(
        _ request: inout WriteRequest, _ labels: WireLabels, _ writer: any ReferenceWriter,
        _ report: inout WriteReport
    ) throws(AppendError) -> Bool {
        let generation = writer.generation
        var references = request.samples.references
        request.samples.references = []
        let unknown = numbers.withLock { numbers in
            numbers.prepare(generation: generation)
            return numbers.resolve(request.keys, into: &references)
        }
        request.samples.references = references
        request.samples.generation = generation
        guard !unknown.isEmpty else { return true }
        var places: [Int] = []
        var sets: [LabelSet] = []
        for place in unknown {
            do throws(LabelFault) {
                sets.append(try labels.labels(request.labels[place], of: request, isSeries: true))
                places.append(place)
            } catch {
                report.addInvalid(error, sampleCount: request.samples.sampleRange(of: place).count)
            }
        }
        guard !sets.isEmpty else { return true }
        let made = try writer.references(for: sets)
        guard made.generation == generation else { return false }
        numbers.withLock { numbers in
            for (place, number) in zip(places, made.references) {
                request.samples.references[place] = number
                guard number != ReferencedSamples.noReference, numbers.generation == generation else { continue }
                numbers.insert(request.keys[place], number: number)
            }
        }
        return true
    }

    private func appendExemplars(of request: WriteRequest, _ labels: WireLabels) -> Int {
        guard let exemplars, !request.exemplars.isEmpty else { return 0 }
        var batch: [SeriesExemplar] = []
        for entry in request.exemplars {
            guard request.samples.references[entry.series] < ReferencedSamples.leftOut,
                let series = try? labels.labels(request.labels[entry.series], of: request, isSeries: true),
                let own = try? labels.labels(entry.labels, of: request, isSeries: false)
            else { continue }
            let exemplar = Exemplar(labels: own, value: entry.value, timestampMilliseconds: entry.timestamp)
            batch.append(SeriesExemplar(labels: series, exemplar: exemplar, timestamp: entry.timestamp))
        }
        return exemplars.append(batch).appended
    }
}

extension WriteRequestError {
    fileprivate var status: Int {
        switch self {
        case .compression(.tooLarge), .tooMany: 413
        default: 400
        }
    }
}
