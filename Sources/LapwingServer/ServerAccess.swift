import Access
import ConfigurationFile
import Logging
import SelfMetrics
import WebAPI

extension ServerSettings {
    /// What the web-config file says, ready to be asked; nil where there is none and everybody is let in.
    func makeAccess(logger: Logger) throws(ServerError) -> AccessControl? {
        guard let path = webConfigurationFile else { return nil }
        do {
            return try AccessControl(path: path, logger: logger) { try WebFileReader.read(path: path) }
        } catch let error as ConfigurationError {
            throw .configuration(error)
        } catch {
            throw .configuration(ConfigurationError(file: path, message: String(describing: error)))
        }
    }

    /// Builds the web server and shows what it turned away.
    func makeHTTPServer(
        api: any RequestAnswering, threads: WorkerThreads, queryThreads: WorkerThreads? = nil,
        patientThreads: WorkerThreads? = nil, access: AccessControl?, registry: Registry,
        logger: Logger
    ) -> HTTPServer {
        var limits = HTTPServer.Limits()
        limits.connections = maximumConnections
        limits.connectionsPerAddress = max(1, maximumConnections / 2)
        limits.idleSeconds = max(1, readTimeoutMilliseconds / 1_000)
        let server = HTTPServer(
            api: api, threads: threads, queryThreads: queryThreads, patientThreads: patientThreads, limits: limits,
            access: access, logger: logger)
        registry.gauge("lapwing_http_connections", help: "Connections of clients that are open.") {
            Double(server.connectionCounts.open)
        }
        registry.counter(
            "lapwing_http_connections_refused_total",
            help: "Connections closed because their address had too many."
        ) { Double(server.connectionCounts.refused) }
        registry.counter(
            "lapwing_http_answers_untaken_total",
            help: "Connections closed because their client did not take its answer in time."
        ) { Double(server.connectionCounts.untaken) }
        guard let access else { return server }
        registry.counter(
            "lapwing_http_requests_refused_total", help: "Requests turned away before any path was looked at.",
            labels: ["reason": "credentials"]
        ) { Double(access.refused.denied) }
        registry.counter(
            "lapwing_http_requests_refused_total", help: "Requests turned away before any path was looked at.",
            labels: ["reason": "busy"]
        ) { Double(access.refused.busy) }
        registry.gauge(
            "lapwing_web_config_last_reload_successful",
            help: "Whether the web-config file could be read when it changed."
        ) { access.isLastReadingGood ? 1 : 0 }
        return server
    }
}
