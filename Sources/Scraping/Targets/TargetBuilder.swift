import MetricModel

/// Turns what discovery found into targets, as Prometheus' `PopulateLabels` does.
struct TargetBuilder: Sendable {
    /// All targets of a job after relabelling.
    struct Result: Sendable {
        var active: [ScrapeTarget] = []
        var dropped: [LabelSet] = []
        var droppedCount = 0
        /// Sentences about targets that were left out, at most `problemLimit`.
        var problems: [String] = []
    }

    static let problemLimit = 20

    let job: ScrapeJobSettings

    init(_ job: ScrapeJobSettings) { self.job = job }

    func build(from groups: [TargetGroup]) -> Result {
        var result = Result()
        var seen: Set<ScrapeTarget.Identity> = []
        for group in groups {
            for (index, labels) in group.targets.enumerated() {
                guard result.active.count + result.droppedCount < ScrapeSafety.targetsPerJob else {
                    note("more than \(ScrapeSafety.targetsPerJob) targets in one job, the others are left out", &result)
                    return result
                }
                do throws(TargetError) {
                    let discovered = discoveredLabels(of: labels, in: group)
                    if let target = try target(from: discovered) {
                        if seen.insert(target.identity).inserted { result.active.append(target) }
                    } else {
                        result.droppedCount += 1
                        let limit = job.limits.keepDroppedTargets
                        if limit == 0 || result.dropped.count < limit { result.dropped.append(discovered) }
                    }
                } catch {
                    note("target \(index) of \(group.source): \(error)", &result)
                }
            }
        }
        return result
    }

    private func note(_ problem: String, _ result: inout Result) {
        if result.problems.count < Self.problemLimit { result.problems.append(problem) }
    }

    /// The labels before relabelling: the target's, then the group's, then what the job says where neither does.
    func discoveredLabels(of target: LabelSet, in group: TargetGroup) -> LabelSet {
        var labels = LabelSetBuilder(target)
        for pair in group.labels.pairs where labels[pair.name] == nil { labels.set(pair.name, to: pair.value) }
        var defaults: [(name: String, value: String)] = [
            (LabelName.job, job.jobName),
            (TargetLabel.scrapeInterval, DurationText.text(milliseconds: job.intervalMilliseconds)),
            (TargetLabel.scrapeTimeout, DurationText.text(milliseconds: job.timeoutMilliseconds)),
            (TargetLabel.metricsPath, job.metricsPath),
            (TargetLabel.scheme, job.scheme.rawValue),
            (TargetLabel.convertsClassicHistograms, String(job.nativeHistograms.convertsClassic)),
            (TargetLabel.alwaysScrapesClassicHistograms, String(job.nativeHistograms.alwaysScrapesClassic)),
            (TargetLabel.scrapesNativeHistograms, String(job.nativeHistograms.scrapesNative)),
        ]
        for parameter in job.parameters {
            if let first = parameter.values.first {
                defaults.append((TargetLabel.parameterPrefix + parameter.name, first))
            }
        }
        for (name, value) in defaults where labels[name] == nil { labels.set(name, to: value) }
        return labels.build()
    }

    /// The target that these labels describe, nil where relabelling drops it.
    func target(from discovered: LabelSet) throws(TargetError) -> ScrapeTarget? {
        var labels = LabelSetBuilder(discovered)
        guard job.targetRelabeling.apply(to: &labels) else { return nil }
        let address = labels[TargetLabel.address] ?? ""
        guard !address.isEmpty else { throw .noAddress }
        guard !address.utf8.contains(UInt8(ascii: "/")) else { throw .invalidAddress(address) }
        let scheme = labels[TargetLabel.scheme] ?? ""
        guard scheme == "http" || scheme == "https" else { throw .invalidScheme(scheme) }
        let (interval, timeout) = try times(labels)
        var nativeHistograms = job.nativeHistograms
        try Self.read(TargetLabel.convertsClassicHistograms, of: labels, into: &nativeHistograms.convertsClassic)
        try Self.read(
            TargetLabel.alwaysScrapesClassicHistograms, of: labels, into: &nativeHistograms.alwaysScrapesClassic)
        try Self.read(TargetLabel.scrapesNativeHistograms, of: labels, into: &nativeHistograms.scrapesNative)
        let url = TargetURL(labels: labels, parameters: job.parameters)
        guard url.hostAndPort != nil else { throw .invalidAddress(address) }
        let unixSocketPath = labels[TargetLabel.unixSocket]
        if labels[LabelName.instance] == nil { labels.set(LabelName.instance, to: address) }
        labels.keep { !$0.hasPrefix(TargetLabel.reservedPrefix) }
        return ScrapeTarget(
            jobName: job.jobName, discoveredLabels: discovered, labels: labels.build(), url: url,
            unixSocketPath: unixSocketPath, intervalMilliseconds: interval, timeoutMilliseconds: timeout,
            nativeHistograms: nativeHistograms == job.nativeHistograms ? nil : nativeHistograms)
    }

    private func times(_ labels: LabelSetBuilder) throws(TargetError) -> (interval: Int64, timeout: Int64) {
        let intervalText = labels[TargetLabel.scrapeInterval] ?? ""
        let timeoutText = labels[TargetLabel.scrapeTimeout] ?? ""
        guard let interval = DurationText.milliseconds(intervalText) else { throw .invalidInterval(intervalText) }
        guard interval > 0 else { throw .zeroInterval }
        guard let timeout = DurationText.milliseconds(timeoutText) else { throw .invalidTimeout(timeoutText) }
        guard timeout > 0 else { throw .zeroTimeout }
        guard timeout <= interval else { throw .timeoutAboveInterval(timeout: timeoutText, interval: intervalText) }
        return (interval, timeout)
    }

    /// A switch that relabelling may have changed, in the spellings that Go's `strconv.ParseBool` takes.
    private static func read(
        _ name: String, of labels: LabelSetBuilder, into isOn: inout Bool
    ) throws(TargetError) {
        guard let value = labels[name] else { return }
        switch value {
        case "1", "t", "T", "TRUE", "true", "True": isOn = true
        case "0", "f", "F", "FALSE", "false", "False": isOn = false
        default: throw .invalidSwitch(name: name, value: value)
        }
    }
}
