import MetricModel
import Testing

@testable import Scraping

@Suite("From discovery to targets")
struct TargetBuilderTests {
    static func build(_ job: ScrapeJobSettings, _ groups: [TargetGroup]) -> TargetBuilder.Result {
        TargetBuilder(job).build(from: groups)
    }

    @Test("a plain address gets the job, an instance and the job's URL")
    func plainAddress() throws {
        let result = Self.build(ScrapeJobSettings(jobName: "node"), [TargetGroup(addresses: ["db:9100"])])
        let target = try #require(result.active.first)
        #expect(target.labels == LabelSet(["instance": "db:9100", "job": "node"]))
        #expect(target.url.description == "http://db:9100/metrics")
        #expect(target.intervalMilliseconds == 60_000)
        #expect(target.timeoutMilliseconds == 10_000)
        #expect(
            target.discoveredLabels
                == LabelSet([
                    "__address__": "db:9100", "__metrics_path__": "/metrics", "__scheme__": "http",
                    "__scrape_interval__": "1m", "__scrape_timeout__": "10s",
                    "__scrape_native_histograms__": "false", "__always_scrape_classic_histograms__": "false",
                    "__convert_classic_histograms_to_nhcb__": "false", "job": "node",
                ]))
    }

    @Test("the target's labels win over the group's, both over the job's")
    func precedence() throws {
        let group = TargetGroup(
            targets: [LabelSet(["__address__": "a:1", "env": "target"])],
            labels: LabelSet(["env": "group", "job": "from-group", "__scheme__": "https", "__meta_x": "y"]))
        let target = try #require(Self.build(ScrapeJobSettings(jobName: "j"), [group]).active.first)
        #expect(target.labels == LabelSet(["env": "target", "job": "from-group", "instance": "a:1"]))
        #expect(target.url.scheme == "https")
        #expect(target.discoveredLabels["__meta_x"] == "y")
    }

    @Test("relabelling sees and changes everything")
    func relabelling() throws {
        var job = ScrapeJobSettings(jobName: "blackbox")
        job.metricsPath = "/probe"
        job.parameters = [
            QueryParameter(name: "module", values: ["http_2xx", "second"]), QueryParameter(name: "a b", values: ["ü&"]),
        ]
        job.targetRelabeling = Relabeler([
            try RelabelRule(sourceLabels: ["__address__"], targetLabel: "__param_target"),
            try RelabelRule(sourceLabels: ["__param_target"], targetLabel: "instance"),
            try RelabelRule(targetLabel: "__address__", replacement: "exporter:9115"),
            try RelabelRule(targetLabel: "__scrape_interval__", replacement: "30s"),
            try RelabelRule(sourceLabels: ["__param_module"], targetLabel: "module"),
        ])
        let target = try #require(Self.build(job, [TargetGroup(addresses: ["example.org:443"])]).active.first)
        #expect(target.labels == LabelSet(["instance": "example.org:443", "job": "blackbox", "module": "http_2xx"]))
        #expect(
            target.url.description
                == "http://exporter:9115/probe?a+b=%C3%BC%26&module=http_2xx&module=second&target=example.org%3A443")
        #expect(target.intervalMilliseconds == 30_000)
    }

    @Test("dropped targets are counted and kept up to the limit")
    func dropped() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.targetRelabeling = Relabeler([try RelabelRule(.keep, "__address__", matching: "keep.*")])
        let groups = [TargetGroup(addresses: ["keep:1", "a:1", "b:1", "c:1"])]
        #expect(Self.build(job, groups).dropped.count == 3)
        job.limits.keepDroppedTargets = 2
        let result = Self.build(job, groups)
        #expect(result.active.count == 1)
        #expect(result.dropped.map { $0["__address__"] } == ["a:1", "b:1"])
        #expect(result.droppedCount == 3)
    }

    @Test("two targets that come out the same are one")
    func collapses() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.targetRelabeling = Relabeler([try RelabelRule(targetLabel: "__address__", replacement: "same:1")])
        #expect(Self.build(job, [TargetGroup(addresses: ["a:1", "b:1"])]).active.count == 1)
    }

    @Test(
        "what cannot be a target is left out with a reason",
        arguments: [
            ("__address__", "", "no address"),
            ("__address__", "a/b", "\"a/b\" is not a valid address"),
            ("__address__", "a:b", "\"a:b\" is not a valid address"),
            ("__scheme__", "ftp", "invalid scheme \"ftp\""),
            ("__scrape_interval__", "soon", "error parsing scrape interval"),
            ("__scrape_interval__", "0", "scrape interval cannot be 0"),
            ("__scrape_timeout__", "0s", "scrape timeout cannot be 0"),
            ("__scrape_timeout__", "2m", "scrape timeout cannot be greater than scrape interval (\"2m\" > \"1m\")"),
            ("__scrape_native_histograms__", "maybe", "error parsing __scrape_native_histograms__"),
        ])
    func invalid(_ name: String, _ value: String, _ reason: String) throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.targetRelabeling = Relabeler([try RelabelRule(targetLabel: name, replacement: value)])
        let result = Self.build(job, [TargetGroup(addresses: ["a:1"], source: "static")])
        #expect(result.active.isEmpty)
        #expect(result.problems.first?.contains(reason) == true, "\(result.problems)")
    }

    @Test(
        "host and port of addresses",
        arguments: [
            ("a:1", "a", 1), ("a", "a", 80), ("[::1]:9100", "::1", 9100), ("[::1]", "::1", 80),
            (":9100", "localhost", 9100),
            ("a:0", "a", 0),
        ])
    func hostAndPort(_ address: String, _ host: String, _ port: Int) {
        let parts = TargetURL(scheme: "http", address: address, path: "/", query: "").hostAndPort
        #expect(parts?.host == host)
        #expect(parts?.port == port)
    }

    @Test("malformed addresses have no host", arguments: ["a:", "a:99999", "::1", "[::1", "[]:1", "", "a:+1"])
    func malformed(_ address: String) {
        #expect(TargetURL(scheme: "http", address: address, path: "/", query: "").hostAndPort == nil)
    }

    @Test("a job inherits what it does not say")
    func inheritance() {
        var defaults = ScrapeDefaults()
        defaults.intervalMilliseconds = 5_000
        #expect(ScrapeJobSettings(jobName: "j", inheriting: defaults).timeoutMilliseconds == 5_000)
        #expect(
            ScrapeJobSettings(jobName: "j", inheriting: defaults, intervalMilliseconds: 20_000).timeoutMilliseconds
                == 5_000)
        defaults.intervalMilliseconds = 60_000
        defaults.timeoutMilliseconds = 15_000
        #expect(
            ScrapeJobSettings(jobName: "j", inheriting: defaults, intervalMilliseconds: 10_000).timeoutMilliseconds
                == 10_000)
        defaults.limits.samples = 7
        var own = ScrapeLimits()
        own.labels = 3
        #expect(own.inheriting(defaults.limits).samples == 7)
        #expect(own.inheriting(defaults.limits).labels == 3)
    }

    @Test("settings that contradict themselves are refused")
    func contradictions() {
        func refusal(_ change: (inout ScrapeJobSettings) -> Void) -> String {
            var job = ScrapeJobSettings(jobName: "j")
            change(&job)
            do {
                try job.check()
                return "accepted"
            } catch {
                return error.description
            }
        }
        let lateTimeout = refusal { $0.timeoutMilliseconds = 61_000 }
        let pathInAddress = refusal { $0.discoveries = [.fixed([TargetGroup(addresses: ["http://a/"])])] }
        let loneCertificate = refusal { $0.client.tls.certificate = "x" }
        let twice = refusal { $0.protocols = [.openMetricsText0, .openMetricsText0] }
        let unchanged = refusal { _ in }
        #expect(unchanged == "accepted")
        #expect(lateTimeout == "scrape_timeout 1m1s is greater than scrape_interval 1m in job \"j\"")
        #expect(pathInAddress.contains("is not a valid target"))
        #expect(loneCertificate.contains("needs both cert and key"))
        #expect(twice.contains("one protocol twice"))
        let settings = ScrapeSettings(jobs: [ScrapeJobSettings(jobName: "a"), ScrapeJobSettings(jobName: "a")])
        #expect(throws: ScrapeSettingsError.duplicateJobName("a")) { try settings.check() }
    }
}
