package import Logging
package import MetricModel
package import Notifications
package import PromQL
package import Remote
package import Rules
package import Scraping
package import SelfMetrics
package import Storage

/// Prometheus' HTTP API, the management paths and the web page, as a function from request to answer.
///
/// Blocking: run it on a thread that may wait. Safe on many threads.
package final class WebAPI: RequestAnswering {
    /// What the endpoints work on.
    ///
    /// All are safe on many threads.
    package struct Services: Sendable {
        package var store: any SampleStore
        package var engine: QueryEngine
        package var scraping: ScrapeManager
        package var rules: RuleManager
        package var notifier: Notifier
        package var registry: Registry
        /// The queries that wait and run.
        package var active: ActiveQueries
        package var queryLog: QueryLog
        /// Writes the container collector's page; nil where no collector runs.
        package var collectorPage: (@Sendable (inout [UInt8]) -> Void)?
        /// Writes the machine's page under node_exporter's names; nil where it is switched off.
        package var machinePage: (@Sendable (inout [UInt8]) -> Void)?
        package var status: any ServerStatus
        package var clock: any WallClock
        /// nil: the administration's paths are refused.
        package var administration: (any StoreAdministration)?
        /// Takes remote write; nil where that is not enabled.
        package var writeReceiver: WriteReceiver?
        package var exemplars: (any ExemplarStore)?
        /// What is known of metric families beside what targets say now.
        package var metadata: (any MetadataStore)?
        /// How old the newest sample of a federated series may be.
        package var lookbackMilliseconds: Int64 = 300_000
        /// The origins whose pages may read answers, as a pattern of the whole; nil lets every page.
        package var allowedOrigins: RegexPattern?
        /// What federated series get beside their own labels.
        package var externalLabels: @Sendable () -> LabelSet = { .empty }

        package init(
            store: any SampleStore, engine: QueryEngine, scraping: ScrapeManager, rules: RuleManager,
            notifier: Notifier, registry: Registry, active: ActiveQueries, queryLog: QueryLog,
            collectorPage: (@Sendable (inout [UInt8]) -> Void)?, status: any ServerStatus, clock: any WallClock,
            administration: (any StoreAdministration)? = nil
        ) {
            self.administration = administration
            self.collectorPage = collectorPage
            self.store = store
            self.engine = engine
            self.scraping = scraping
            self.rules = rules
            self.notifier = notifier
            self.registry = registry
            self.active = active
            self.queryLog = queryLog
            self.status = status
            self.clock = clock
        }
    }

    private let services: Services
    private let routes: [Route]
    private let runner: QueryRunner
    private let queries: QueryEndpoints
    private let small = SmallQueries()
    private let files = WebFiles()
    private let logger: Logger

    package init(_ services: Services, logger: Logger) {
        self.services = services
        self.logger = logger
        runner = QueryRunner(
            store: services.store, active: services.active, log: services.queryLog,
            metrics: QueryMetrics(services.registry, services.active, services.queryLog),
            timeoutMilliseconds: services.engine.settings.timeoutMilliseconds)
        queries = QueryEndpoints(engine: services.engine, runner: runner, clock: services.clock)
        routes = RouteTable(services: services, queries: queries).routes
    }

    static let instantPath = "/api/v1/query"
    static let rangePath = "/api/v1/query_range"

    /// Queries stand in line; everything else is answered at once.
    package func admit(_ request: APIRequest, isWithdrawn: @escaping @Sendable () -> Bool) -> Admission {
        guard request.path == Self.instantPath || request.path == Self.rangePath else { return .immediate }
        guard request.method == .get || request.method == .post else { return .immediate }
        do {
            let cancellation = CancellationFlag(isWithdrawn: isWithdrawn)
            return .queued(try runner.admit(QueryEndpoints.description(of: request), cancellation: cancellation))
        } catch {
            return .refused(.failure(error))
        }
    }

    package func respondAtOnce(to request: APIRequest) -> APIResponse? {
        guard let query = request.query, services.status.isReady, !services.queryLog.isWriting,
            services.active.lineIsEmpty, small.contain(query.description, now: services.active.now)
        else { return nil }
        var request = request
        request.isTriedAtOnce = true
        // Whatever goes wrong is found again on a thread, and told then.
        guard var response = try? request.path == Self.rangePath ? queries.range(request) : queries.instant(request)
        else {
            small.forget(query.description)
            query.waitAgain()
            return nil
        }
        runner.metrics.answeredAtOnce.increment()
        addOrigin(to: &response, request)
        return response
    }

    package func beginSending(_ request: APIRequest) -> SendingQuery? {
        request.query.map { services.active.beginSending($0) }
    }

    package func reserveMemory() -> (any MemoryReservation)? { services.active.budget.reservation() }

    package func note(_ cost: AnswerCost, of request: APIRequest, isAtOnce: Bool) {
        guard let query = request.query else { return }
        small.note(cost, of: query.description, isAtOnce: isAtOnce, now: services.active.now)
    }

    /// Answers a request.
    ///
    /// Every request gets an answer; errors are answers too.
    package func respond(to request: APIRequest) -> APIResponse {
        // A query that did not come to run, because a parameter was wrong, leaves the line too.
        defer { if let query = request.query, !request.comesAgain { services.active.finish(query) } }
        var response = answer(to: request)
        if request.path.hasPrefix("/api/v1") { addOrigin(to: &response, request) }
        return response
    }

    private func addOrigin(to response: inout APIResponse, _ request: APIRequest) {
        response.headers += OriginHeaders(allowed: services.allowedOrigins).fields(for: request.headers["origin"])
    }

    private func answer(to request: APIRequest) -> APIResponse {
        for route in routes {
            guard let part = route.pattern.match(request.path) else { continue }
            guard route.methods.contains(request.method) else {
                var response =
                    request.method == .options ? .noContent : APIResponse.text("Method Not Allowed\n", status: 405)
                response.headers.append((name: "Allow", value: route.allowedMethods))
                return response
            }
            return respond(to: request, by: route, part: part)
        }
        if request.method == .options { return .noContent }
        if request.method == .get || request.method == .head, let file = files.respond(to: request) { return file }
        return .text("404 page not found\n", status: 404)
    }

    private func respond(to request: APIRequest, by route: Route, part: String) -> APIResponse {
        if route.scope == .readOnly || route.scope == .write, request.path.hasPrefix("/api/"), !services.status.isReady
        {
            return StatusEndpoints.notReady(isStopping: services.status.isStopping)
        }
        do {
            return try route.handler(request, part)
        } catch {
            logger.debug("a request failed", metadata: ["path": "\(request.path)", "error": "\(error.message)"])
            // Whoever reads pages, not the API's answers, is told in a line, as by Prometheus.
            guard request.path.hasPrefix("/api/") else { return .text(error.message + "\n", status: error.status) }
            return .failure(error)
        }
    }

    /// The page of the containers, where kubelets have it too, or that of the machine.
    package static func collectorResponse(_ page: (@Sendable (inout [UInt8]) -> Void)?) -> APIResponse {
        guard let page else { return .text("this collector is switched off\n", status: 404) }
        var body: [UInt8] = []
        page(&body)
        return APIResponse(contentType: "text/plain; version=0.0.4; charset=utf-8", body: .bytes(body))
    }
}
