import MetricModel

/// The sections of Prometheus that are read without effect: checked as strictly as those that have one, so that a file
/// that Prometheus refuses is refused here too.
enum ForeignSections {
    static let aws = SectionShape(
        keys: [
            "region": .text, "access_key": .text, "secret_key": .text, "profile": .text, "role_arn": .text,
            "external_id": .text, "use_fips_sts_endpoint": .flag,
        ])

    static let azureIdentity = SectionShape(
        keys: [
            "cloud": .word(["AzurePublic", "AzureChina", "AzureGovernment"]), "managed_identity": .anything,
            "workload_identity": .anything, "oauth": .anything, "certificate": .anything, "sdk": .anything,
            "scope": .text,
        ], exclusive: [["managed_identity", "workload_identity", "oauth", "certificate", "sdk"]])

    static let remoteWrite = SectionShape(
        keys: [
            "url": .url([]), "protobuf_message": .word(["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]),
            "remote_timeout": .duration, "headers": .texts, "write_relabel_configs": .relabeling, "name": .text,
            "send_exemplars": .flag, "send_native_histograms": .flag, "round_robin_dns": .flag,
            "failed_request_logging": .flag, "sigv4": .section(aws), "azuread": .section(azureIdentity),
            "google_iam": .section(SectionShape(keys: ["credentials_file": .text])),
            "queue_config": .section(queue),
            "metadata_config": .section(
                SectionShape(
                    keys: ["send": .flag, "send_interval": .duration, "max_samples_per_send": .whole(atLeast: 1)])),
        ],
        required: ["url"],
        exclusive: [["basic_auth", "authorization", "oauth2", "sigv4", "azuread", "google_iam"]], speaksHTTP: true)

    static let queue = SectionShape(
        keys: [
            "capacity": .whole(atLeast: 1), "max_shards": .whole(atLeast: 1), "min_shards": .whole(atLeast: 1),
            "max_samples_per_send": .whole(atLeast: 1), "batch_send_deadline": .duration, "min_backoff": .duration,
            "max_backoff": .duration, "retry_on_http_429": .flag, "sample_age_limit": .duration,
        ])

    static let remoteRead = SectionShape(
        keys: [
            "url": .url([]), "name": .text, "required_matchers": .texts, "remote_timeout": .duration, "headers": .texts,
            "read_recent": .flag, "chunked_read_limit": .whole(atLeast: 0), "filter_external_labels": .flag,
        ], required: ["url"], speaksHTTP: true)

    static let alertmanager = SectionShape(
        keys: [
            "timeout": .duration, "api_version": .word(["v2"]), "path_prefix": .text,
            "scheme": .word(["http", "https", ""]), "sigv4": .section(aws), "relabel_configs": .relabeling,
            "alert_relabel_configs": .relabeling, "static_configs": .targets,
        ].merging(DiscoveryShapes.keys) { first, _ in first },
        exclusive: [["basic_auth", "authorization", "oauth2", "sigv4"]], speaksHTTP: true)

    static let tracing = SectionShape(
        keys: [
            "endpoint": .text, "client_type": .word(["grpc", "http", ""]), "sampling_fraction": .number(0...1),
            "insecure": .flag, "headers": .texts, "compression": .word(["gzip", ""]), "timeout": .duration,
            "tls_config": .anything,
        ], required: ["endpoint"])

    static let translationStrategies = [
        "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes", "NoUTF8EscapingWithSuffixes",
        "NoTranslation",
    ]

    static let openTelemetry = SectionShape(
        keys: [
            "promote_all_resource_attributes": .flag, "promote_resource_attributes": .list(.text),
            "ignore_resource_attributes": .list(.text), "translation_strategy": .word(translationStrategies),
            "keep_identifying_resource_attributes": .flag, "convert_histograms_to_nhcb": .flag,
            "promote_scope_metadata": .flag, "label_name_underscore_sanitization": .flag,
            "label_name_preserve_multiple_underscores": .flag,
        ])

    static let runtime = SectionShape(keys: ["gogc": .whole(atLeast: .min)])

    /// Header names that belong to the protocol, in lower case.
    static let reservedHeaders: Set<String> = [
        "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent", "connection",
        "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding",
        "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
    ]
}

extension ForeignSections {
    /// Checks `remote_write` or `remote_read`, each entry alone and all together.
    static func checkRemote(
        _ values: [YAMLValue], as shape: SectionShape, folder: String
    ) throws(ConfigurationError) {
        var names: Set<String> = []
        for value in values {
            try shape.check(value, folder: folder)
            var reader = try MappingReader(value)
            for header in try reader.optional("headers")?.members() ?? [] {
                let name = try header.key.string()
                guard !reservedHeaders.contains(name.lowercased()), !name.lowercased().hasPrefix("x-amz-") else {
                    throw header.key.error("\(name) is a reserved header: it must not be changed")
                }
            }
            if let name = try reader.string("name"), !name.isEmpty, !names.insert(name).inserted {
                throw value.error("found multiple remote configs with the name \"\(name)\"")
            }
            if let section = reader.optional("queue_config") { try checkQueue(section) }
        }
    }

    /// An Alertmanager's address is a host and a port, unless relabeling makes one of it.
    static func checkAddresses(of manager: YAMLValue) throws(ConfigurationError) {
        var reader = try MappingReader(manager)
        guard try reader.list("relabel_configs").isEmpty else { return }
        for group in try reader.list("static_configs") {
            var fields = try MappingReader(group)
            for target in try fields.list("targets") where try target.string().utf8.contains(UInt8(ascii: "/")) {
                throw target.error("\"\(try target.string())\" is not a valid hostname")
            }
        }
    }

    private static func checkQueue(_ value: YAMLValue) throws(ConfigurationError) {
        var reader = try MappingReader(value)
        guard try reader.integer("min_shards") ?? 1 <= (try reader.integer("max_shards") ?? 50) else {
            throw value.error("min_shards is above max_shards")
        }
        guard try reader.duration("min_backoff") ?? 30 <= (try reader.duration("max_backoff") ?? 5_000) else {
            throw value.error("min_backoff is above max_backoff")
        }
    }

    static func checkTracing(_ value: YAMLValue, folder: String) throws(ConfigurationError) {
        try tracing.check(value, folder: folder)
        var reader = try MappingReader(value)
        for header in try reader.optional("headers")?.members() ?? []
        where reservedHeaders.contains(try header.key.string().lowercased()) {
            throw header.key.error("\(try header.key.string()) is a reserved header: it must not be changed")
        }
    }

    static func checkOpenTelemetry(
        _ value: YAMLValue, nameValidation: NameValidationScheme, folder: String
    ) throws(ConfigurationError) {
        try openTelemetry.check(value, folder: folder)
        var reader = try MappingReader(value)
        let promotesAll = try reader.boolean("promote_all_resource_attributes") ?? false
        let promoted = try reader.strings("promote_resource_attributes") ?? []
        let ignored = try reader.strings("ignore_resource_attributes") ?? []
        if promotesAll && !promoted.isEmpty {
            throw value.error(
                "promote_all_resource_attributes and promote_resource_attributes cannot be configured together")
        }
        if !promotesAll && !ignored.isEmpty {
            throw value.error("ignore_resource_attributes needs promote_all_resource_attributes")
        }
        for attributes in [promoted, ignored] {
            if attributes.contains("") { throw value.error("empty resource attribute") }
            if Set(attributes).count < attributes.count { throw value.error("a resource attribute is written twice") }
        }
        let strategy = try reader.string("translation_strategy") ?? translationStrategies[0]
        if nameValidation == .legacy && strategy.hasPrefix("No") {
            throw value.error("translation_strategy \(strategy) needs metric_name_validation_scheme utf8")
        }
    }
}
