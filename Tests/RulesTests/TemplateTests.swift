import MetricModel
import Testing

@testable import Rules

/// Expected texts were taken from `promtool test rules` of Prometheus 2.42, which expands the same templates.
@Suite("Templates")
struct TemplateTests {
    private static let samples = [
        TemplateSample(labels: LabelSet(["__name__": "m", "x": "b"]), value: 2),
        TemplateSample(labels: LabelSet(["__name__": "m", "x": "a"]), value: 1_234_567.5),
    ]

    private static func environment(_ limits: TemplateLimits = .init()) -> TemplateEnvironment {
        TemplateEnvironment(
            now: Timestamp(milliseconds: 1_500), externalURL: "http://ex.com:9090/pre", limits: limits
        ) { (text) throws(TemplateError) in
            if text == "m" { return samples }
            if text == "nothing" { return [] }
            throw TemplateError("query: unknown")
        }
    }

    private static func expand(_ text: String, limits: TemplateLimits = .init()) throws -> String {
        try Template(text, limits: limits).expanded(
            AlertTemplateData(
                labels: LabelSet(["__name__": "m", "x": "a"]), value: 1_234_567.5,
                externalLabels: LabelSet(["site": "berlin"]), externalURL: "http://ex.com:9090/pre"),
            in: environment(limits))
    }

    @Test(
        "what Go prints",
        arguments: [
            ("plain", "plain"),
            ("{{ $value }} {{ .Value }} {{ $labels.x }} {{ .Labels.x }}", "1.2345675e+06 1.2345675e+06 a a"),
            ("{{ $externalLabels.site }} {{ .ExternalURL }}", "berlin http://ex.com:9090/pre"),
            ("[{{ $labels.nope }}]", "[]"),
            (
                #"{{ printf "%v %g %f %.3f" 1e6 123456789.0 1e20 $value }}"#,
                "1e+06 1.23456789e+08 100000000000000000000.000000 1234567.500"
            ),
            (
                #"{{ printf "%e %5.1f|%-8s|%08.3f %d %s %q %x %t %+d" 12345.678 2.25 "ab" -3.14159 42 "x" "q\"x" 255 true 7 }}"#,
                #"1.234568e+04   2.2|ab      |-003.142 42 x "q\"x" ff true +7"#
            ),
            (
                #"{{ printf "%d" "x" }} {{ printf "%s" 1 }} {{ printf "%d" }} {{ printf "x" 1 "y" }}"#,
                "%!d(string=x) %!s(int=1) %!d(MISSING) x%!(EXTRA int=1, string=y)"
            ),
            (
                #"{{ printf "%v %v %v %v" 100000.0 1e21 1e-5 0.0001 }} {{ 1e6 }} {{ 1.5e300 }} {{ 1e20 }}"#,
                "100000 1e+21 1e-05 0.0001 1e+06 1.5e+300 1e+20"
            ),
            (
                #"{{ range $i, $e := query "m" }}{{ $i }}={{ $e.Labels.x }}:{{ .Value }};{{ else }}none{{ end }} {{ len (query "m") }}"#,
                "0=b:2;1=a:1.2345675e+06; 2"
            ),
            (#"{{ range query "nothing" }}x{{ else }}none{{ end }}"#, "none"),
            (#"{{ .Labels }} {{ index $labels "x" }}"#, "map[__name__:m x:a] a"),
            ("{{ if gt $value 1.0 }}big{{ else if eq $value 1.0 }}one{{ else }}small{{ end }}", "big"),
            ("{{ with $x := 5 }}{{ $x }}{{ end }} {{- /* c */ -}}  tail", "5tail"),
            (#"{{ print 1 2 "a" 3 4.5 }}|{{ println "x" 1 }}"#, "1 2a3 4.5|x 1\n"),
            (
                #"{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" "q" }} {{ template "t" $value }}"#,
                "[q] [1.2345675e+06]"
            ),
            (#"{{ block "b" 3 }}<{{ . }}>{{ end }}"#, "<3>"),
            (
                #"{{ args 1 "b" }} {{ and 1 0 }} {{ or 0 "z" }} {{ not true }} {{ slice "abcdef" 1 3 }}"#,
                "map[arg0:1 arg1:b] 0 z false bc"
            ),
            (#"{{ urlquery "a b&c" }} {{ html "<a>" }} {{ js "a<b" }}"#, #"a+b%26c &lt;a&gt; a\u003Cb"#),
            (
                #"{{ $x := 1 }}{{ range query "m" | sortByLabel "x" }}{{ $x = 2 }}{{ label "x" . }}{{ value . }}{{ end }}{{ $x }}"#,
                "a1.2345675e+06b22"
            ),
            (#"{{ query "m" | first | value | humanize }}"#, "2"),
            (
                "{{ range $n := 5 }}{{ if eq $n 1 }}{{ continue }}{{ end }}{{ if eq $n 3 }}{{ break }}{{ end }}{{ $n }}{{ end }}",
                "02"
            ),
            ("a {{- 1 -}} b", "a1b"),
            ("{{ 'a' }} {{ 0x1f }} {{ -3 }} {{ `raw\\n` }}", "97 31 -3 raw\\n"),
        ])
    func prints(text: String, expected: String) throws {
        #expect(try Self.expand(text) == expected)
    }

    @Test(
        "Prometheus' functions",
        arguments: [
            ("{{ humanize 1234567.0 }} {{ humanize1024 1234567.0 }}", "1.235M 1.177Mi"),
            ("{{ humanize \"0.00012\" }} {{ humanize 0.0 }} {{ humanize 1e30 }}", "120u 0 1e+06Y"),
            (
                "{{ humanizeDuration 93784.5 }} {{ humanizeDuration 0.0012 }} {{ humanizeDuration 59.5 }}",
                "1d 2h 3m 4s 1.2ms 59.5s"
            ),
            ("{{ humanizePercentage 0.12345 }}", "12.35%"),
            ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
            (#"{{ (toTime 1435065584.0).Format "Mon Jan _2 15:04 2006" }}"#, "Tue Jun 23 13:19 2015"),
            (#"{{ toDuration 90.5 }} {{ parseDuration "1h30m" }} {{ now }}"#, "1m30.5s 5400 1.5"),
            (#"{{ title "hello world" }} {{ toUpper "abc" }} {{ toLower "ABC" }}"#, "Hello World ABC abc"),
            (#"{{ match "a+" "xaay" }} {{ reReplaceAll "(.*):.*" "$1!" "host:90" }}"#, "true host!"),
            (#"{{ reReplaceAll "a*" "x" "baac" }}"#, "xbxcx"),
            (
                #"{{ stripPort "1.2.3.4:80" }} {{ stripDomain "a.b.c:80" }} {{ stripDomain "1.2.3.4:80" }}"#,
                "1.2.3.4 a:80 1.2.3.4:80"
            ),
            (
                #"{{ graphLink "up{a=\"b\"}" }} {{ tableLink "x" }}"#,
                "/graph?g0.expr=up%7Ba%3D%22b%22%7D&g0.tab=0 /graph?g0.expr=x&g0.tab=1"
            ),
            ("{{ externalURL }} {{ pathPrefix }}", "http://ex.com:9090/pre /pre"),
        ])
    func functions(text: String, expected: String) throws {
        #expect(try Self.expand(text) == expected)
    }

    @Test(
        "what is wrong with a template is known when it is read, with its place",
        arguments: [
            ("{{ nofunc 1 }}", "1:4: function \"nofunc\" not defined"), ("a\n{{ if 1 }}x", "2:4: unclosed {{if}}"),
            ("{{ $y }}", "1:4: undefined variable \"$y\""), ("{{ 1", "1:1: unclosed action"),
            ("{{ end }}", "1:8: unexpected {{end}}"), ("{{ \"x }}", "1:4: unterminated quoted string"),
            ("{{ (1 }}", "1:7: unclosed left paren"), ("{{ break }}", "1:4: {{break}} outside {{range}}"),
        ])
    func readingErrors(text: String, message: String) {
        let error = #expect(throws: TemplateError.self) { try Template(text) }
        #expect(error?.description == message)
    }

    @Test(
        "what goes wrong while expanding stands in the text's place",
        arguments: [
            ("{{ .Nope }}", "1:4: can't evaluate field Nope: there is none of that name"),
            ("{{ gt $value 1 }}", "1:4: incompatible types for comparison: float64 and int"),
            ("{{ first (query \"nothing\") }}", "1:4: first() called on vector with no elements"),
            ("{{ query \"bad\" }}", "1:4: query: unknown"),
            ("{{ template \"none\" }}", "1:4: template \"none\" not defined"),
        ])
    func expandingErrors(text: String, message: String) throws {
        let template = try Template(text)
        let data = AlertTemplateData(labels: .empty, value: 1)
        #expect(template.text(data, in: Self.environment()) == "<error expanding template: \(message)>")
    }

    @Test("no template runs, nests or writes without end")
    func limits() throws {
        var limits = TemplateLimits()
        limits.steps = 1_000
        limits.outputBytes = 100
        limits.queries = 1
        #expect(throws: TemplateError.self) {
            try Self.expand(#"{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}"#)
        }
        #expect(throws: TemplateError.self) {
            try Self.expand("{{ range $i := 900 }}{{ range 900 }}{{ end }}{{ end }}", limits: limits)
        }
        #expect(throws: TemplateError.self) { try Self.expand("{{ range 200 }}x{{ end }}", limits: limits) }
        #expect(throws: TemplateError.self) { try Self.expand(#"{{ query "m" }}{{ query "m" }}"#, limits: limits) }
        #expect(throws: TemplateError.self) {
            try Template("{{ " + String(repeating: "(", count: 500) + "1" + String(repeating: ")", count: 500) + " }}")
        }
    }

    @Test("no text makes reading trap")
    func mutations() {
        let text =
            #"{{ define "t" }}{{ range $i, $e := query "m" | sortByLabel "x" -}} {{ if and (gt 1 2) $e.Labels.x }}a{{ else }}{{ printf "%5.2f" .Value }}{{ end }}{{ end }}{{ end }}"#
        let bytes = Array(text.utf8)
        for position in bytes.indices {
            for replacement in [
                UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "\""), UInt8(ascii: "("), 0xff, 0x20,
            ] {
                var changed = bytes
                changed[position] = replacement
                _ = try? Template(String(decoding: changed, as: UTF8.self))
            }
            _ = try? Template(String(decoding: bytes.prefix(position), as: UTF8.self))
        }
    }
}
