import Bytes
import MetricModel
import Storage
import TestSupport

@testable import Remote

/// Requests as senders make them.
enum WriteFixture {
    typealias Sample = (timestamp: Int64, value: Double)

    static let versionTwo = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

    static func one(_ series: [(labels: [(String, String)], samples: [Sample])]) -> [UInt8] {
        var writer = WireWriter()
        for entry in series {
            writer.message(1) { series in
                for label in entry.labels { self.label(label, in: &series) }
                for sample in entry.samples { add(sample, to: &series) }
            }
        }
        return writer.bytes
    }

    static func label(_ label: (String, String), in writer: inout WireWriter) {
        writer.message(1) {
            $0.string(1, label.0)
            $0.string(2, label.1)
        }
    }

    static func add(_ sample: Sample, to writer: inout WireWriter) {
        writer.message(2) {
            // proto3 leaves zeros out.
            if sample.value.bitPattern != 0 { $0.double(1, sample.value) }
            if sample.timestamp != 0 { $0.signed(2, sample.timestamp) }
        }
    }

    static func two(
        _ series: [(labels: [(String, String)], samples: [Sample])], more: (inout WireWriter) -> Void = { _ in }
    ) -> [UInt8] {
        var symbols = [""]
        func number(_ text: String) -> UInt64 {
            if let known = symbols.firstIndex(of: text) { return UInt64(known) }
            symbols.append(text)
            return UInt64(symbols.count - 1)
        }
        var writer = WireWriter()
        for entry in series {
            let references = entry.labels.flatMap { [number($0.0), number($0.1)] }
            writer.message(5) { series in
                series.packed(1, varints: references)
                for sample in entry.samples { add(sample, to: &series) }
                more(&series)
            }
        }
        for symbol in symbols { writer.string(4, symbol) }
        return writer.bytes
    }

    /// All float samples of a store by label set.
    static func samples(in store: any SampleStore) throws -> [String: [Sample]] {
        let selected = try store.querier().select(SelectRequest(matchers: [], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var result: [String: [Sample]] = [:]
        var index = 0
        while try reader.next(into: &columns) {
            if !columns.values.isEmpty {
                result[selected.labels(at: index).description] = columns.values.indices.map {
                    (columns.timestamp(at: $0), columns.values[$0])
                }
            }
            index += 1
        }
        return result
    }

    static func histograms(in store: any SampleStore) throws -> [String: [HistogramSample]] {
        let selected = try store.querier().select(SelectRequest(matchers: [], range: .all))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var result: [String: [HistogramSample]] = [:]
        var index = 0
        while try reader.next(into: &columns) {
            if !columns.histograms.isEmpty { result[selected.labels(at: index).description] = columns.histograms }
            index += 1
        }
        return result
    }
}
