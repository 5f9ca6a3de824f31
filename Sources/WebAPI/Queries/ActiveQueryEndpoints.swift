import MetricModel
import PromQL

/// `/status/queries`: the queries that wait and run, those whose answers are being sent, and how to end one.
struct ActiveQueryEndpoints: Sendable {
    let active: ActiveQueries

    /// All of them, the oldest first, with what they cost so far and what they are estimated to read.
    func list(_ request: APIRequest) -> APIResponse {
        let now = active.now
        let queries = active.list()
        let limits = active.limits
        return .success { writer in
            writer.object { writer in
                for state in [ActiveQuery.State.running, .waiting, .sending] {
                    writer.key(state.rawValue)
                    writer.integer(queries.count { $0.state == state })
                }
                writer.key("memoryBytes")
                writer.integer(active.budget.usedBytes)
                writer.key("limits")
                writer.object {
                    $0.key("concurrency")
                    $0.integer(limits.concurrency)
                    $0.key("queue")
                    $0.integer(limits.queueLength)
                    $0.key("memoryBytes")
                    $0.integer(limits.memoryBytes)
                }
                writer.key("queries")
                writer.array(of: queries) { $0.activeQuery($1, now: now) }
            }
        }
    }

    /// Asks the query with the number in the path to end.
    func end(_ number: String) throws(APIError) -> APIResponse {
        guard let id = UInt64(number), active.end(id: id) else {
            throw APIError(.notFound, "no query \(number) is waiting, running or being answered")
        }
        return .success { writer in
            writer.object {
                $0.key("ended")
                $0.string(number)
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func activeQuery(_ query: ActiveQuery, now: UInt64) {
        let description = query.description
        object { writer in
            writer.key("id")
            writer.string(String(query.id))
            writer.key("state")
            writer.string(query.state.rawValue)
            writer.key("query")
            writer.string(description.text)
            if let start = description.start, let end = description.end {
                writer.key("start")
                writer.timestamp(milliseconds: start.milliseconds)
                writer.key("end")
                writer.timestamp(milliseconds: end.milliseconds)
            }
            if let step = description.stepMilliseconds {
                writer.key("step")
                writer.timestamp(milliseconds: step)
            }
            writer.key("userAgent")
            writer.string(description.userAgent)
            writer.key("client")
            writer.string(description.client)
            writer.key("admitted")
            writer.string(TimeText.rfc3339(query.admitted))
            writer.key("age")
            writer.number(query.ageSeconds(now: now))
            writer.key("queueTime")
            writer.number(query.queueSeconds(now: now))
            writer.key("series")
            writer.integer(query.progress.series)
            writer.key("samplesRead")
            writer.integer(query.progress.samplesRead)
            writer.key("estimatedSamples")
            writer.integer(query.progress.estimatedSamples)
            writer.key("estimateIsWhole")
            writer.boolean(query.progress.isEstimateWhole)
            writer.key("memoryBytes")
            writer.integer(query.progress.bytes)
        }
    }
}
