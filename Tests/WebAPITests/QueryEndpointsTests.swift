import MetricModel
import PromQL
import Rules
import SelfMetrics
import Storage
import TestSupport
import Testing

@testable import WebAPI

@Suite("Queries over the API")
struct QueryEndpointsTests {
    private let active = ActiveQueries()
    private let store = MemoryStore()
    private let log = QueryLog(clock: SystemClock())

    private func endpoints(_ settings: EngineSettings = EngineSettings()) -> QueryEndpoints {
        let registry = Registry()
        return QueryEndpoints(
            engine: QueryEngine(settings: settings),
            runner: QueryRunner(
                store: store, active: active, log: log, metrics: QueryMetrics(registry, active, log),
                timeoutMilliseconds: 10_000), clock: SystemClock())
    }

    private func request(_ path: String, _ form: String) -> APIRequest {
        APIRequest(path: "/api/v1/" + path, parameters: QueryParameters(formEncoded: form))
    }

    /// The body of an answer, or of the error that was thrown.
    private func body(_ answer: () throws(APIError) -> APIResponse) -> String {
        let response: APIResponse
        do {
            response = try answer()
        } catch {
            response = .failure(error)
        }
        switch response.body {
        case .bytes(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .pieces(let next):
            return String(decoding: APIResponse.whole(next), as: UTF8.self)
        }
    }

    @Test(
        "errors have Prometheus' types and texts, a misspelt function a hint",
        arguments: [
            (
                "query=foo[",
                "invalid parameter \\\"query\\\": 1:5: parse error: unexpected end of input in duration expression\""
            ),
            (
                "query=rat(x[5m])",
                "invalid parameter \\\"query\\\": 1:1: parse error: unknown function with name \\\"rat\\\"\",\"suggestion\":\"did you mean 'rate'?\""
            ),
            (
                "query=1&time=soon",
                "invalid parameter \\\"time\\\": invalid time value for 'time': cannot parse \\\"soon\\\" to a valid timestamp\""
            ),
            (
                "query=1&timeout=soon",
                "invalid parameter \\\"timeout\\\": cannot parse \\\"soon\\\" to a valid duration\""
            ),
            ("query=1&time=2026-02-29T00:00:00Z", "to a valid timestamp\""),
            ("query=1&time=2026-02-28T00:00:00%2B25:00", "to a valid timestamp\""),
            ("query=&query=1", "parse error: no expression found in input\""),
            ("query=1&timeout=1e30", "cannot parse \\\"1e30\\\" to a valid duration. It overflows int64\""),
            ("query=1&timeout=x&lookback_delta=y", "invalid parameter \\\"timeout\\\": cannot parse \\\"x\\\""),
            (
                "query=sum(&lookback_delta=y",
                "\"error\":\"error parsing lookback delta duration: cannot parse \\\"y\\\" to a valid duration\""
            ),
            (
                "query=1&limit=abc",
                "invalid parameter \\\"limit\\\": strconv.Atoi: parsing \\\"abc\\\": invalid syntax\""
            ),
            (
                "query=1&limit=99999999999999999999",
                "strconv.Atoi: parsing \\\"99999999999999999999\\\": value out of range\""
            ),
            ("query=1&limit=-1", "invalid parameter \\\"limit\\\": limit must be non-negative\""),
            ("query=topk(NaN,vector(1))", "\"errorType\":\"execution\",\"error\":\"Parameter value is NaN\""),
            ("query=1&timeout=0", "\"errorType\":\"timeout\",\"error\":\"query timed out in query queue\""),
        ])
    func errors(_ form: String, _ part: String) {
        let endpoints = endpoints()
        let text = body { () throws(APIError) in try endpoints.instant(request("query", form)) }
        #expect(text.contains(part), "\(text)")
        #expect(active.list().isEmpty)
    }

    @Test("a lookback of nothing or less is the server's own", arguments: ["0", "-1", "5m"])
    func lookback(text: String) throws {
        _ = try store.append(
            SampleBatch([
                .init(labels: LabelSet(["__name__": "a"]), columns: SampleColumns(timestamps: [1_000], values: [7]))
            ]), onRejection: .refuseAll)
        let endpoints = endpoints()
        let answer = body { () throws(APIError) in
            try endpoints.instant(request("query", "query=a&time=100&lookback_delta=\(text)"))
        }
        #expect(answer.contains(#""value":[100,"7"]"#), "\(answer)")
    }

    @Test("a range needs two times, a step and not too many points")
    func range() {
        let endpoints = endpoints()
        func text(_ form: String) -> String {
            body { () throws(APIError) in try endpoints.range(request("query_range", form)) }
        }
        #expect(text("query=1&end=1&step=1").contains(#"parameter \"start\": cannot parse \"\" to a valid timestamp"#))
        #expect(text("query=1&start=1&end=2").contains(#"parameter \"step\": cannot parse \"\" to a valid duration"#))
        #expect(text("query=1&start=1&end=2&step=1e30").contains("to a valid duration. It overflows int64"))
        #expect(text("query=1&start=1&end=2&step=NaN").contains("zero or negative query resolution step widths"))
        #expect(text("query=1&start=0&end=1&step=0.0019").contains(#"[0.001,"1"],[0.002,"1"]"#))
        #expect(text("query=1&start=2&end=1&step=1").contains("end timestamp must not be before start time"))
        #expect(text("query=1&start=0&end=1&step=0").contains("zero or negative query resolution step widths"))
        #expect(text("query=1&start=0&end=99999&step=1").contains("exceeded maximum resolution of 11,000 points"))
        #expect(text("query=x[5m]&start=0&end=1&step=1").contains("\"errorType\":\"bad_data\""))
        #expect(
            text("query=1&start=0&end=2&step=1").contains(
                #""result":[{"metric":{},"values":[[0,"1"],[1,"1"],[2,"1"]]}]"#))
    }

    @Test("times of scalars and strings are printed as numbers are, those of samples with three digits or none")
    func times() {
        let endpoints = endpoints()
        func text(_ form: String) -> String {
            body { () throws(APIError) in try endpoints.instant(request("query", form)) }
        }
        #expect(text("query=1&time=1.01").contains(#""result":[1.01,"1"]"#))
        #expect(text("query=1&time=292277025-08-18T07:12:54.999999999Z").contains("success"))
        #expect(text("query='a'&time=1.5").contains(#""result":[1.5,"a"]"#))
        #expect(text("query=vector(1)&time=1.01").contains(#""value":[1.010,"1"]"#))
        // The fraction alone is rounded, as Prometheus does it.
        #expect(text("query=1&time=1.0005").contains(#""result":[1,"1"]"#))
        #expect(text("query=1&time=1.0025").contains(#""result":[1.002,"1"]"#))
        #expect(text("query=1&time=-1.5005").contains(#""result":[-1.5,"1"]"#))
        #expect(text("query=1&time=1435781451.781").contains(#""result":[1435781451.781,"1"]"#))
        #expect(text("query=1&time=1_0.5").contains(#""result":[10.5,"1"]"#))
        #expect(text("query=1&time=0x1p4").contains(#""result":[16,"1"]"#))
        #expect(text("query=1&time=1_").contains("cannot parse"))
        #expect(text("query=1e21&time=1").contains(#""result":[1,"1000000000000000000000"]"#))
        #expect(text("query=vector(1e21)&time=1").contains(#""value":[1,"1e+21"]"#))
    }

    @Test("stats and plan come where they are asked for")
    func statistics() {
        let endpoints = endpoints()
        func text(_ form: String) -> String {
            body { () throws(APIError) in try endpoints.instant(request("query", form)) }
        }
        #expect(!text("query=1").contains("stats"))
        #expect(text("query=1&stats=all").contains("\"execQueueTime\":"))
        #expect(!text("query=1&stats=all").contains("warnings"))
        #expect(text("query=1&stats=yes").contains("deprecated"))
        #expect(
            text("query=sum(vector(1))&explain=true").contains(
                "\"plan\":{\"expression\":\"sum(vector(1))\",\"series\":1,"))
    }

    @Test(
        "an expression is given as a tree",
        arguments: [
            ("1.50", #"{"type":"numberLiteral","val":"1.5"}"#),
            (
                "-foo",
                #"{"expr":{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"foo"}],"name":"foo","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"op":"-","type":"unaryExpr"}"#
            ),
            ("(\"a\")", #"{"expr":{"type":"stringLiteral","val":"a"},"type":"parenExpr"}"#),
            (
                "time()",
                #"{"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar","variadic":0},"type":"call"}"#
            ),
            (
                "1 == bool 2",
                #"{"bool":true,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,"op":"==","rhs":{"type":"numberLiteral","val":"2"},"type":"binaryExpr"}"#
            ),
        ])
    func parse(_ query: String, _ tree: String) {
        let endpoints = endpoints()
        var parse = request("parse_query", "")
        parse.parameters.prepend(formEncoded: "query=" + query.replacingSpecials)
        #expect(body { () throws(APIError) in try endpoints.parse(parse) } == #"{"status":"success","data":\#(tree)}"#)
    }

    @Test("a tree tells of every modifier")
    func parseModifiers() {
        let endpoints = endpoints()
        func text(_ query: String) -> String {
            body { () throws(APIError) in
                try endpoints.parse(request("parse_query", "query=" + query.replacingSpecials))
            }
        }
        let range = text("rate(x{b!=\"c\"}[5m] @ 1.5 offset step())")
        #expect(
            range.contains(
                #""offset":0,"offsetExpr":{"lhs":null,"op":"step","rhs":null,"type":"durationExpr","wrapped":false},"range":300000,"rangeExpr":null"#
            ), "\(range)")
        #expect(range.contains(#""timestamp":1500,"type":"matrixSelector""#))
        #expect(range.contains(#""argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0"#))
        let subquery = text("max_over_time(x[1h:] @ end() offset 5m)")
        #expect(
            subquery.contains(
                #""offset":300000,"offsetExpr":null,"range":3600000,"rangeExpr":null,"startOrEnd":"end","step":0,"stepExpr":null,"timestamp":null,"type":"subquery""#
            ), "\(subquery)")
        let matching = text("a * on (b) group_left (c) fill_right (2) d")
        #expect(
            matching.contains(
                #""matching":{"card":"many-to-one","fillValues":{"lhs":null,"rhs":2},"include":["c"],"labels":["b"],"on":true}"#
            ), "\(matching)")
        #expect(
            text("quantile without (x) (0.5, y)").contains(
                #""grouping":["x"],"op":"quantile","param":{"type":"numberLiteral","val":"0.5"},"type":"aggregation","without":true"#
            ))
    }

    @Test("queries that wait are listed with who asks, and ended by number")
    func list() throws {
        let endpoints = ActiveQueryEndpoints(active: active)
        let query = try active.admit(
            QueryDescription(
                text: "up", start: Timestamp(milliseconds: 0), end: Timestamp(milliseconds: 1500),
                stepMilliseconds: 500, userAgent: "test/1", client: "::1"))
        let text = body { () throws(APIError) in endpoints.list(request("status/queries", "")) }
        #expect(
            text.contains(
                #""running":0,"waiting":1,"sending":0,"memoryBytes":0,"limits":{"concurrency":20,"queue":500,"memoryBytes":1073741824}"#
            ))
        #expect(
            text.contains(
                #"{"id":"1","state":"waiting","query":"up","start":0,"end":1.500,"step":0.500,"userAgent":"test/1","client":"::1""#
            ), "\(text)")
        #expect(
            body { () throws(APIError) in try endpoints.end("7") }.contains(
                "no query 7 is waiting, running or being answered"))
        #expect(body { () throws(APIError) in try endpoints.end("1") } == #"{"status":"success","data":{"ended":"1"}}"#)
        #expect(query.cancellation.isCancelled)
    }

    @Test("a query log has the questions of rules, with their group")
    func loggingOfRules() throws {
        let folder = TemporaryDirectory()
        let path = folder.path + "/queries.log"
        #expect(log.write(to: path))
        let querying = EngineRuleQuerying(engine: QueryEngine(), store: store) { [log] in log.log($0) }
        let group = RuleGroupOrigin(file: "r.yml", name: "g")
        _ = try querying.instant("vector(1)", at: Timestamp(milliseconds: 1500), of: group)
        _ = try? querying.instant("topk(NaN, vector(1))", at: Timestamp(milliseconds: 1500), of: group)
        // Nobody's group: a unit test's.
        _ = try querying.instant("vector(2)", at: Timestamp(milliseconds: 1500))
        let lines = TemporaryDirectory.read(path).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasSuffix(#","ruleGroup":{"file":"r.yml","name":"g"}}"#) == true, "\(lines)")
        #expect(lines.first?.contains(#""params":{"end":"1970-01-01T00:00:01.500Z","query":"vector(1)","#) == true)
        #expect(lines.last?.contains(#""error":"Parameter value is NaN","#) == true)
    }

    @Test("a query log has a line of JSON for each query, failures with their error")
    func logging() {
        let folder = TemporaryDirectory()
        let path = folder.path + "/queries.log"
        #expect(!log.write(to: folder.path + "/missing/queries.log"))
        #expect(log.write(to: path))
        let endpoints = endpoints()
        _ = body { () throws(APIError) in
            try endpoints.range(request("query_range", "query=1%2B1&start=0&end=2&step=0.5"))
        }
        _ = body { () throws(APIError) in try endpoints.instant(request("query", "query=topk(NaN,vector(1))&time=5")) }
        let lines = TemporaryDirectory.read(path).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(
            lines.first?.contains(
                #""msg":"promql query logged","params":{"end":"1970-01-01T00:00:02.000Z","query":"1+1","start":"1970-01-01T00:00:00.000Z","step":0.5},"stats":{"timings":{"#
            ) ?? false, "\(lines)")
        #expect(lines.last?.contains(#""error":"Parameter value is NaN""#) ?? false)
        #expect(lines.last?.contains(#""httpRequest":{"clientIP":"","method":"GET","path":"/api/v1/query"}}"#) ?? false)
    }
}

extension String {
    /// Escaped for a form, as far as these tests need it.
    fileprivate var replacingSpecials: String {
        var result = ""
        for character in self { result += character == "+" ? "%2B" : character == "&" ? "%26" : String(character) }
        return result
    }
}
