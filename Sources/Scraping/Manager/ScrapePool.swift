import MetricModel
import Synchronization

/// The targets of one job: what discovery named last, what came of it, and the loops that run.
struct ScrapePool: Sendable {
    struct Member: Sendable {
        var target: ScrapeTarget
        var loop: TargetLoop
    }

    private(set) var context: JobContext
    private(set) var discovery: JobDiscovery
    /// In the order of discovery.
    private(set) var members: [Member] = []
    private(set) var dropped: [LabelSet] = []
    private(set) var droppedCount = 0
    private(set) var targetProblems: [String] = []
    /// Whether `groups` were turned into targets with the settings as they are.
    private var isCurrent = false

    init(_ job: ScrapeJobSettings) {
        context = JobContext(job)
        discovery = JobDiscovery(job.discoveries)
    }

    var job: ScrapeJobSettings { context.job }
    var problems: [String] { discovery.problems + targetProblems }

    /// Takes new settings; what did not change keeps running undisturbed.
    mutating func update(_ job: ScrapeJobSettings) {
        guard job != context.job else { return }
        if job.discoveries != discovery.settings { discovery = JobDiscovery(job.discoveries) }
        context = JobContext(job)
        isCurrent = false
    }

    /// Looks for changes of the targets and brings the loops in line.
    mutating func synchronize(
        now: Timestamp, reader: TargetFileReader, endings: inout [ScrapeTarget.Identity: TargetLoop],
        makeLoop: (ScrapeTarget, JobContext, ScrapeFailure?) -> TargetLoop
    ) {
        let hasChanged = discovery.poll(now: now, reader: reader)
        guard hasChanged || !isCurrent else { return }
        isCurrent = true
        let result = TargetBuilder(job).build(from: discovery.groups)
        dropped = result.dropped
        droppedCount = result.droppedCount
        targetProblems = result.problems
        let forcedFailure = targetLimitFailure(result.active.count)
        var known: [ScrapeTarget.Identity: TargetLoop] = [:]
        for member in members { known[member.target.identity] = member.loop }
        members = result.active.map { target in
            let identity = target.identity
            if let loop = known.removeValue(forKey: identity) ?? endings.removeValue(forKey: identity) {
                loop.update(target, context, forcedFailure: forcedFailure)
                return Member(target: target, loop: loop)
            }
            let loop = makeLoop(target, context, forcedFailure)
            loop.start()
            return Member(target: target, loop: loop)
        }
        for (identity, loop) in known { endings[identity] = loop }
    }

    private func targetLimitFailure(_ count: Int) -> ScrapeFailure? {
        let limit = job.limits.targets
        return limit > 0 && count > limit ? .targetLimit(active: count, limit: limit) : nil
    }

    /// The pool as the status pages show it.
    func status() -> ScrapePoolStatus {
        ScrapePoolStatus(
            jobName: job.jobName,
            active: members.map { member in
                let status = member.loop.status.withLock { $0 }
                return TargetStatus(
                    scrapePool: job.jobName, discoveredLabels: member.target.discoveredLabels,
                    labels: member.target.labels, scrapeURL: member.target.url.description, health: status.health,
                    lastError: status.lastFailure?.description ?? "", lastScrape: status.lastScrape,
                    lastScrapeDurationSeconds: status.lastDurationSeconds,
                    intervalMilliseconds: member.target.intervalMilliseconds,
                    timeoutMilliseconds: member.target.timeoutMilliseconds, sampleCount: status.sampleCount)
            },
            dropped: dropped.map { DroppedTargetStatus(scrapePool: job.jobName, discoveredLabels: $0) },
            droppedCount: droppedCount, problems: problems)
    }
}
