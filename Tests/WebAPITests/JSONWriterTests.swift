import MetricModel
import Testing

@testable import WebAPI

@Suite("The API's JSON")
struct JSONWriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test(
        "sample values have Prometheus' forms",
        arguments: [
            (0.0, "\"0\""), (1.0, "\"1\""), (-0.5, "\"-0.5\""), (1e20, "\"100000000000000000000\""),
            (1e21, "\"1e+21\""),
            (1e-6, "\"0.000001\""), (1e-7, "\"1e-07\""), (Double.nan, "\"NaN\""), (Double.infinity, "\"+Inf\""),
            (-Double.infinity, "\"-Inf\""), (0.1 + 0.2, "\"0.30000000000000004\""),
        ])
    func values(value: Double, expected: String) {
        #expect(text { $0.sampleValue(value) } == expected)
    }

    @Test(
        "timestamps have no fraction or three digits",
        arguments: [(1_435_781_451_781, "1435781451.781"), (1000, "1"), (1010, "1.010"), (-1500, "-1.500"), (0, "0")]
            as [(Int64, String)])
    func timestamps(milliseconds: Int64, expected: String) {
        #expect(text { $0.timestamp(milliseconds: milliseconds) } == expected)
    }

    @Test("points are pairs of a time and a value, many or none")
    func points() {
        for count in [0, 1, 255, 256, 257, 700] {
            var times: [Int64] = []
            var values: [Double] = []
            for index in 0..<count {
                times.append(Int64(index) * 1500 - 3000)
                let fraction: Double = 1e-9 * Double(index * index)
                values.append(index % 5 == 0 ? Double(index) : fraction + 0.1)
            }
            let wanted = text { writer in
                writer.array(of: 0..<count) { writer, index in
                    writer.beginArray()
                    writer.timestamp(milliseconds: times[index])
                    writer.sampleValue(values[index])
                    writer.endArray()
                }
            }
            let written = text { writer in
                writer.beginArray()
                writer.points(times, values)
                writer.endArray()
            }
            #expect(written == wanted)
        }
    }

    @Test("a time behind another one is written as it is alone, wherever they lie")
    func timesInARow() {
        var times: [Int64] = [0, 9_999_999, 10_000_000, 99_999_999, 100_000_000, -1, .min, .max, 1_764_028_800_000]
        for seconds in stride(from: Int64(1_764_009_990), to: 1_764_030_010, by: 17) { times.append(seconds * 1000) }
        for power in 0..<63 { times += [1 << Int64(power), -(1 << Int64(power)), 1 << Int64(power) - 1] }
        times += times.reversed()
        let written = text { $0.points(times, times.map { _ in 1 }) }
        let wanted = times.map { time in "[" + text { $0.timestamp(milliseconds: time) } + #","1"]"# }
        #expect(written == wanted.joined(separator: ","))
    }

    @Test("markup is escaped in texts and left alone in labels; control characters are escaped everywhere")
    func escapes() {
        #expect(text { $0.string("<a&b>\n\"\\\u{1}") } == #""\u003ca\u0026b\u003e\n\"\\\u0001""#)
        #expect(text { $0.labels(LabelSet(["a": "<b>\t"])) } == #"{"a":"<b>\t"}"#)
    }

    @Test(
        "every byte is escaped as alone, wherever it stands in a label or a text, and what needs none is left as it is")
    func escapesEverywhere() {
        func spelled(_ text: String, markup: Bool) -> String {
            text.unicodeScalars.map { scalar in
                switch scalar {
                case "\"", "\\": "\\\(scalar)"
                case "\n": "\\n"
                case "\r": "\\r"
                case "\t": "\\t"
                case "<", ">", "&": markup ? "\\u00" + String(scalar.value, radix: 16) : String(scalar)
                default:
                    scalar.value < 0x20
                        ? "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16) : String(scalar)
                }
            }.joined()
        }
        let odd = (0..<0x80).map { String(Character(Unicode.Scalar(UInt8($0)))) } + ["ä", "€", "𝄞", "!", "#", "[", "]"]
        for length in [0, 1, 2, 7, 8, 9, 16, 126, 127, 128, 130] {
            let places = length < 20 ? Array(0...length) : [0, length / 2, length]
            for (place, piece) in places.flatMap({ place in odd.map { (place, $0) } }) {
                let value = String(repeating: "x", count: place) + piece + String(repeating: "y", count: length - place)
                #expect(text { $0.string(value) } == "\"" + spelled(value, markup: true) + "\"")
                for name in ["a", "instance"] {
                    let labels = LabelSet([(name: name, value: value), (name: "job", value: "node")])
                    let pair = "\"\(name)\":\"\(spelled(value, markup: false))\""
                    #expect(text { $0.labels(labels) } == "{\(pair),\"job\":\"node\"}")
                    let alone = LabelSet([(name: name, value: value)])
                    #expect(
                        text { $0.array(of: [0, 1]) { writer, _ in writer.labels(alone) } } == "[{\(pair)},{\(pair)}]")
                }
            }
        }
        #expect(text { $0.labels(.empty) } == "{}")
    }

    @Test("labels of usual letters are copied as they are, those with one to escape are not")
    func plainLabels() {
        func isPlain(_ value: String) -> Bool {
            let encoded = LabelSet(["__name__": "up", "instance": value]).encoded
            let room = PlainLabels.room(forBytes: encoded.count)
            return unsafe withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { buffer in
                guard let start = buffer.baseAddress else { return false }
                return unsafe encoded.withUnsafeBytes { unsafe PlainLabels.write($0, at: start) != nil }
            }
        }
        for scalar in UInt8(0x20)..<0x7f where scalar != UInt8(ascii: "\"") && scalar != UInt8(ascii: "\\") {
            #expect(isPlain("127.0.0.1:9100 äöü" + String(Character(Unicode.Scalar(scalar)))))
        }
        for special in ["\"", "\\", "\n", "\0", "\u{1f}"] {
            for count in 0..<20 { #expect(!isPlain(String(repeating: "x", count: count) + special + "yyy")) }
        }
    }

    @Test("series have their own times, whatever those before them had")
    func timesOfSeries() {
        let series: [[Int64]] = [
            [1000, 2000, 3000, 5000], [], [2000, 3000, 4000, 5000, 6000], [6500, 7000], [500, 1000, 6500, 7000, 8000],
            [-1000, 0, 7000], (0..<3000).map { 1_764_000_000_000 + $0 * 15_000 },
            [8000, 1_764_000_015_000, 7000, 8000],
            [999_999_999_999_000, 9_999_999_999_999_000, .max], [.min, -1, .max - 1], (0..<5000).map { $0 * 500 },
        ]
        let rows = series + series.flatMap { [$0, $0, $0] }
        let written = text { writer in
            writer.array(of: rows) { writer, times in
                writer.beginArray()
                writer.points(times, times.map { _ in 0.5 })
                writer.endArray()
            }
        }
        let wanted = rows.map { times in
            let points = times.map { time in "[" + text { $0.timestamp(milliseconds: time) } + #","0.5"]"# }
            return "[" + points.joined(separator: ",") + "]"
        }
        #expect(written == "[" + wanted.joined(separator: ",") + "]")
    }

    @Test("a histogram has its buckets in ascending order, empty ones left out, each with the rule of its bounds")
    func histograms() {
        let exponential = NativeHistogram(
            schema: 0, zeroThreshold: 0.001, zeroCount: 1, count: 6, sum: 3,
            positiveSpans: [.init(offset: 0, length: 3)], negativeSpans: [.init(offset: 1, length: 1)],
            positiveBuckets: [2, 0, 1], negativeBuckets: [2])
        let buckets = #"[[1,"-2","-1","2"],[3,"-0.001","0.001","1"],[0,"0.5","1","2"],[0,"2","4","1"]]"#
        #expect(text { $0.nativeHistogram(exponential) } == #"{"count":"6","sum":"3","buckets":"# + buckets + "}")
        let custom = NativeHistogram(
            schema: -53, count: 3, sum: 9, positiveSpans: [.init(offset: 0, length: 2)], positiveBuckets: [1, 2],
            customValues: [5])
        let bounds = #"[[3,"-Inf","5","1"],[0,"5","+Inf","2"]]"#
        #expect(text { $0.nativeHistogram(custom) } == #"{"count":"3","sum":"9","buckets":"# + bounds + "}")
        #expect(text { $0.nativeHistogram(NativeHistogram()) } == #"{"count":"0","sum":"0"}"#)
    }

    @Test("commas stand between members and elements only")
    func commas() {
        let written = text { writer in
            writer.object {
                $0.key("a")
                $0.array(of: [1, 2]) { $0.integer($1) }
                $0.key("b")
                $0.object { _ in }
                $0.key("c")
                $0.null()
            }
        }
        #expect(written == #"{"a":[1,2],"b":{},"c":null}"#)
    }
}

@Suite("Requests")
struct APIRequestTests {
    @Test("parameters are decoded, repeated ones kept in order")
    func parameters() {
        let parameters = QueryParameters(formEncoded: "query=a%2Bb+c&match[]=x&match%5B%5D=y&empty=&&=&a=b=c&d")
        #expect(parameters["query"] == "a+b c")
        #expect(parameters.all("match[]") == ["x", "y"])
        #expect(parameters["empty"] == nil)
        #expect(parameters["a"] == "b=c")
        #expect(parameters.all("d") == [""] && parameters.all("") == [""])
        #expect(parameters.problem == nil)
    }

    /// Each beside Prometheus 2.42, whose paths of queries go on with the rest and whose lists refuse.
    @Test(
        "a piece with a broken escape or a semicolon is left out, and the first mistake is told in Go's words",
        arguments: [
            ("query=%zz&a=1", #"invalid URL escape "%zz""#), ("a=1&query=1%", #"invalid URL escape "%""#),
            ("a=1&query=1%4", #"invalid URL escape "%4""#), ("%4xy=1&a=1", #"invalid URL escape "%4x""#),
            ("query=1;time=5&a=1", "invalid semicolon separator in query"),
            ("query=%zz&query=1;2&a=1", #"invalid URL escape "%zz""#),
        ])
    func brokenPieces(form: String, problem: String) throws {
        let parameters = QueryParameters(formEncoded: form)
        #expect(parameters["query"] == nil && parameters["a"] == "1")
        #expect(parameters.problem == problem)
        var posted = QueryParameters(formEncoded: "query=url&x=;")
        posted.prepend(formEncoded: form)
        #expect(posted["query"] == "url" && posted.problem == problem)
        let error = #expect(throws: APIError.self) { try parameters.checkWhole() }
        #expect(error?.message == "error parsing form values: " + problem && error?.status == 400)
    }

    @Test("a route tells its methods in the order of letters, OPTIONS among them")
    func allowedMethods() {
        let route = Route([.post, .get], "/x", scope: .readOnly) { (_, _) in .noContent }
        #expect(route.allowedMethods == "GET, OPTIONS, POST")
    }

    @Test("header fields are found whatever their letters are, the last of a name")
    func headers() {
        let headers: RequestHeaders = ["Accept-Encoding": "gzip", "X-A[": "1", "x-a{": "2", "ACCEPT-ENCODING": "br"]
        #expect(headers["accept-encoding"] == "br")
        #expect(headers["x-a["] == "1")
        #expect(headers["x-a{"] == "2")
        #expect(headers["accept"] == nil)
    }

    @Test("a form body wins over the address")
    func precedence() {
        var parameters = QueryParameters(formEncoded: "query=url&only=url")
        parameters.prepend(formEncoded: "query=body")
        #expect(parameters["query"] == "body" && parameters["only"] == "url")
    }

    @Test("times and durations that are none are refused by name")
    func mistakes() {
        let parameters = QueryParameters(formEncoded: "time=x&step=1q&limit=-1")
        #expect(throws: APIError.self) { try parameters.time("time") }
        do { _ = try parameters.duration("step") } catch {
            #expect(error.message == "invalid parameter \"step\": cannot parse \"1q\" to a valid duration")
        }
        #expect(throws: APIError.self) { try parameters.limit() }
    }

    @Test(
        "escaped names in paths",
        arguments: [("up", "up"), ("U__a_2e_b", "a.b"), ("U__a__b", "a_b"), ("U__bad_zz_", "U__bad_zz_")])
    func names(text: String, expected: String) {
        #expect(EscapedName.unescape(text) == expected)
    }

    @Test("a path with a changing part")
    func patterns() {
        let pattern = Route.Pattern.between(prefix: "/api/v1/label/", suffix: "/values")
        #expect(pattern.match("/api/v1/label/job/values") == "job")
        #expect(pattern.match("/api/v1/label//values") == nil)
        #expect(pattern.match("/api/v1/label/a/b/values") == nil)
        #expect(pattern.match("/api/v1/label/values") == nil)
    }
}
