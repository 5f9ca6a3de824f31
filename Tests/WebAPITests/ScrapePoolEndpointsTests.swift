import MetricModel
import Testing

@testable import WebAPI

@Suite("Scrape pools and origins")
struct ScrapePoolEndpointsTests {
    private static func text(_ response: APIResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("each rule shows what it leaves, and after a drop nothing is left")
    func steps() throws {
        let relabeler = Relabeler([
            try RelabelRule(sourceLabels: ["a"], targetLabel: "b"),
            try RelabelRule(action: .drop, sourceLabels: ["b"], regex: "x"),
            try RelabelRule(targetLabel: "c", replacement: "d"),
        ])
        let answer = Self.text(ScrapePoolEndpoints.steps(of: relabeler, from: LabelSet(["a": "x"])))
        #expect(
            answer == #"{"status":"success","data":{"steps":["#
                + #"{"rule":{"sourceLabels":["a"],"separator":";","regex":"(.*)","targetLabel":"b","#
                + #""replacement":"$1","action":"replace"},"output":{"a":"x","b":"x"},"keep":true},"#
                + #"{"rule":{"sourceLabels":["b"],"separator":";","regex":"x","replacement":"$1","action":"drop"},"#
                + #""output":{},"keep":false},"#
                + #"{"rule":{"separator":";","regex":"(.*)","targetLabel":"c","replacement":"d","action":"replace"},"#
                + #""output":{},"keep":false}]}}"#, "\(answer)")
    }

    @Test(
        "labels are an object of texts",
        arguments: [
            ("%7B%22a%22:%22b%22%7D", true), ("%7B%22a%22:1%7D", false), ("[]", false), ("%7B", false), ("", false),
        ])
    func labels(text: String, isRight: Bool) {
        let request = APIRequest(path: "", parameters: QueryParameters(formEncoded: "labels=" + text))
        #expect((try? ScrapePoolEndpoints.labels(request)) == (isRight ? LabelSet(["a": "b"]) : nil))
    }

    @Test("origins are told that they may read: all, or those that fit the pattern")
    func origins() throws {
        func allowed(_ pattern: String?, _ origin: String?) throws -> String? {
            let headers = OriginHeaders(allowed: try pattern.map { try RegexPattern($0) })
            let fields = headers.fields(for: origin)
            #expect(fields.contains { $0.name == "Vary" && $0.value == "Origin" })
            return fields.first { $0.name == "Access-Control-Allow-Origin" }?.value
        }
        #expect(try allowed(nil, "http://x") == "*")
        #expect(try allowed(nil, nil) == nil)
        #expect(try allowed("https?://(a|b)", "http://b") == "http://b")
        #expect(try allowed("https?://(a|b)", "http://b.evil") == nil)
    }
}
