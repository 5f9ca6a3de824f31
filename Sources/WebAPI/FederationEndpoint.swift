import Exposition
import MetricModel
import PromQL
import PromQLSyntax
import Storage

/// `/federate`: the newest samples of chosen series as a page to scrape.
///
/// Text format 0.0.4, untyped, by metric name; series whose newest sample is a staleness marker are left out, and so are
/// native histograms, which the text format cannot carry.
struct FederationEndpoint: Sendable {
    let store: any SampleStore
    /// What the page is counted against, together with queries.
    let budget: MemoryBudget
    let clock: any WallClock
    let lookbackMilliseconds: Int64
    let externalLabels: @Sendable () -> LabelSet

    /// What a sample takes beside its labels and name: in a table that grows by doubling, and as a line.
    private static let bytesPerLine = 256

    func federate(_ request: APIRequest) throws(APIError) -> APIResponse {
        try request.parameters.checkWhole()
        var samples: [LabelSet: (timestamp: Int64, value: Double)] = [:]
        let now = clock.now.milliseconds
        let range = TimeRange(
            start: Timestamp(milliseconds: now &- lookbackMilliseconds), end: Timestamp(milliseconds: now))
        let querier = try QueryEndpoints.querier(of: store)
        let reservation = budget.reservation()
        var held = HeldMemory(reservation)
        for text in request.parameters.all("match[]") {
            let request: SelectRequest
            do {
                request = SelectRequest(
                    matchers: try Parser.parseMatchers(text), range: range, needsOnlyNewest: true,
                    reservation: reservation)
            } catch {
                throw .invalidParameter("match[]", error.description)
            }
            do throws(StorageError) {
                try collect(querier, request, into: &samples, &held)
            } catch {
                throw APIError(error)
            }
        }
        let page = FederationPage(lines(of: samples), external: externalLabels(), held)
        return APIResponse(contentType: ContentNegotiation.contentType(.text), body: .pieces { page.nextPiece() })
    }

    private func collect(
        _ querier: any Querier, _ request: SelectRequest,
        into samples: inout [LabelSet: (timestamp: Int64, value: Double)], _ held: inout HeldMemory
    ) throws(StorageError) {
        let selected = try querier.select(request)
        var reading = HeldMemory(request.reservation)
        try reading.take(selected.readerBytes)
        var reader = selected.makeReader(over: 0..<selected.count)
        var columns = SampleColumns()
        var index = 0
        while try reader.next(into: &columns) {
            defer { index += 1 }
            guard let value = columns.values.last, !SpecialValue.isStale(value) else { continue }
            let timestamp = columns.timestamp(at: columns.values.count - 1)
            if let histogram = columns.histograms.last, histogram.timestamp > timestamp { continue }
            try held.takeLittle(2 * selected.labelBytes(at: index) + Self.bytesPerLine)
            samples[selected.labels(at: index)] = (timestamp, value)
        }
    }

    private func lines(of samples: [LabelSet: (timestamp: Int64, value: Double)]) -> [FederationPage.Line] {
        samples.map { labels, sample in
            FederationPage.Line(
                name: labels[LabelName.metricName] ?? "", labels: labels, timestamp: sample.timestamp,
                value: sample.value)
        }.sorted { left, right in
            left.name.isExactly(right.name)
                ? left.labels < right.labels : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
    }
}
