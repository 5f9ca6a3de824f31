import MetricModel
import Storage
import TestSupport
import Testing

@testable import Rules

@Suite("Unit tests of rules")
struct RuleTestRunnerTests {
    private static func file(_ test: RuleTest) -> RuleTestFile {
        RuleTestFile(
            path: "t.yml",
            files: [
                RuleFileContents(
                    path: "r.yml",
                    groups: [
                        RuleGroupSettings(
                            name: "g",
                            rules: [
                                RuleSettings(
                                    kind: .recording, name: "job:up:sum", expression: "sum by (job) (up)"),
                                RuleSettings(
                                    kind: .alerting, name: "Down", expression: "job:up:sum < 1",
                                    holdMilliseconds: 120_000, labels: ["severity": "page"],
                                    annotations: ["summary": "{{ $labels.job }} {{ $value }}"]),
                            ])
                    ])
            ], tests: [test])
    }

    private static func run(_ test: RuleTest) -> [String] {
        RuleTestRunner { () throws(RuleError) in MemoryStore() }.run(file(test)).flatMap(\.failures)
    }

    private static let series = [RuleTest.InputSeries(series: #"up{job="a", instance="x"}"#, values: "1 1 0x10")]
    private static let alert = RuleTest.ExpectedAlert(
        labels: ["job": "a", "severity": "page"], annotations: ["summary": "a 0"])

    @Test("alerts and expressions are compared at their time")
    func passes() {
        let test = RuleTest(
            inputSeries: Self.series,
            alertChecks: [
                .init(evaluationMilliseconds: 180_000, alertName: "Down"),
                .init(evaluationMilliseconds: 270_000, alertName: "Down", expected: [Self.alert]),
            ],
            expressionChecks: [
                .init(
                    expression: "job:up:sum", evaluationMilliseconds: 60_000,
                    expected: [.init(labels: #"job:up:sum{job="a"}"#, value: 1)]),
                .init(
                    expression: "count(ALERTS{alertstate=\"pending\"})", evaluationMilliseconds: 120_000,
                    expected: [.init(labels: "{}", value: 1)]),
            ])
        #expect(Self.run(test) == [])
    }

    @Test("what differs is shown with what was expected")
    func fails() {
        let failures = Self.run(
            RuleTest(
                inputSeries: Self.series,
                alertChecks: [
                    .init(evaluationMilliseconds: 60_000, alertName: "Down", expected: [Self.alert])
                ],
                expressionChecks: [
                    .init(
                        expression: "job:up:sum", evaluationMilliseconds: 0,
                        expected: [.init(labels: #"job:up:sum{job="a"}"#, value: 2)])
                ]))
        #expect(failures.count == 2)
        #expect(failures.first?.contains("expected: {alertname=\"Down\"") == true)
        #expect(failures.last?.contains("got:      job:up:sum{job=\"a\"} 1") == true)
    }

    @Test("a series that does not parse fails its test")
    func badInput() {
        #expect(Self.run(RuleTest(inputSeries: [.init(series: "up{", values: "1")])).count == 1)
    }
}
