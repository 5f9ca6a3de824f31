import Bytes
import Exposition
import MetricModel
import NIOCore
import Storage
import TestSupport

@testable import Cgroups
@testable import Remote
@testable import Scraping

/// What other programs ask and answer: requests of remote read, text to import, answers of HTTP, of servers and of runtimes.
extension FuzzTarget {
    /// A request of remote read as it is after decompression, against a store that has floats and histograms.
    static func remoteRead(_ bytes: [UInt8]) {
        let answer = readResponder.respond(body: Compression.snappyCompress(bytes))
        precondition([200, 400].contains(answer.status), "the answer is \(answer.status): \(answer.message)")
        guard answer.status == 200 else { return }
        let body = try? Compression.snappyUncompress(answer.body, limitBytes: ReadSettings.responseByteLimit)
        precondition(body != nil, "an answer that cannot be unpacked")
    }

    private static let readResponder: ReadResponder = {
        let store = MemoryStore()
        let histogram = NativeHistogram(
            schema: 1, zeroThreshold: 0.5, zeroCount: 2, count: 7, sum: 3.5,
            positiveSpans: [.init(offset: -1, length: 2)], positiveBuckets: [1, 4])
        _ = try? store.append(
            SampleBatch([
                .init(
                    labels: LabelSet(["__name__": "b", "job": "x"]),
                    columns: SampleColumns(timestamps: [1_000, 2_000, 9_000], values: [1, SpecialValue.stale, 3])),
                .init(
                    labels: LabelSet(["__name__": "a", "job": "x"]),
                    columns: SampleColumns(histograms: [HistogramSample(timestamp: 1_500, histogram: histogram)])),
            ]), onRejection: .refuseAll)
        return ReadResponder(
            store: store, externalLabels: { LabelSet(["region": "eu"]) }, responseByteLimit: 1 << 16)
    }()

    /// Text to import: the same whole and in pieces, and columns in order of time.
    static func imported(_ bytes: [UInt8]) {
        func gather(pieces size: Int) -> OpenMetricsImport.Gathered? {
            var reader = OpenMetricsImport()
            do throws(ExpositionError) {
                for start in stride(from: 0, to: bytes.count, by: size) {
                    try reader.feed(bytes[start..<min(bytes.count, start + size)])
                }
                try reader.finish()
            } catch {
                _ = error.description
                return nil
            }
            return reader.take()
        }
        let whole = gather(pieces: max(1, bytes.count))
        let cut = gather(pieces: 61)
        precondition((whole == nil) == (cut == nil), "sound only in one piece, or only in many")
        guard let whole, let cut else { return }
        precondition(whole.labels == cut.labels && whole.sampleCount == cut.sampleCount, "other samples in pieces")
        precondition(whole.exemplars.count == cut.exemplars.count, "other exemplars in pieces")
        for series in whole.labels.indices {
            let columns = whole.columns(at: series)
            let times = columns.values.indices.map { columns.timestamp(at: $0) }
            precondition(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "times out of order")
        }
    }

    /// An answer to a scrape: the same whole and byte by byte, and never a body beyond its limit.
    static func response(_ bytes: [UInt8]) {
        func read(pieces size: Int) -> HTTPResponseReader? {
            var reader = HTTPResponseReader(bodyLimitBytes: 2_000, otherBodyLimitBytes: 100)
            do throws(HTTPResponseError) {
                for start in stride(from: 0, to: bytes.count, by: size) where !reader.isDone {
                    var buffer = ByteBuffer(bytes: bytes[start..<min(bytes.count, start + size)])
                    try reader.read(&buffer)
                }
            } catch {
                _ = error.description
                return nil
            }
            _ = reader.finishAtClose()
            return reader
        }
        let whole = read(pieces: max(1, bytes.count))
        let cut = read(pieces: 1)
        precondition((whole == nil) == (cut == nil), "an answer is sound only in one piece, or only byte by byte")
        guard let whole, let cut else { return }
        precondition(whole.isDone == cut.isDone && whole.head == cut.head, "another answer byte by byte")
        precondition(whole.body == cut.body && whole.body.count <= 2_000, "another body byte by byte")
    }

    /// What servers and container runtimes answer: JSON, and protobuf of containerd and of the kubelet's runtimes.
    static func answers(_ bytes: [UInt8]) {
        do throws(JSONError) { _ = try JSONReader.read(bytes) } catch { _ = "\(error)" }
        let labels: Set<String> = ["a"]
        _ = RuntimeAnswers.inspected(bytes, labels: labels)
        _ = RuntimeAnswers.listed(bytes, of: ["0123456789abcdef"], labels: labels)
        _ = RuntimeAnswers.containerStatus(bytes, labels: labels)
        _ = RuntimeAnswers.sandboxStatus(bytes, labels: labels)
        _ = RuntimeAnswers.exitCode(bytes)
        _ = RuntimeAnswers.event(bytes)
        _ = RuntimeAnswers.namespaces(bytes)
        _ = RuntimeAnswers.containerd(bytes, labels: labels)
        _ = RuntimeAnswers.taskExit(bytes)
    }
}

/// Seeds of these.
extension FuzzSeeds {
    static let remoteRead: [[UInt8]] = (UInt64(0)..<4).map { kind in
        var writer = WireWriter()
        writer.message(1) { query in
            query.signed(1, 500)
            query.signed(2, 5_000)
            query.message(3) {
                $0.varint(1, kind)
                $0.string(2, "__name__")
                $0.string(3, "a|b")
            }
            query.message(3) {
                $0.string(2, "region")
                $0.string(3, "eu")
            }
            query.message(4) { $0.signed(1, 15_000) }
        }
        writer.packed(2, varints: [1, 0])
        return writer.bytes
    }

    static let imported = [
        "# TYPE a counter\n# HELP a Words.\n# UNIT a seconds\na_total{x=\"1\"} 1 1000\na_total{x=\"1\"} 2 1001.5\n# EOF\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1 10 # {trace_id=\"x\"} 0.5 9\nh_count 1 10\nh_sum 0.5 10\nh_count 1 3\n# EOF\n",
    ]

    static let response = [
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n5\r\nhello\r\nA;x=y\r\n, 0123456\n\r\n0\r\nTrailer: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 302 Found\r\nLocation: /elsewhere\r\n\r\nhello",
    ]

    static let answers: [[UInt8]] = {
        let texts = [
            #"{"Id":"0123456789abcdef","Name":"/n","Config":{"Labels":{"a":"b"},"Image":"i"},"State":{"Health":{"Status":"healthy"}}}"#,
            #"[{"Id":"0123456789abcdef","Names":["/n"],"Image":"i","Status":"Up 3 minutes (healthy)","Labels":{"a":"\u00e9\ud83d\ude00"}}]"#,
            #"{"Action":"die","Actor":{"ID":"0123456789abcdef","Attributes":{"exitCode":"137"}}}"#,
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.5,"-1e3"]}]}}"#,
        ]
        var list = WireWriter()
        list.message(1) { container in
            container.string(1, "0123456789abcdef")
            container.message(2) {
                $0.string(1, "io.kubernetes.container.name")
                $0.string(2, "c")
            }
            container.string(3, "i")
        }
        var envelope = WireWriter()
        envelope.string(3, "/tasks/exit")
        envelope.message(4) { event in
            event.string(1, "containerd.events.TaskExit")
            event.message(2) {
                $0.string(1, "c")
                $0.string(2, "c")
                $0.varint(4, 137)
            }
        }
        // A container that has ended; what the fields mean in a sandbox is read from the same bytes.
        var status = WireWriter()
        status.message(1) { container in
            container.string(1, "0123456789abcdef")
            container.message(2) {
                $0.string(1, "app")
                $0.varint(2, 1)
                $0.string(3, "shop")
            }
            container.varint(3, 2)
            container.varint(7, 7)
            container.message(12) {
                $0.string(1, "a")
                $0.string(2, "value")
            }
        }
        return texts.map { Array($0.utf8) } + [list.bytes, envelope.bytes, status.bytes]
    }()
}
