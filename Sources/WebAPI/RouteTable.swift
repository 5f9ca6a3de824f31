import PromQL
import Remote

/// Every path that is answered: its methods, who may ask, and what answers.
///
/// The paths of queries come first, they are asked for most.
struct RouteTable {
    let services: WebAPI.Services
    let queries: QueryEndpoints

    var routes: [Route] {
        queryRoutes + seriesRoutes + targetRoutes + ruleRoutes + statusRoutes + remoteRoutes + pageRoutes
            + administrationRoutes + absentRoutes
    }

    private let form: Set<APIRequest.Method> = [.get, .post]
    private let change: Set<APIRequest.Method> = [.post, .put]

    private var queryRoutes: [Route] {
        let active = ActiveQueryEndpoints(active: services.active)
        return [
            Route(form, WebAPI.instantPath, scope: .readOnly, queries.instant),
            Route(form, WebAPI.rangePath, scope: .readOnly, queries.range),
            Route(form, "/api/v1/format_query", scope: .readOnly, queries.format),
            Route(form, "/api/v1/parse_query", scope: .readOnly, queries.parse),
            Route(form, "/api/v1/status/queries", scope: .administration, active.list),
            Route(
                [.post, .delete], .between(prefix: "/api/v1/status/queries/", suffix: ""), scope: .administration
            ) { (_, number) throws(APIError) in try active.end(number) },
        ]
    }

    private var seriesRoutes: [Route] {
        let series = SeriesEndpoints(store: services.store, budget: services.active.budget)
        let exemplars = ExemplarEndpoint(exemplars: services.exemplars)
        return [
            Route(form, "/api/v1/series", scope: .readOnly, series.series),
            Route(form, "/api/v1/labels", scope: .readOnly, series.labelNames),
            Route([.get], .between(prefix: "/api/v1/label/", suffix: "/values"), scope: .readOnly) {
                (request, name) throws(APIError) in try series.labelValues(request, name: name)
            },
            Route(form, "/api/v1/query_exemplars", scope: .readOnly, exemplars.query),
        ]
    }

    private var targetRoutes: [Route] {
        let targets = TargetEndpoints(scraping: services.scraping, metadataStore: services.metadata)
        let pools = ScrapePoolEndpoints(scraping: services.scraping, status: services.status)
        return [
            Route([.get], "/api/v1/targets", scope: .readOnly, targets.targets),
            Route([.get], "/api/v1/scrape_pools", scope: .readOnly, targets.pools),
            Route([.get], "/api/v1/scrape_pools/config", scope: .readOnly, pools.configuration),
            Route([.get], "/api/v1/targets/relabel_steps", scope: .readOnly, pools.relabelSteps),
            Route([.get], "/api/v1/targets/metadata", scope: .readOnly, targets.targetMetadata),
            Route([.get], "/api/v1/metadata", scope: .readOnly, targets.metadata),
        ]
    }

    private var ruleRoutes: [Route] {
        let rules = RuleEndpoints(rules: services.rules)
        let notifications = NotificationEndpoints(notifier: services.notifier)
        return [
            Route([.get], "/api/v1/rules", scope: .readOnly, rules.rules),
            Route([.get], "/api/v1/alerts", scope: .readOnly, rules.alerts),
            Route([.get], "/api/v1/alertmanagers", scope: .readOnly, rules.alertmanagers),
            Route([.get], "/api/v1/status/notifications", scope: .readOnly, notifications.attempts),
        ]
    }

    private var statusRoutes: [Route] {
        let status = StatusEndpoints(
            status: services.status, store: services.store, registry: services.registry, clock: services.clock)
        let features = FeatureEndpoint(
            status: services.status, takesRemoteWrite: services.writeReceiver != nil,
            hasAdministration: services.administration != nil)
        return [
            Route([.get], "/api/v1/status/buildinfo", scope: .readOnly, status.buildInformation),
            Route([.get], "/version", scope: .readOnly) { (_, _) in status.version() },
            Route([.get], "/api/v1/status/config", scope: .readOnly, status.configuration),
            Route([.get], "/api/v1/status/flags", scope: .readOnly, status.flags),
            Route([.get], "/api/v1/status/runtimeinfo", scope: .readOnly, status.runtimeInformation),
            Route([.get], "/api/v1/status/tsdb", scope: .readOnly, status.storage),
            Route([.get], "/api/v1/features", scope: .readOnly, features.list),
            Route([.get], "/api/v1/status/walreplay", scope: .always, status.replay),
            Route([.get], "/api/v1/notifications", scope: .always, status.notifications),
            // Nothing is pushed: a page that gets this asks for the list now and then.
            Route([.get], "/api/v1/notifications/live", scope: .always) { (_, _) in .noContent },
            Route([.get, .head], "/-/healthy", scope: .readOnly, status.healthy),
            Route([.get, .head], "/-/ready", scope: .readOnly, status.ready),
            Route(change, "/-/reload", scope: .administration, status.reload),
            Route(change, "/-/quit", scope: .administration, status.quit),
            Route([.get], "/metrics", scope: .readOnly, status.metrics),
        ]
    }

    private var remoteRoutes: [Route] {
        let remote = RemoteEndpoints(
            receiver: services.writeReceiver,
            reader: ReadResponder(
                store: services.store, externalLabels: services.externalLabels,
                makeReservation: { [budget = services.active.budget] in budget.reservation() }))
        let federation = FederationEndpoint(
            store: services.store, budget: services.active.budget, clock: services.clock,
            lookbackMilliseconds: services.lookbackMilliseconds, externalLabels: services.externalLabels)
        return [
            Route([.get], "/federate", scope: .readOnly, federation.federate),
            Route([.post], "/api/v1/read", scope: .readOnly, remote.read),
            Route([.post], "/api/v1/write", scope: .write, remote.write),
            Route([.post], "/api/v1/push", scope: .write, remote.write),
            Route([.post], "/api/v1/receive", scope: .write, remote.write),
        ]
    }

    /// The collectors' own pages.
    private var pageRoutes: [Route] {
        [("/metrics/cadvisor", services.collectorPage), ("/metrics/node", services.machinePage)].map { path, page in
            Route([.get], path, scope: .readOnly) { (_, _) in WebAPI.collectorResponse(page) }
        }
    }

    private var administrationRoutes: [Route] {
        let administration = AdministrationEndpoints(
            store: services.administration, exemplars: services.exemplars, metadata: services.metadata)
        let folder = "/api/v1/admin/tsdb/"
        return [
            Route(change, folder + "delete_series", scope: .administration, administration.deleteSeries),
            Route(change, folder + "snapshot", scope: .administration, administration.snapshot),
            Route(change, folder + "clean_tombstones", scope: .administration, administration.cleanTombstones),
            Route(change, folder + "import", scope: .administration, administration.importOpenMetrics),
        ]
    }

    /// What Prometheus answers on these paths while the feature is off; here it is not there.
    private var absentRoutes: [Route] {
        ["metric_names", "label_names", "label_values"].map { name in
            Route(form, "/api/v1/search/" + name, scope: .readOnly) { (_, _) throws(APIError) in
                throw APIError(.unavailable, "search API disabled")
            }
        } + [
            Route([.post], "/api/v1/otlp/v1/metrics", scope: .write) { (_, _) in
                .text("the OTLP write receiver is not there: nothing was taken\n", status: 404)
            }
        ]
    }
}
