import Cgroups
import ConfigurationFile
import MetricModel
import Notifications
import Rules
import Scraping
import TestSupport
import Testing

@Suite("The configuration file")
struct ConfigurationTests {
    private func read(_ text: String) throws(ConfigurationError) -> Configuration {
        try Configuration.read(Array(text.utf8), path: "folder/test.yml")
    }

    @Test("an empty file is all defaults")
    func empty() throws {
        let configuration = try read("")
        #expect(configuration.scraping.jobs.isEmpty)
        #expect(configuration.evaluationIntervalMilliseconds == 60_000)
        #expect(configuration.notifications == .standard)
    }

    @Test("the collector's section chooses groups, filters, labels and ceilings")
    func collector() throws {
        let configuration = try read(
            """
            collector:
              disable_metrics: [process, disk]
              filters: ['id=~"/kubepods.*"', '{name!="web"}']
              container_labels: [com.example.team]
              labels: info
              max_series: 1000
              workloads_kept: 1h
              runtimes: false
              runtime_sockets: ['docker=unix:///srv/docker.sock']
              files_interval: 10s
            """)
        let settings = configuration.collector.settings
        #expect(!settings.groups.contains(.process) && settings.groups.contains(.memory))
        #expect(settings.filters.map(\.description).joined(separator: ",") == #"id=~"/kubepods.*",name!="web""#)
        #expect(settings.containerLabels == ["com.example.team"])
        #expect(settings.labelPlacement == .info && settings.maximumSeries == 1_000)
        #expect(settings.workloadsKeptMilliseconds == 3_600_000)
        #expect(!settings.asksRuntimes && settings.runtimeSockets.map(\.path) == ["/srv/docker.sock"])
        #expect(settings.openedFilesIntervalMilliseconds == 10_000)
    }

    @Test(
        "what the collector's section may not hold is refused with its place",
        arguments: [
            "disable_metrics: [mem]", "filters: ['id=']", "filters: ['{__name__=\"foo\"}']", "labels: twice",
            "max_series: 0", "colour: red",
            "runtime_sockets: [rkt=/run/x]", "files_interval: 0s",
        ])
    func wrongCollector(line: String) {
        #expect(throws: ConfigurationError.self) { try read("collector:\n  \(line)\n") }
    }

    @Test("files that jobs and notifications name and that are not there are told with the place of their name")
    func missingFiles() throws {
        let folder = TemporaryDirectory("named-files")
        _ = folder.write("there", "x")
        let text = """
            scrape_configs:
            - job_name: a
              basic_auth: {username: u, password_file: none_a}
              tls_config: {ca_file: there, cert_file: none_b, key_file: /none/c}
              http_headers: {X-A: {files: [there, none_d]}}
              kubernetes_sd_configs: [{role: pod, api_server: 'https://a', tls_config: {ca_file: none_e}}]
            - job_name: b
              authorization: {credentials_file: ''}
            notifications:
              receivers:
              - name: r
                webhook_configs: [{url_file: none_f}]
              route: {receiver: r}
            remote_write: [{url: 'http://a', basic_auth: {username: u, password_file: none_g}}]
            """
        let path = folder.write("c.yml", text)
        #expect(try Configuration.read(path: path).missingFiles.isEmpty)
        let missing = try Configuration.read(path: path, lookingUpFiles: true).missingFiles.map { error in
            "\(error.line):\(error.column) \(error.message.replacing(FilePath.folder(of: path) + "/", with: ""))"
        }
        #expect(
            missing == [
                "3:44 there is no file none_a, which is to hold the password",
                "4:43 there is no file none_b, which is to hold the client's certificate",
                "4:61 there is no file /none/c, which is to hold the client's key",
                "5:39 there is no file none_d, which is to hold a header's value",
                "12:34 there is no file none_f, which is to hold the address",
            ])
    }

    @Test("jobs inherit the global section, and what they say themselves wins")
    func inheritance() throws {
        let configuration = try read(
            """
            global:
              scrape_interval: 15s
              scrape_timeout: 5s
              sample_limit: 10
              external_labels: {region: eu}
            scrape_configs:
            - job_name: a
              static_configs:
              - targets: ['x:1', 'y:2']
                labels: {group: g}
            - job_name: b
              scrape_interval: 1m
              metrics_path: /probe
              honor_labels: true
              sample_limit: 20
              params: {module: [http]}
              relabel_configs:
              - source_labels: [__address__]
                target_label: address
              file_sd_configs: [{files: ['sd/*.yml']}]
            """)
        let jobs = configuration.scraping.jobs
        #expect(jobs.map(\.jobName) == ["a", "b"])
        #expect(jobs[0].intervalMilliseconds == 15_000 && jobs[0].timeoutMilliseconds == 5_000)
        #expect(jobs[1].intervalMilliseconds == 60_000)
        #expect(jobs[0].limits.samples == 10 && jobs[1].limits.samples == 20)
        #expect(jobs[1].honorsLabels && !jobs[0].honorsLabels)
        #expect(jobs[1].parameters == [QueryParameter(name: "module", values: ["http"])])
        #expect(jobs[1].targetRelabeling.rules.count == 1)
        guard case .files(let files) = jobs[1].discoveries.first else {
            Issue.record("no file discovery")
            return
        }
        #expect(files.paths == ["folder/sd/*.yml"])
        #expect(configuration.scraping.externalLabels == LabelSet(["region": "eu"]))
    }

    @Test(
        "a mistake is named with its place and what was expected",
        arguments: [
            ("scrape_configs:\n- job_name: a\n  scrape_intervall: 5s\n", 3, 3, "did you mean scrape_interval?"),
            ("global:\n  scrape_interval: 5 apples\n", 2, 20, "expected a duration"),
            ("scrape_configs:\n- job_name: a\n- job_name: a\n", 3, 3, "multiple scrape configs"),
            ("scrape_configs:\n- scrape_interval: 5s\n", 2, 3, "job_name is missing"),
            ("scrape_configs: 5\n", 1, 17, "expected a list"),
            ("global: {a: 1\n", 2, 1, "not valid YAML"),
            ("scrape_configs:\n- job_name: a\n  scrape_timeout: 20s\n  scrape_interval: 5s\n", 2, 3, "scrape_timeout"),
            (
                "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: repalce\n", 4, 13,
                "unknown relabel action"
            ),
            (
                "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - regex: '('\n    target_label: x\n", 4, 5,
                "regular expression"
            ),
            ("nonsense: 1\n", 1, 1, "not known"),
            ("notifications:\n  route: {receiver: x}\n", 2, 3, "not defined"),
            (
                "scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['http://x/']}]\n", 2, 3,
                "not a valid target"
            ),
        ])
    func mistakes(text: String, line: Int, column: Int, message: String) {
        do {
            _ = try read(text)
            Issue.record("the mistake was not noticed")
        } catch {
            #expect(error.line == line && error.column == column, "\(error)")
            #expect(error.description.contains(message), "\(error)")
            #expect(error.description.hasPrefix("folder/test.yml:\(line):\(column): "))
        }
    }

    @Test("secrets do not appear in the text that is shown, nor in errors")
    func secrets() throws {
        let configuration = try read(
            """
            scrape_configs:
            - job_name: a
              basic_auth: {username: u, password: CANARY1}
            - job_name: b
              authorization: {credentials: CANARY2}
              http_headers: {X-Token: {secrets: [CANARY3]}}
            remote_write:
            - url: http://user:CANARY4@example/write
            notifications:
              route: {receiver: x}
              receivers:
              - name: x
                webhook_configs: [{url: 'http://example/CANARY5'}]
            """)
        #expect(!configuration.text.contains("CANARY"), "\(configuration.text)")
        #expect(configuration.text.contains("<secret>"))
        #expect(configuration.text.contains("username: u"))
        #expect(!"\(configuration)".contains("CANARY"))
    }

    @Test("sections that are not there yet are read over with a warning")
    func foreignSections() throws {
        let configuration = try read(
            """
            alerting:
              alertmanagers: [{static_configs: [{targets: ['am:9093']}]}]
            remote_write: [{url: 'http://x/'}]
            storage: {tsdb: {out_of_order_time_window: 30m, retention: {time: 3d}}}
            scrape_configs:
            - job_name: k
              kubernetes_sd_configs: [{role: pod}]
            """)
        #expect(configuration.warnings.count == 3)
        #expect(configuration.storage.retentionMilliseconds == Int64(259_200_000))
        #expect(configuration.scraping.jobs[0].discoveries == [.notImplemented(name: "kubernetes_sd_configs")])
    }

    @Test("notifications are read in Alertmanager's words")
    func notifications() throws {
        let settings = try read(
            """
            notifications:
              route:
                receiver: all
                group_by: [alertname, job]
                group_wait: 10s
                routes:
                - receiver: pager
                  matchers: ['severity="page"', 'job=~"a|b"']
                  continue: true
              receivers:
              - name: all
                stdout_configs: [{}]
              - name: pager
                webhook_configs:
                - url: https://example.org/hook
                  send_resolved: false
                  http_config: {authorization: {credentials: abc}}
            """
        ).notifications
        #expect(settings.route.groupBy == .labels(["alertname", "job"]))
        #expect(settings.route.groupWaitMilliseconds == 10_000)
        #expect(settings.route.routes[0].continues)
        #expect(settings.route.routes[0].matchers.map(\.description) == ["severity=\"page\"", "job=~\"a|b\""])
        #expect(settings.receivers[1].webhooks[0].sendsResolved == false)
        #expect(
            settings.receivers[1].webhooks[0].client.authentication
                == .authorization(type: "Bearer", credentials: .inline(Secret("abc"))))
    }

    @Test("rule files are found by pattern and checked")
    func ruleFiles() throws {
        let folder = TemporaryDirectory()
        folder.write("rules/a.yml", "groups:\n- name: g\n  rules:\n  - {record: 'a:b', expr: sum(up)}\n")
        let path = folder.write("c.yml", "rule_files: ['rules/*.yml', 'none/*.yml']\n")
        let configuration = try Configuration.read(path: path)
        #expect(configuration.rules.files.map { $0.groups.map(\.name) } == [["g"]])
        #expect(configuration.warnings.count == 1)
        folder.write("rules/b.yml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n")
        do {
            _ = try Configuration.read(path: path)
            Issue.record("the expression is broken")
        } catch {
            #expect(error.file.hasSuffix("rules/b.yml") && error.line == 5, "\(error)")
        }
    }

    @Test("files beside a configuration in the working directory keep their names")
    func names() {
        #expect(FilePath.absolute("rules.yml", in: FilePath.folder(of: "prometheus.yml")) == "rules.yml")
        #expect(FilePath.absolute("rules.yml", in: FilePath.folder(of: "etc/prometheus.yml")) == "etc/rules.yml")
        #expect(FilePath.absolute("/rules.yml", in: "etc") == "/rules.yml")
    }

    @Test("of several documents the first is read, with a warning")
    func documents() throws {
        let rules = "groups: [{name: g, limit: -1, rules: [{record: a, expr: b, for: 0s, annotations: {}}]}]\n"
        let contents = try RuleFileReader.read(Array((rules + "---\nnonsense: x\n").utf8), path: "r.yml")
        #expect(contents.groups.map(\.name) == ["g"] && contents.groups[0].limit == 0)
        #expect(contents.warnings == ["r.yml:2:1: only the first YAML document is read"])
        let configuration = try read("global: {scrape_interval: 5s}\n---\nnonsense: 1\n")
        #expect(configuration.warnings.count == 1 && configuration.scraping.defaults.intervalMilliseconds == 5_000)
    }

    @Test("a template that is wrong is told with its place")
    func templates() {
        let text = """
            groups:
            - name: g
              rules:
              - alert: A
                expr: up == 0
                annotations:
                  summary: '{{ $value | }}'
            """
        do {
            _ = try RuleFileReader.read(Array(text.utf8), path: "r.yml")
            Issue.record("the template is broken")
        } catch {
            #expect(error.line == 7 && error.message.contains("template"), "\(error)")
        }
    }

    @Test(
        "sizes and environment variables",
        arguments: [("512MB", 512 << 20), ("1KiB", 1024), ("7", 7), ("2GB", 2 << 30)])
    func sizes(text: String, bytes: Int) {
        #expect(SizeText.bytes(text) == bytes)
        #expect(SizeText.bytes("x" + text) == nil)
    }
}
