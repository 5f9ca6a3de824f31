import MetricModel
import PromQLSyntax
import Scraping
import Storage

/// `/targets`, `/scrape_pools`, `/metadata`: what is scraped, how that goes, and what targets say of their metrics.
struct TargetEndpoints: Sendable {
    let scraping: ScrapeManager
    let metadataStore: (any MetadataStore)?

    func targets(_ request: APIRequest) throws(APIError) -> APIResponse {
        let state = request.parameters["state"]?.lowercased() ?? "any"
        let wantedPool = request.parameters["scrapePool"]
        let showsActive = ["", "any", "active"].contains(state)
        let showsDropped = ["", "any", "dropped"].contains(state)
        let pools = scraping.status().filter { wantedPool == nil || $0.jobName == wantedPool }
            .sorted { $0.jobName.utf8.lexicographicallyPrecedes($1.jobName.utf8) }
        return .success { writer in
            writer.object {
                $0.key("activeTargets")
                $0.array(of: showsActive ? pools.flatMap(\.active) : []) { $0.activeTarget($1) }
                $0.key("droppedTargets")
                $0.array(of: showsDropped ? pools.flatMap(\.dropped) : []) { writer, target in
                    writer.object {
                        $0.key("discoveredLabels")
                        $0.labels(target.discoveredLabels)
                        $0.key("scrapePool")
                        $0.string(target.scrapePool)
                    }
                }
                $0.targetProblems(pools)
                $0.key("droppedTargetCounts")
                guard showsDropped else { return $0.null() }
                $0.object {
                    for pool in pools {
                        $0.key(pool.jobName)
                        $0.integer(pool.droppedCount)
                    }
                }
            }
        }
    }

    func pools(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                $0.key("scrapePools")
                $0.array(of: scraping.poolNames) { $0.string($1) }
            }
        }
    }

    func targetMetadata(_ request: APIRequest) throws(APIError) -> APIResponse {
        let metric = request.parameters["metric"]
        let limit = try rowLimit(request)
        var matchers: [LabelMatcher] = []
        if let text = request.parameters["match_target"] {
            do {
                matchers = try Parser.parseMatchers(text)
            } catch {
                throw .invalidParameter("match_target", error.description)
            }
        }
        let entries = scraping.metadata(metric: metric) { labels in matchers.allSatisfy { $0.matches(labels) } }
        let shown = limit < 0 ? entries[...] : entries.prefix(limit)
        return .success { writer in
            writer.array(of: shown) { writer, entry in
                writer.object {
                    $0.key("target")
                    $0.labels(entry.targetLabels)
                    if metric == nil {
                        $0.key("metric")
                        $0.string(entry.metricName)
                    }
                    $0.metadataFields(entry.metadata)
                }
            }
        }
    }

    func metadata(_ request: APIRequest) throws(APIError) -> APIResponse {
        let limit = try rowLimit(request)
        let perMetric = try rowLimit(request, name: "limit_per_metric")
        var families: [String: [MetricMetadata]] = [:]
        let wanted = request.parameters["metric"]
        for entry in metadataStore?.families(named: wanted) ?? [] { families[entry.name] = [entry.metadata] }
        // The kept words are the newest ones of all targets; what targets say now may be several things.
        for entry in scraping.metadata(metric: wanted) {
            if families[entry.metricName]?.contains(entry.metadata) != true {
                families[entry.metricName, default: []].append(entry.metadata)
            }
        }
        let names = families.keys.sorted()
        let shown = limit < 0 ? names[...] : names.prefix(limit)
        return .success { writer in
            writer.object {
                for name in shown {
                    $0.key(name)
                    let entries = families[name] ?? []
                    $0.array(of: perMetric > 0 ? entries.prefix(perMetric) : entries[...]) { writer, metadata in
                        writer.object { $0.metadataFields(metadata) }
                    }
                }
            }
        }
    }

    /// A limit of rows; -1 where there is none.
    private func rowLimit(_ request: APIRequest, name: String = "limit") throws(APIError) -> Int {
        guard let text = request.parameters[name] else { return -1 }
        guard let number = Int(text) else { throw APIError(.badData, "\(name) must be a number") }
        return number
    }
}

extension JSONWriter {
    /// What goes wrong while targets are found, beside what Prometheus tells; nothing where all is well.
    fileprivate mutating func targetProblems(_ pools: [ScrapePoolStatus]) {
        let problems = pools.flatMap { pool in pool.problems.map { (pool: pool.jobName, reason: $0) } }
        guard !problems.isEmpty else { return }
        key("problems")
        array(of: problems) { writer, problem in
            writer.object {
                $0.key("scrapePool")
                $0.string(problem.pool)
                $0.key("reason")
                $0.string(problem.reason)
            }
        }
    }

    fileprivate mutating func activeTarget(_ target: TargetStatus) {
        object {
            $0.key("discoveredLabels")
            $0.labels(target.discoveredLabels)
            $0.key("labels")
            $0.labels(target.labels)
            $0.key("scrapePool")
            $0.string(target.scrapePool)
            $0.key("scrapeUrl")
            $0.string(target.scrapeURL)
            $0.key("globalUrl")
            $0.string(target.scrapeURL)
            $0.key("lastError")
            $0.string(target.lastError)
            $0.key("lastScrape")
            $0.string(target.lastScrape.map { TimeText.rfc3339($0) } ?? TimeText.never)
            $0.key("lastScrapeDuration")
            $0.number(target.lastScrapeDurationSeconds)
            $0.key("health")
            $0.string(target.health.rawValue)
            $0.key("scrapeInterval")
            $0.string(DurationText.text(milliseconds: target.intervalMilliseconds))
            $0.key("scrapeTimeout")
            $0.string(DurationText.text(milliseconds: target.timeoutMilliseconds))
        }
    }

    fileprivate mutating func metadataFields(_ metadata: MetricMetadata) {
        key("type")
        string(metadata.type.rawValue)
        key("help")
        string(metadata.help)
        key("unit")
        string(metadata.unit)
    }
}
