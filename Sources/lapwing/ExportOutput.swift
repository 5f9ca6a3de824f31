import Bytes
import Exposition
import MetricModel
import Remote
import Storage

/// OpenMetrics text on standard output: families with what is known of them, their samples, and exemplars.
struct ExportOutput {
    private static let flushByteCount = 1 << 20
    /// What the samples of a family add to its name; longer ones first.
    private static let suffixes = [
        "_created", "_bucket", "_gcount", "_total", "_count", "_gsum", "_info", "_sum",
    ]

    private let writer = TextWriter(format: .openMetrics)
    private var families: [String: MetricMetadata] = [:]
    private var bytes: [UInt8] = []
    private var lastFamily: String?
    private var sampleCount = 0
    private var exemplarCount = 0
    private var lostExemplarCount = 0
    private var histogramCount = 0

    /// Takes what is known of metric families.
    mutating func note(_ known: [FamilyMetadata]) {
        for entry in known where families[entry.name] == nil { families[entry.name] = entry.metadata }
    }

    /// Metric names in such an order that those of a family stand together.
    func inOrderOfFamilies(_ names: [String]) -> [String] {
        names.map { (family(of: $0).name, $0) }.sorted { $0 < $1 }.map(\.1)
    }

    /// The family of a metric under its OpenMetrics name, and what is known of it.
    ///
    /// Pages in the text format call a counter's family by its sample's name, `_total` included.
    private func family(of metric: String) -> (name: String, metadata: MetricMetadata?) {
        if let known = families[metric] {
            let isCounter = known.type == .counter && metric.hasSuffix("_total")
            return (isCounter ? String(metric.dropLast("_total".count)) : metric, known)
        }
        for suffix in Self.suffixes where metric.hasSuffix(suffix) && metric.count > suffix.count {
            let name = String(metric.dropLast(suffix.count))
            if let known = families[name] { return (name, known) }
        }
        return (metric, nil)
    }

    /// Writes a series; each exemplar goes behind the first sample that is not older and has none yet.
    mutating func append(_ columns: SampleColumns, labels: LabelSet, exemplars: [Exemplar]) {
        noteHistograms(columns.histograms.count)
        let family = family(of: labels.metricName)
        if family.name != lastFamily {
            lastFamily = family.name
            if let metadata = family.metadata { writer.header(name: family.name, metadata: metadata, to: &bytes) }
        }
        let rest = labels.pairs.filter { $0.name != LabelName.metricName }
            .map { MetricFamily.Label($0.name, $0.value) }
        let series = TextWriter.renderSeries(name: labels.metricName, labels: rest)
        var waiting = exemplars[...]
        let last = columns.values.lastIndex { $0.bitPattern != SpecialValue.staleBits }
        for (index, value) in columns.values.enumerated() where value.bitPattern != SpecialValue.staleBits {
            let timestamp = columns.timestamp(at: index)
            var exemplar: Exemplar?
            if let next = waiting.first, index == last || (next.timestampMilliseconds ?? timestamp) <= timestamp {
                exemplar = next
                waiting.removeFirst()
                exemplarCount += 1
            }
            writer.append(
                series: series, value: value, timestampMilliseconds: timestamp, exemplar: exemplar, to: &bytes)
            sampleCount += 1
        }
        lostExemplarCount += waiting.count
        guard bytes.count >= Self.flushByteCount else { return }
        StandardStream.write(bytes)
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func noteHistograms(_ count: Int) { histogramCount += count }

    mutating func finish() {
        writer.finish(&bytes)
        StandardStream.write(bytes)
        StandardStream.error("\(sampleCount) samples exported")
        if exemplarCount > 0 { StandardStream.error("\(exemplarCount) exemplars exported") }
        if lostExemplarCount > 0 {
            StandardStream.error("\(lostExemplarCount) exemplars left out: a line has room for one")
        }
        if histogramCount > 0 { StandardStream.error("\(histogramCount) native histograms left out") }
    }
}

/// What a server's answers say, as values.
enum ServerAnswers {
    static func labels(_ value: JSONValue?) -> LabelSet {
        LabelSet((value?.members ?? []).map { (name: $0.name, value: $0.value.text ?? "") })
    }

    static func columns(_ value: JSONValue?) -> SampleColumns {
        var timestamps: [Int64] = []
        var values: [Double] = []
        for pair in value?.elements ?? [] {
            guard let seconds = number(pair.elements?.first), let value = number(pair.elements?.last) else { continue }
            timestamps.append(Timestamp(seconds: seconds).milliseconds)
            values.append(value)
        }
        return SampleColumns(timestamps: timestamps, values: values)
    }

    static func exemplars(_ value: JSONValue?) -> [Exemplar] {
        (value?.elements ?? []).compactMap { element in
            guard let value = number(element["value"]) else { return nil }
            return Exemplar(
                labels: labels(element["labels"]), value: value,
                timestampMilliseconds: number(element["timestamp"]).map { Timestamp(seconds: $0).milliseconds })
        }
    }

    static func families(_ answer: JSONValue) -> [FamilyMetadata] {
        (answer["data"]?.members ?? []).compactMap { name, entries in
            guard let entry = entries.elements?.first else { return nil }
            let type = entry["type"]?.text.flatMap { MetricMetadata.MetricType(rawValue: $0) } ?? .unknown
            let metadata = MetricMetadata(
                type: type, help: entry["help"]?.text ?? "", unit: entry["unit"]?.text ?? "")
            return FamilyMetadata(name: name, metadata: metadata)
        }
    }

    private static func number(_ value: JSONValue?) -> Double? { value?.text.flatMap { DecimalParsing.parse($0) } }
}
