import ConfigurationFile
import Testing

/// Sections that have no effect here are held to what Prometheus says about them all the same.
@Suite("Sections of Prometheus that are checked only")
struct ForeignSectionTests {
    private func read(_ text: String) throws(ConfigurationError) -> Configuration {
        try Configuration.read(Array(text.utf8), path: "folder/test.yml")
    }

    /// One job with this among its keys.
    private static func job(_ text: String) -> String { "scrape_configs: [{job_name: a, \(text)}]" }
    private static func write(_ text: String) -> String { "remote_write: [{url: 'http://x/w', \(text)}]" }

    @Test(
        "what Prometheus refuses is refused, with the place",
        arguments: [
            ("remote_write: [{}]", "url is missing"),
            ("remote_write: [{url: ''}]", "url is empty"),
            ("remote_write: [null]", "empty or null"),
            ("remote_write: [{url: 'http://x', name: a}, {url: 'http://y', name: a}]", "multiple remote configs"),
            (write("protobuf_message: foo"), "expected one of prometheus.WriteRequest"),
            (write("headers: {Authorization: a}"), "reserved header"),
            (write("headers: {X-Amz-Date: a}"), "reserved header"),
            (write("queue_config: {capacity: 0}"), "expected at least 1"),
            (write("queue_config: {min_shards: 60}"), "min_shards"),
            (write("queue_config: {min_backoff: 9s}"), "min_backoff"),
            (write("basic_auth: {username: a}, sigv4: {}"), "at most one of"),
            (write("write_relabel_configs: [null]"), "relabeling rule"),
            (write("colour: red"), "not known"),
            ("remote_read: [{url: 'http://x', headers: {Content-Type: a}}]", "reserved header"),
            ("alerting: {alertmanagers: [{api_version: v1}]}", "expected one of v2"),
            ("alerting: {alertmanagers: [null]}", "empty or null"),
            ("alerting: {alert_relabel_configs: [null]}", "relabeling rule"),
            ("alerting: {alertmanagers: [{static_configs: [{targets: ['http://x']}]}]}", "not a valid hostname"),
            ("tracing: {sampling_fraction: 1}", "endpoint is missing"),
            ("tracing: {endpoint: x, client_type: foo}", "expected one of"),
            ("tracing: {endpoint: x, headers: {authorization: y}}", "reserved header"),
            ("otlp: {promote_resource_attributes: [a, a]}", "written twice"),
            ("otlp: {promote_resource_attributes: ['']}", "empty resource attribute"),
            ("otlp: {translation_strategy: Foo}", "expected one of"),
            ("otlp: {ignore_resource_attributes: [a]}", "promote_all_resource_attributes"),
            ("global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: NoTranslation}", "utf8"),
            ("runtime: {gogc: x}", "whole number"),
            ("storage: {tsdb: {retention: {percentage: 101}}}", "from 0.0 to 100.0"),
            ("storage: {tsdb: {stale_series_compaction_threshold: 2}}", "from 0.0 to 1.0"),
            ("storage: {tsdb: {chunk_encoding: {floats: foo}}}", "xor2"),
            ("global: {scrape_protocols: []}", "cannot be empty"),
            ("global: {scrape_protocols: [PrometheusProto, PrometheusProto]}", "twice"),
            ("global: {metric_name_validation_scheme: legacy, external_labels: {a-b: c}}", "not a valid label name"),
            (
                "global: {metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8}",
                "needs metric_name_validation_scheme utf8"
            ),
            ("global: {body_size_limit: 100}", "expected a size"),
            ("rule_files: ['a/*/b.yml']", "invalid rule file path"),
            ("scrape_config_files: ['[x']", "not closed"),
            (job("oauth2: {client_secret: b, token_url: 'http://x'}"), "client_id is missing"),
            (job("oauth2: {client_id: a, token_url: b, client_secret: x, client_secret_file: y}"), "at most one of"),
            (job("proxy_url: 'http://x', proxy_from_environment: true"), "proxy_url must not"),
            (job("no_proxy: x"), "proxy_url must also"),
            (job("http_headers: {Authorization: {values: [x]}}"), "Authorization"),
            (job("static_configs: [null]"), "static_configs"),
            (job("http_sd_configs: [{url: 'ftp://x'}]"), "URL scheme"),
            (job("http_sd_configs: [{url: 'http://'}]"), "host is missing"),
            (job("dns_sd_configs: [{names: []}]"), "names is empty"),
            (job("dns_sd_configs: [{names: [a], type: A}]"), "port is required"),
            (job("kubernetes_sd_configs: [{role: vacation}]"), "expected one of node"),
            (job("kubernetes_sd_configs: [{role: pod, basic_auth: {username: a, password: b}}]"), "api_server"),
            (job("kubernetes_sd_configs: [{role: pod, namespaces: {foo: bar}}]"), "not known"),
            (job("openstack_sd_configs: [{role: instance}]"), "region is missing"),
            (job("ec2_sd_configs: [{filters: [{name: a, values: []}]}]"), "values is empty"),
        ])
    func refused(text: String, message: String) {
        do {
            _ = try read(text)
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.line > 0 && error.description.contains(message), "\(error)")
        }
    }

    @Test(
        "what Prometheus takes is taken",
        arguments: [
            "remote_write: [{url: 'http://x/w', queue_config: {max_shards: 5}, metadata_config: {send: false}}]",
            "remote_write: [{url: 'https://x', sigv4: {region: a}, send_exemplars: true, enable_http2: true}]",
            "remote_read: [{url: 'http://x', required_matchers: {a: b}, read_recent: true}]",
            "alerting: {alertmanagers: [{path_prefix: /a, static_configs: [{targets: ['a:1']}], dns_sd_configs: []}]}",
            "tracing: {endpoint: 'x:1', sampling_fraction: 0.5, compression: gzip}",
            "otlp: {promote_all_resource_attributes: true, ignore_resource_attributes: [a]}",
            "runtime: {gogc: 42}",
            "storage: {tsdb: {chunk_encoding: {floats: xor2}, retention: {percentage: 28.5}}}",
            job("body_size_limit: 0, http_sd_configs: [{url: 'https://x/y', basic_auth: {username: a}}]"),
            job("dns_sd_configs: [{names: [a]}, {names: [b], type: MX, port: 25}]"),
            job("docker_sd_configs: [{host: 'unix:///var/run/docker.sock'}]"),
            job("vultr_sd_configs: [{authorization: {credentials: x}, anything: else}]"),
            job("oauth2: {client_id: a, client_secret: b, token_url: 'http://x', scopes: [s]}"),
        ])
    func taken(text: String) throws {
        _ = try read(text)
    }
}
