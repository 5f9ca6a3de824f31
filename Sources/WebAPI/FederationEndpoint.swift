import Exposition
import MetricModel
import PromQLSyntax
import Storage

/// `/federate`: the newest samples of chosen series as a page to scrape.
///
/// Text format 0.0.4, untyped, by metric name; series whose newest sample is a staleness marker are left out, and so are
/// native histograms, which the text format cannot carry.
struct FederationEndpoint: Sendable {
    let store: any SampleStore
    let clock: any WallClock
    let lookbackMilliseconds: Int64
    let externalLabels: @Sendable () -> LabelSet

    func federate(_ request: APIRequest) throws(APIError) -> APIResponse {
        var samples: [LabelSet: (timestamp: Int64, value: Double)] = [:]
        let now = clock.now.milliseconds
        let range = TimeRange(
            start: Timestamp(milliseconds: now &- lookbackMilliseconds), end: Timestamp(milliseconds: now))
        let querier = try QueryEndpoints.querier(of: store)
        for text in request.parameters.all("match[]") {
            let matchers: [LabelMatcher]
            do {
                matchers = try Parser.parseSelector(text)
            } catch {
                throw .invalidParameter("match[]", error.description)
            }
            do throws(StorageError) {
                try collect(querier, matchers, range, into: &samples)
            } catch {
                throw APIError(error)
            }
        }
        return APIResponse(
            contentType: ContentNegotiation.contentType(.text), body: .bytes(page(samples)))
    }

    private func collect(
        _ querier: any Querier, _ matchers: [LabelMatcher], _ range: TimeRange,
        into samples: inout [LabelSet: (timestamp: Int64, value: Double)]
    ) throws(StorageError) {
        let selected = try querier.select(SelectRequest(matchers: matchers, range: range, needsOnlyNewest: true))
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var index = 0
        while try reader.next(into: &columns) {
            defer { index += 1 }
            guard let value = columns.values.last, !SpecialValue.isStale(value) else { continue }
            let timestamp = columns.timestamp(at: columns.values.count - 1)
            if let histogram = columns.histograms.last, histogram.timestamp > timestamp { continue }
            samples[selected.labels(at: index)] = (timestamp, value)
        }
    }

    private func page(_ samples: [LabelSet: (timestamp: Int64, value: Double)]) -> [UInt8] {
        let external = externalLabels().pairs
        let lines = samples.map { labels, sample in
            (name: labels[LabelName.metricName] ?? "", labels: labels, sample: sample)
        }.sorted { left, right in
            left.name == right.name
                ? left.labels < right.labels : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        let writer = TextWriter(format: .text)
        var bytes: [UInt8] = []
        var lastName: String?
        for line in lines {
            if line.name != lastName {
                let shown = LabelName.isLegacyMetricName(line.name) ? line.name : LabelName.quoted(line.name)
                bytes.append(contentsOf: "# TYPE \(shown) untyped\n".utf8)
                lastName = line.name
            }
            var pairs = line.labels.pairs.filter { $0.name != LabelName.metricName }
            for pair in external where !pairs.contains(where: { $0.name == pair.name }) { pairs.append(pair) }
            // A series without this label must not get one from the target that scrapes this page.
            if !pairs.contains(where: { $0.name == "instance" }) { pairs.append((name: "instance", value: "")) }
            pairs.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            writer.append(
                series: TextWriter.renderSeries(
                    name: line.name, labels: pairs.map { MetricFamily.Label($0.name, $0.value) }),
                value: line.sample.value, timestampMilliseconds: line.sample.timestamp, to: &bytes)
        }
        return bytes
    }
}
