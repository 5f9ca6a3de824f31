import SelfMetrics

/// The scraper's own metrics.
struct ScrapeMetrics: Sendable {
    let scrapes: Counter
    let failures: Counter
    let droppedTicks: Counter
    let samples: Counter
    let duplicateSamples: Counter
    let outOfOrderSamples: Counter
    let outOfBoundsSamples: Counter
    let samplesWithoutRoom: Counter
    let bodyBytes: Counter
    let bodyLimitExceeded: Counter
    let sampleLimitExceeded: Counter
    let labelLimitExceeded: Counter
    let bucketLimitExceeded: Counter
    let timeouts: Counter
    let targets: Gauge
    let targetProblems: Gauge

    init(_ registry: Registry) {
        func counter(_ name: String, _ help: String) -> Counter {
            registry.counter("lapwing_scrape_" + name, help: help)
        }
        scrapes = counter("scrapes_total", "Scrapes that were done, failed ones included.")
        failures = counter("failures_total", "Scrapes that failed.")
        droppedTicks = counter("ticks_dropped_total", "Scrapes left out because the one before was still running.")
        samples = counter("samples_total", "Samples that were stored from scrapes.")
        duplicateSamples = counter("samples_duplicate_total", "Samples whose series was on its page already.")
        outOfOrderSamples = counter(
            "samples_out_of_order_total", "Samples with their own timestamps that came out of order.")
        outOfBoundsSamples = counter(
            "samples_out_of_bounds_total", "Samples with their own timestamps that are too old or in the future.")
        samplesWithoutRoom = counter(
            "samples_over_series_limit_total", "Samples of new series refused because the store has no room for them.")
        bodyBytes = counter("body_bytes_total", "Bytes of scraped pages after decompression.")
        bodyLimitExceeded = counter("body_limit_exceeded_total", "Scrapes that failed at the limit for bodies.")
        sampleLimitExceeded = counter("sample_limit_exceeded_total", "Scrapes that failed at the limit for samples.")
        labelLimitExceeded = counter("label_limit_exceeded_total", "Scrapes that failed at a limit for labels.")
        bucketLimitExceeded = counter(
            "histogram_bucket_limit_exceeded_total",
            "Scrapes that failed at the limit for buckets of native histograms.")
        timeouts = counter("timeouts_total", "Scrapes that took longer than their timeout.")
        targets = registry.gauge("lapwing_scrape_targets", help: "Active targets.")
        targetProblems = registry.gauge(
            "lapwing_scrape_target_problems",
            help: "Files of targets that cannot be read and targets that cannot be scraped as they are, right now.")
    }

    func record(_ report: ScrapeReport, _ failure: ScrapeFailure?) {
        scrapes.increment()
        if report.bodyBytes > 0 { bodyBytes.add(report.bodyBytes) }
        if report.duplicateSamples > 0 { duplicateSamples.add(report.duplicateSamples) }
        if report.outOfOrderSamples > 0 { outOfOrderSamples.add(report.outOfOrderSamples) }
        if report.outOfBoundsSamples > 0 { outOfBoundsSamples.add(report.outOfBoundsSamples) }
        if report.samplesWithoutRoom > 0 { samplesWithoutRoom.add(report.samplesWithoutRoom) }
        guard let failure else { return samples.add(report.samplesAfterRelabeling) }
        failures.increment()
        switch failure {
        case .bodyTooLarge: bodyLimitExceeded.increment()
        case .sampleLimit: sampleLimitExceeded.increment()
        case .labelLimit: labelLimitExceeded.increment()
        case .bucketLimit: bucketLimitExceeded.increment()
        case .timedOut: timeouts.increment()
        default: break
        }
    }
}
