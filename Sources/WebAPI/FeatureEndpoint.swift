import PromQLSyntax
import Rules

/// `/features`: what this server can do, in the categories and words of Prometheus; what is missing there is not there.
struct FeatureEndpoint: Sendable {
    let status: any ServerStatus
    let takesRemoteWrite: Bool
    let hasAdministration: Bool

    func list(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                for (category, features) in categories {
                    $0.key(category)
                    $0.object {
                        for (name, isThere) in features.sorted(by: {
                            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
                        }) {
                            $0.key(name)
                            $0.boolean(isThere)
                        }
                    }
                }
            }
        }
    }

    private var categories: [(String, [String: Bool])] {
        let flags = Set(
            (status.flags.first { $0.name == "enable-feature" }?.value ?? "").split(separator: ",").map(String.init))
        return [
            ("api", api),
            ("otlp_receiver", ["delta_conversion": false, "native_delta_ingestion": false]),
            (
                "prometheus",
                ["agent_mode": false, "auto_reload_config": false, "server_mode": true, "stringlabels": true]
            ),
            ("promql", Self.promQL(flags)),
            ("promql_functions", Self.all(Function.allCases.map(\.rawValue))),
            ("promql_operators", Self.all(Self.operators)),
            ("rules", ["concurrent_rule_eval": false, "keep_firing_for": true, "query_offset": true]),
            (
                "scrape",
                [
                    "extra_scrape_metrics": true, "start_timestamp_zero_ingestion": false,
                    "type_and_unit_labels": flags.contains("type-and-unit-labels"),
                ]
            ),
            ("service_discovery_providers", ["file": true, "static": true]),
            ("templating_functions", Self.all(Template.functionNames)),
            (
                "tsdb",
                [
                    "delayed_compaction": false, "exemplar_storage": true, "isolation": true, "native_histograms": true,
                    "st_storage": flags.contains("st-storage"), "use_uncached_io": false,
                ]
            ),
            ("ui", ["ui_v2": false, "ui_v3": false]),
        ]
    }

    private var api: [String: Bool] {
        [
            "admin": hasAdministration, "exclude_alerts": true, "label_values_match": true,
            "lifecycle": status.isLifecycleEnabled, "otlp_write_receiver": false, "query_stats": true,
            "query_warnings": true, "remote_write_receiver": takesRemoteWrite, "time_range_labels": true,
            "time_range_series": true,
        ]
    }

    private static func promQL(_ flags: Set<String>) -> [String: Bool] {
        var features = all([
            "anchored", "at_modifier", "bool", "by", "duration_expr", "fill", "fill_left", "fill_right", "group_left",
            "group_right", "ignoring", "negative_offset", "offset", "on", "per_query_lookback_delta", "smoothed",
            "subqueries", "without",
        ])
        features["delayed_name_removal"] = flags.contains("promql-delayed-name-removal")
        features["per_step_stats"] = false
        features["type_and_unit_labels"] = flags.contains("type-and-unit-labels")
        return features
    }

    private static let operators =
        BinaryOperator.allCases.map(\.rawValue) + AggregationOperator.allCases.map(\.rawValue) + ["@", "=~", "!~"]

    private static func all(_ names: [String]) -> [String: Bool] {
        Dictionary(names.map { ($0, true) }, uniquingKeysWith: { first, _ in first })
    }
}
