import Bytes

/// The names of `--enable-feature`: those of Prometheus, most of which are always on here or mean nothing.
package struct FeatureFlags: Sendable {
    private let names: [String]

    /// - Parameter arguments: As on the command line, where one argument may name several, set apart by commas.
    package init(_ arguments: [String]) {
        names = arguments.flatMap { $0.split(separator: ",").map { $0.trimmingPrefix(" ") }.map(String.init) }
    }

    package func contains(_ name: String) -> Bool { names.contains(name) }

    /// What is said of names that are none, as of a misspelt one, which would turn nothing on.
    package var complaints: [String] {
        names.filter { !Self.known.contains($0) }.map { name in
            let near = NearestWord.nearest(to: name, among: Self.known)
            return "--enable-feature: '\(name)' is no feature" + (near.map { ", did you mean '\($0)'?" } ?? "")
        }
    }

    /// All that Prometheus has had since version 2.26.
    private static let known: Set<String> = [
        "agent", "auto-gomaxprocs", "auto-gomemlimit", "auto-reload-config", "concurrent-rule-eval",
        "created-timestamp-zero-ingestion", "delayed-compaction", "exemplar-storage", "expand-external-labels",
        "extra-scrape-metrics", "fast-startup", "histograms-st-encoding", "memory-snapshot-on-shutdown",
        "metadata-wal-records", "native-histograms", "new-service-discovery-manager", "no-default-scrape-port",
        "old-ui",
        "ooo-native-histograms", "otlp-deltatocumulative", "otlp-native-delta-ingestion", "otlp-write-receiver",
        "promql-at-modifier", "promql-binop-fill-modifiers", "promql-delayed-name-removal", "promql-duration-expr",
        "promql-experimental-functions", "promql-extended-range-selectors", "promql-negative-offset",
        "promql-per-step-stats", "remote-write-receiver", "search-api", "st-storage", "st-synthesis",
        "type-and-unit-labels", "use-start-timestamps", "use-uncached-io", "utf8-names", "xor2-encoding",
    ]
}
