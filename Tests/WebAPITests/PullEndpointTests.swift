import MetricModel
import PromQL
import Storage
import TestSupport
import Testing

@testable import WebAPI

@Suite("Federation and exemplars")
struct PullEndpointTests {
    private struct FixedClock: WallClock {
        var now: Timestamp { Timestamp(milliseconds: 1_000_000) }
        var monotonicNanoseconds: UInt64 { 0 }
        func sleep(milliseconds: Int64) async throws {}
    }

    private struct OneExemplar: ExemplarStore {
        func append(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome { ExemplarOutcome() }
        func importExemplars(_ exemplars: [SeriesExemplar]) -> ExemplarOutcome { ExemplarOutcome() }
        func exemplars(matching selectors: [[LabelMatcher]], in range: TimeRange) -> [SeriesExemplars] {
            guard selectors.count == 2 else { return [] }
            let exemplar = Exemplar(
                labels: LabelSet(["trace_id": "abc"]), value: 6, timestampMilliseconds: 1_600_096_945_479)
            return [
                SeriesExemplars(
                    labels: LabelSet(["__name__": "a"]), exemplars: [(timestamp: 1_600_096_945_479, exemplar: exemplar)]
                )
            ]
        }
    }

    private static func text(_ response: APIResponse) -> String {
        switch response.body {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .pieces(let next): String(decoding: APIResponse.whole(next), as: UTF8.self)
        }
    }

    @Test("the newest samples of chosen series are a page, with external labels and an instance")
    func federate() throws {
        let store = MemoryStore()
        func series(_ labels: KeyValuePairs<String, String>, _ samples: [(Int64, Double)]) -> SampleBatch.Series {
            .init(
                labels: LabelSet(labels),
                columns: SampleColumns(timestamps: samples.map(\.0), values: samples.map(\.1)))
        }
        _ = try store.append(
            SampleBatch([
                series(["__name__": "b", "job": "x", "instance": "h:1"], [(900_000, 1), (990_000, 2.5)]),
                series(["__name__": "a", "zone": "own"], [(999_000, 1)]),
                series(["__name__": "a", "job": "ended"], [(999_000, SpecialValue.stale)]),
                series(["__name__": "a", "job": "old"], [(1000, 3)]),
            ]), onRejection: .refuseAll)
        let endpoint = FederationEndpoint(
            store: store, budget: MemoryBudget(limitBytes: 1 << 20), clock: FixedClock(), lookbackMilliseconds: 300_000,
            externalLabels: { LabelSet(["zone": "eu"]) })
        let parameters = QueryParameters(formEncoded: "match[]=a&match[]=%7Bjob%3D%22x%22%7D")
        let response = try endpoint.federate(APIRequest(path: "/federate", parameters: parameters))
        #expect(
            Self.text(response) == """
                # TYPE a untyped
                a{instance="",zone="own"} 1 999000
                # TYPE b untyped
                b{instance="h:1",job="x",zone="eu"} 2.5 990000

                """)
    }

    @Test("a selector that every series fits may be federated, and is refused where series are listed")
    func everything() throws {
        let store = MemoryStore()
        _ = try store.append(
            SampleBatch([
                .init(
                    labels: LabelSet(["__name__": "a"]), columns: SampleColumns(timestamps: [999_000], values: [1]))
            ]), onRejection: .refuseAll)
        let federation = FederationEndpoint(
            store: store, budget: MemoryBudget(limitBytes: 1 << 20), clock: FixedClock(), lookbackMilliseconds: 300_000,
            externalLabels: { .empty })
        let request = APIRequest(path: "", parameters: QueryParameters(formEncoded: "match[]=%7B%7D"))
        #expect(Self.text(try federation.federate(request)).contains(#"a{instance=""} 1 999000"#))
        do throws(APIError) {
            _ = try SeriesEndpoints(store: store, budget: MemoryBudget(limitBytes: 1 << 20)).series(request)
            Issue.record("everything was listed")
        } catch {
            let text = #"invalid parameter "match[]": match[] must contain at least one non-empty matcher"#
            #expect(error.message == text)
        }
    }

    @Test(
        "errors of lists have Prometheus' texts, and of several the one that Prometheus looks for first",
        arguments: [
            ("", "no match[] parameter provided", ""),
            (
                "limit=x", "no match[] parameter provided",
                "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"
            ),
            ("match[]=a{&limit=-1&start=x", "invalid parameter \"limit\": limit must be non-negative", nil),
            (
                "match[]=a{&start=x&end=x",
                "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
                nil
            ),
            (
                "match[]={}&match[]=a{",
                "invalid parameter \"match[]\": 1:3: parse error: unexpected end of input inside braces",
                "1:3: parse error: unexpected end of input inside braces"
            ),
            (
                "match[]=a&match[]={b=~\".*\"}",
                "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
                "match[] must contain at least one non-empty matcher"
            ),
            ("match[]=a&start=2&end=1", "", ""),
        ] as [(String, String, String?)])
    func listErrors(_ form: String, _ ofSeries: String, _ ofNames: String?) {
        let endpoints = SeriesEndpoints(store: MemoryStore(), budget: MemoryBudget(limitBytes: 1 << 20))
        let request = APIRequest(path: "", parameters: QueryParameters(formEncoded: form))
        func message(_ ask: () throws(APIError) -> APIResponse) -> String {
            do throws(APIError) {
                let text = Self.text(try ask())
                return text == #"{"status":"success","data":[]}"# ? "" : text
            } catch {
                return error.message
            }
        }
        #expect(message { () throws(APIError) in try endpoints.series(request) } == ofSeries)
        let wanted = ofNames ?? ofSeries
        #expect(message { () throws(APIError) in try endpoints.labelNames(request) } == wanted)
        #expect(message { () throws(APIError) in try endpoints.labelValues(request, name: "a") } == wanted)
    }

    @Test("a label name that is not UTF-8 is refused")
    func labelName() {
        #expect(throws: APIError.self) {
            try SeriesEndpoints(store: MemoryStore(), budget: MemoryBudget(limitBytes: 1 << 20))
                .labelValues(APIRequest(path: ""), name: "\u{FFFD}")
        }
    }

    @Test("exemplars are asked for by every selector of the expression")
    func exemplars() throws {
        let endpoint = ExemplarEndpoint(exemplars: OneExemplar())
        func ask(_ query: String) throws -> APIResponse {
            try endpoint.query(APIRequest(path: "", parameters: QueryParameters(formEncoded: "query=\(query)")))
        }
        #expect(
            Self.text(try ask("rate(a[5m])/b")) == #"{"status":"success","data":[{"seriesLabels":{"__name__":"a"},"#
                + #""exemplars":[{"labels":{"trace_id":"abc"},"value":"6","timestamp":1600096945.479}]}]}"#)
        #expect(try ask("1").status == 204)
        for (query, message) in [
            ("a&start=2&end=1", "end timestamp must not be before start timestamp"),
            ("sum(", "1:5: parse error: unclosed left parenthesis"),
        ] {
            let error = #expect(throws: APIError.self) { try ask(query) }
            #expect(error?.message == message && error?.status == 400)
        }
        #expect(Self.text(try ask("a")) == #"{"status":"success","data":[]}"#)
    }
}
