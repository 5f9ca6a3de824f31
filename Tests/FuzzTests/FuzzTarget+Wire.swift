import Bytes
import ConfigurationFile
import Exposition
import MetricModel
import Remote
import SelfMetrics
import Storage
import TestSupport

/// What comes over the wire in protobuf and compressed, and the files that people write.
extension FuzzTarget {
    /// The page twice through one cache, which must agree on whether it is sound.
    static func protobuf(_ bytes: [UInt8]) {
        var native = PageChoices()
        native.readsNative = true
        native.convertsClassic = true
        native.alwaysReadsClassic = true
        for choices in [PageChoices(), native] {
            var cache = ScrapeCache(choices: choices)
            var page = ScrapePage()
            let first = Result { () throws(ExpositionError) in
                try cache.read(bytes, format: .protobuf, into: &page)
            }
            let counts = (page.series.count, page.histograms.count)
            let second = Result { () throws(ExpositionError) in
                try cache.read(bytes, format: .protobuf, into: &page)
            }
            guard (try? first.get()) != nil else { continue }
            precondition((try? second.get()) != nil, "a page is sound only once")
            let isSame = page.series.count == counts.0 && page.histograms.count == counts.1
            precondition(isSame, "a page has other series later")
        }
    }

    // MARK: Remote write

    /// A body of remote write as it is after decompression, whole into a store.
    static func received(_ bytes: [UInt8], contentType: String?) {
        send(Compression.snappyCompress(bytes), contentType: contentType, encoding: "snappy")
    }

    /// Compressed bytes: the first byte says in what format, and what for.
    static func packed(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let body = Array(bytes.dropFirst())
        switch first % 5 {
        case 0: send(body, contentType: nil, encoding: "snappy")
        case 1: send(body, contentType: FuzzSeeds.symbolWriteType, encoding: "snappy")
        case 2: send(body, contentType: nil, encoding: "zstd")
        case 3: send(body, contentType: FuzzSeeds.symbolWriteType, encoding: "zstd")
        default:
            var output: [UInt8] = []
            try? Compression.gunzip(body, limitBytes: 1 << 20, into: &output)
            precondition(output.count <= 1 << 20, "more than the limit")
        }
    }

    private static func send(_ body: [UInt8], contentType: String?, encoding: String) {
        var settings = WriteSettings()
        settings.decodedByteLimit = 1 << 20
        settings.samplesPerRequestLimit = 1000
        settings.seriesPerRequestLimit = 100
        settings.histogramBucketLimit = 1000
        let receiver = WriteReceiver(store: MemoryStore(), settings: settings, registry: Registry())
        for _ in 0..<2 {
            let answer = receiver.receive(body: body, contentType: contentType, contentEncoding: encoding)
            precondition([204, 400, 413, 415].contains(answer.status), "the answer is \(answer.status)")
        }
    }

    // MARK: Files of people

    static func configuration(_ bytes: [UInt8]) {
        func reads(_ body: () throws(ConfigurationError) -> Void) {
            do throws(ConfigurationError) {
                try body()
            } catch {
                _ = "\(error)"
            }
        }
        reads { () throws(ConfigurationError) in _ = try Configuration.read(bytes, path: "/none/prometheus.yml") }
        reads { () throws(ConfigurationError) in _ = try RuleFileReader.read(bytes, path: "/none/rules.yml") }
        reads { () throws(ConfigurationError) in _ = try WebFileReader.read(bytes, path: "/none/web.yml") }
        reads { () throws(ConfigurationError) in _ = try TargetGroupReader.groups(bytes, path: "/none/targets.json") }
    }
}
