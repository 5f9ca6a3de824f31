import Glibc
import MetricModel
import SelfMetrics
import Storage

/// `/status/*`, `/-/*` and `/metrics`: how the server itself is.
struct StatusEndpoints: Sendable {
    let status: any ServerStatus
    let store: any SampleStore
    let registry: Registry
    let clock: any WallClock

    func buildInformation(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                for (name, value) in [
                    ("version", BuildInformation.prometheusVersion),
                    ("revision", "lapwing " + BuildInformation.version),
                    ("branch", ""), ("buildUser", ""), ("buildDate", ""), ("goVersion", ""),
                    ("application", "lapwing"), ("applicationVersion", BuildInformation.version),
                ] {
                    $0.key(name)
                    $0.string(value)
                }
            }
        }
    }

    /// `/version`: what Prometheus says of its build, without an envelope.
    func version() -> APIResponse {
        var writer = JSONWriter()
        writer.object {
            for (name, value) in [
                ("version", BuildInformation.prometheusVersion),
                ("revision", "lapwing " + BuildInformation.version),
                ("branch", ""), ("buildUser", ""), ("buildDate", ""), ("goVersion", ""),
            ] {
                $0.key(name)
                $0.string(value)
            }
        }
        return APIResponse(contentType: APIResponse.jsonType, body: .bytes(writer.bytes))
    }

    func configuration(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                $0.key("yaml")
                $0.string(status.configurationText)
            }
        }
    }

    func flags(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                for flag in status.flags {
                    $0.key(flag.name)
                    $0.string(flag.value)
                }
            }
        }
    }

    func runtimeInformation(_ request: APIRequest) -> APIResponse {
        let reload = status.lastReload
        let problems = status.storageProblems
        return .success { writer in
            writer.object {
                $0.key("startTime")
                $0.string(TimeText.rfc3339(status.startTime))
                $0.key("CWD")
                $0.string(Self.workingDirectory())
                $0.key("hostname")
                $0.string(Self.hostName())
                $0.key("serverTime")
                $0.string(TimeText.rfc3339(clock.now))
                $0.key("reloadConfigSuccess")
                $0.boolean(reload.succeeded)
                $0.key("lastConfigTime")
                $0.string(TimeText.rfc3339(reload.time))
                $0.key("corruptionCount")
                $0.integer(0)
                $0.key("storageProblems")
                $0.array(of: problems) { $0.string($1) }
                $0.key("goroutineCount")
                $0.integer(0)
                $0.key("GOMAXPROCS")
                $0.integer(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
                for name in ["GOMEMLIMIT"] {
                    $0.key(name)
                    $0.integer(0)
                }
                for name in ["GOGC", "GODEBUG"] {
                    $0.key(name)
                    $0.string("")
                }
                $0.key("storageRetention")
                $0.string(status.retentionText)
            }
        }
    }

    /// The journal is read before the first request is taken: there is nothing to wait for.
    func replay(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                for name in ["min", "max", "current"] {
                    $0.key(name)
                    $0.integer(0)
                }
            }
        }
    }

    /// What Prometheus' page shows above everything else.
    func notifications(_ request: APIRequest) -> APIResponse {
        var active: [(text: String, date: Timestamp)] = []
        if let failure = status.lastReloadFailure { active.append(("Configuration reload has failed.", failure)) }
        if status.isStopping {
            active.append(("Prometheus is shutting down and gracefully stopping all operations.", clock.now))
        }
        return .success { writer in
            writer.array(of: active) { writer, notification in
                writer.object {
                    $0.key("text")
                    $0.string(notification.text)
                    $0.key("date")
                    $0.string(TimeText.rfc3339(notification.date))
                    $0.key("active")
                    $0.boolean(true)
                }
            }
        }
    }

    func storage(_ request: APIRequest) throws(APIError) -> APIResponse {
        var limit = 10
        if let text = request.parameters["limit"] {
            guard let number = Int(text), (1...10_000).contains(number) else {
                throw .invalidParameter("limit", "limit must be a positive number up to 10000")
            }
            limit = number
        }
        let statistics = store.statistics(limit: limit)
        return .success { writer in
            writer.object {
                $0.key("headStats")
                $0.object {
                    $0.key("numSeries")
                    $0.integer(statistics.seriesCount)
                    $0.key("numLabelPairs")
                    $0.integer(statistics.labelPairCount)
                    $0.key("chunkCount")
                    $0.integer(statistics.chunkCount)
                    $0.key("minTime")
                    $0.integer(statistics.minimumTime?.milliseconds ?? 0)
                    $0.key("maxTime")
                    $0.integer(statistics.maximumTime?.milliseconds ?? 0)
                }
                for (name, entries) in [
                    ("seriesCountByMetricName", statistics.seriesCountByMetricName),
                    ("labelValueCountByLabelName", statistics.labelValueCountByLabelName),
                    ("memoryInBytesByLabelName", statistics.memoryBytesByLabelName),
                    ("seriesCountByLabelValuePair", statistics.seriesCountByLabelValuePair),
                ] {
                    $0.key(name)
                    $0.array(of: entries) { writer, entry in
                        writer.object {
                            $0.key("name")
                            $0.string(entry.name)
                            $0.key("value")
                            $0.integer(entry.value)
                        }
                    }
                }
            }
        }
    }

    func metrics(_ request: APIRequest) -> APIResponse {
        var body: [UInt8] = []
        registry.render(into: &body)
        return APIResponse(contentType: "text/plain; version=0.0.4; charset=utf-8", body: .bytes(body))
    }

    func healthy(_ request: APIRequest) -> APIResponse { .text("Lapwing is Healthy.\n") }

    func ready(_ request: APIRequest) -> APIResponse {
        status.isReady ? .text("Lapwing is Ready.\n") : Self.notReady(isStopping: status.isStopping)
    }

    static func notReady(isStopping: Bool) -> APIResponse {
        var response = APIResponse.text("Service Unavailable", status: 503)
        response.headers.append(("X-Prometheus-Stopping", isStopping ? "true" : "false"))
        return response
    }

    func reload(_ request: APIRequest) -> APIResponse {
        guard status.isLifecycleEnabled else { return .text("Lifecycle API is not enabled.", status: 403) }
        do {
            let waiting = try status.reload()
            return .text(waiting.isEmpty ? "" : "holds after a restart: \(waiting.joined(separator: ", "))\n")
        } catch {
            return .text("failed to reload config: \(error.description)\n", status: 500)
        }
    }

    func quit(_ request: APIRequest) -> APIResponse {
        guard status.isLifecycleEnabled else { return .text("Lifecycle API is not enabled.", status: 403) }
        status.quit()
        return .text("Requesting termination... Goodbye!")
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return text(buffer)
    }

    private static func workingDirectory() -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard unsafe getcwd(&buffer, buffer.count - 1) != nil else { return "" }
        return text(buffer)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
