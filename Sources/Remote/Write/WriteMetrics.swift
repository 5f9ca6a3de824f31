import SelfMetrics
import Storage

/// What the receiver counts.
struct WriteMetrics: Sendable {
    let samples: Counter
    let histograms: Counter
    let exemplars: Counter
    let refused: [RefusalReason: Counter]
    let invalidSeries: Counter
    let decodedBytes: Counter
    private let requests: [Int: Counter]
    private let otherRequests: Counter

    init(registry: Registry) {
        let written = "lapwing_remote_write_received_total"
        let help = "What remote write brought and the store took, by kind."
        samples = registry.counter(written, help: help, labels: ["kind": "sample"])
        histograms = registry.counter(written, help: help, labels: ["kind": "histogram"])
        exemplars = registry.counter(written, help: help, labels: ["kind": "exemplar"])
        let refusedHelp = "Samples that remote write brought and the store did not take, by reason."
        func refusal(_ label: String) -> Counter {
            registry.counter("lapwing_remote_write_refused_total", help: refusedHelp, labels: ["reason": label])
        }
        refused = [
            .duplicate: refusal("duplicate"), .outOfOrder: refusal("out_of_order"), .tooOld: refusal("too_old"),
            .tooFarAhead: refusal("too_far_ahead"), .seriesLimit: refusal("series_limit"),
        ]
        invalidSeries = refusal("invalid_labels")
        decodedBytes = registry.counter(
            "lapwing_remote_write_decoded_bytes_total", help: "Bytes of remote write requests, decompressed.")
        let requestHelp = "Remote write requests by the status they were answered with."
        func request(_ code: String) -> Counter {
            registry.counter("lapwing_remote_write_requests_total", help: requestHelp, labels: ["code": code])
        }
        requests = Dictionary(
            uniqueKeysWithValues: [204, 400, 413, 415, 503].map { ($0, request(String($0))) })
        otherRequests = request("other")
    }

    func count(_ answer: WriteAnswer) { (requests[answer.status] ?? otherRequests).increment() }

    func count(_ outcome: AppendOutcome) {
        refused[.duplicate]?.add(outcome.duplicate)
        refused[.outOfOrder]?.add(outcome.outOfOrder)
        refused[.tooOld]?.add(outcome.tooOld)
        refused[.tooFarAhead]?.add(outcome.tooFarAhead)
        refused[.seriesLimit]?.add(outcome.seriesLimit)
    }
}
