import MetricModel
package import Scraping

/// The entries of `scrape_configs`.
enum ScrapeSection {
    /// Discovery mechanisms of Prometheus 3.14 that are read and not there yet: such a job says so on the targets page.
    static let foreignDiscoveries = [
        "azure", "aws", "consul", "digitalocean", "dns", "docker", "dockerswarm", "ec2", "ecs", "elasticache", "eureka",
        "gce", "hetzner", "http", "ionos", "kubernetes", "kuma", "lightsail", "linode", "marathon", "msk", "nerve",
        "nomad",
        "oci", "openstack", "outscale", "ovhcloud", "puppetdb", "rds", "scaleway", "serverset", "stackit", "triton",
        "uyuni",
        "vultr",
    ]

    static func jobs(_ values: [YAMLValue], global: GlobalSection, folder: String) throws(ConfigurationError)
        -> [ScrapeJobSettings]
    {
        var jobs: [ScrapeJobSettings] = []
        for value in values {
            let job = try job(value, global: global, folder: folder)
            guard !jobs.contains(where: { $0.jobName == job.jobName }) else {
                throw value.error(ScrapeSettingsError.duplicateJobName(job.jobName).description)
            }
            jobs.append(job)
        }
        return jobs
    }

    private static func job(_ value: YAMLValue, global: GlobalSection, folder: String) throws(ConfigurationError)
        -> ScrapeJobSettings
    {
        guard !value.isNull else { throw value.error("empty or null scrape config section") }
        var reader = try MappingReader(value)
        let name = try reader.required("job_name").string()
        var job = ScrapeJobSettings(
            jobName: name, inheriting: global.scrape, intervalMilliseconds: try positive(&reader, "scrape_interval"),
            timeoutMilliseconds: try positive(&reader, "scrape_timeout"))
        try readFormats(&reader, into: &job, global: global)
        try readRequest(&reader, into: &job, folder: folder)
        job.limits = try limits(&reader).inheriting(global.scrape.limits)
        job.client = try HTTPClientSettings(&reader, folder: folder)
        job.discoveries = try discoveries(&reader, folder: folder)
        job.targetRelabeling = try Relabeler(try reader.list("relabel_configs"), nameValidation: job.nameValidation)
        job.metricRelabeling = try Relabeler(
            try reader.list("metric_relabel_configs"), nameValidation: job.nameValidation)
        try reader.finish()
        do {
            try job.check()
        } catch {
            throw value.error(error.description)
        }
        return job
    }

    /// A duration; zero counts as not written, as in Prometheus.
    private static func positive(_ reader: inout MappingReader, _ name: String) throws(ConfigurationError) -> Int64? {
        guard let milliseconds = try reader.duration(name), milliseconds > 0 else { return nil }
        return milliseconds
    }

    private static func readFormats(
        _ reader: inout MappingReader, into job: inout ScrapeJobSettings, global: GlobalSection
    ) throws(ConfigurationError) {
        let written = try protocols(&reader)
        if let written { job.protocols = written }
        job.fallbackProtocol = try reader.choice("fallback_scrape_protocol", ScrapeProtocol.self)
        if let scheme = try nameValidation(&reader) {
            job.nameValidation = scheme
            if scheme == .legacy { job.nameEscaping = .underscores }
        }
        if let scheme = try reader.choice("metric_name_escaping_scheme", NameEscapingScheme.self) {
            job.nameEscaping = scheme
        }
        let inherited = global.scrape.nativeHistograms
        job.nativeHistograms.scrapesNative = try reader.boolean("scrape_native_histograms") ?? inherited.scrapesNative
        job.nativeHistograms.convertsClassic =
            try reader.boolean("convert_classic_histograms_to_nhcb") ?? inherited.convertsClassic
        job.nativeHistograms.alwaysScrapesClassic =
            try reader.boolean("always_scrape_classic_histograms") ?? inherited.alwaysScrapesClassic
        if written == nil, global.scrape.protocols == nil {
            job.protocols = ScrapeProtocol.defaultOrder(native: job.nativeHistograms.scrapesNative)
        }
        job.nativeHistogramMinimumBucketFactor = try reader.number("native_histogram_min_bucket_factor") ?? 0
    }

    private static func readRequest(
        _ reader: inout MappingReader, into job: inout ScrapeJobSettings, folder: String
    ) throws(ConfigurationError) {
        if let path = try reader.string("metrics_path") { job.metricsPath = path }
        if let written = reader.optional("scheme") {
            let text = try written.string().lowercased()
            guard let scheme = ScrapeJobSettings.Scheme(rawValue: text) else {
                throw written.error("expected http or https, found \"\(text)\"")
            }
            job.scheme = scheme
        }
        if let parameters = reader.optional("params") {
            for member in try parameters.members() {
                var values: [String] = []
                for element in try member.value.elements() { values.append(try element.string()) }
                job.parameters.append(QueryParameter(name: try member.key.string(), values: values))
            }
        }
        job.honorsLabels = try reader.boolean("honor_labels") ?? false
        job.honorsTimestamps = try reader.boolean("honor_timestamps") ?? true
        job.tracksTimestampsStaleness = try reader.boolean("track_timestamps_staleness") ?? false
        job.acceptsCompression = try reader.boolean("enable_compression") ?? true
        if let extra = try reader.boolean("extra_scrape_metrics") { job.extraScrapeMetrics = extra }
        if let file = try reader.string("scrape_failure_log_file"), !file.isEmpty {
            job.scrapeFailureLogFile = FilePath.absolute(file, in: folder)
        }
    }

    static func protocols(_ reader: inout MappingReader) throws(ConfigurationError) -> [ScrapeProtocol]? {
        guard reader.optional("scrape_protocols") != nil else { return nil }
        var protocols: [ScrapeProtocol] = []
        for element in try reader.list("scrape_protocols") {
            protocols.append(try MappingReader.choice(element, ScrapeProtocol.self))
        }
        return protocols
    }

    static func limits(_ reader: inout MappingReader) throws(ConfigurationError) -> ScrapeLimits {
        var limits = ScrapeLimits()
        limits.bodySizeBytes = try reader.size("body_size_limit") ?? 0
        limits.samples = try reader.integer("sample_limit") ?? 0
        limits.targets = try reader.integer("target_limit") ?? 0
        limits.labels = try reader.integer("label_limit") ?? 0
        limits.labelNameBytes = try reader.integer("label_name_length_limit") ?? 0
        limits.labelValueBytes = try reader.integer("label_value_length_limit") ?? 0
        limits.keepDroppedTargets = try reader.integer("keep_dropped_targets") ?? 0
        limits.nativeHistogramBuckets = try reader.integer("native_histogram_bucket_limit") ?? 0
        return limits
    }

    static func nameValidation(_ reader: inout MappingReader) throws(ConfigurationError) -> NameValidationScheme? {
        guard let written = reader.optional("metric_name_validation_scheme") else { return nil }
        switch try written.string() {
        case "": return nil
        case "utf8": return .utf8
        case "legacy": return .legacy
        case let other: throw written.error("expected utf8 or legacy, found \"\(other)\"")
        }
    }

    private static func discoveries(_ reader: inout MappingReader, folder: String) throws(ConfigurationError)
        -> [DiscoverySettings]
    {
        var result: [DiscoverySettings] = []
        var groups: [TargetGroup] = []
        for (index, value) in try reader.list("static_configs").enumerated() {
            guard !value.isNull else { throw value.error("empty or null section in static_configs") }
            groups.append(try TargetGroupReader.group(value, source: String(index)))
        }
        if !groups.isEmpty { result.append(.fixed(groups)) }
        for value in try reader.list("file_sd_configs") {
            var section = try MappingReader(value)
            let files = try section.strings("files") ?? []
            guard !files.isEmpty else {
                throw value.error("file service discovery config must contain at least one path name")
            }
            for file in files where ![".json", ".yml", ".yaml"].contains(where: { file.hasSuffix($0) }) {
                throw value.error(
                    "path name \"\(file)\" is not valid for file discovery: it ends in .json, .yml or .yaml")
            }
            let interval = try section.duration("refresh_interval")
            try section.finish()
            result.append(
                .files(
                    FileDiscoverySettings(
                        paths: files.map { FilePath.absolute($0, in: folder) },
                        refreshIntervalMilliseconds: interval
                            ?? FileDiscoverySettings.defaultRefreshIntervalMilliseconds)))
        }
        for key in foreignDiscoveries.map({ $0 + "_sd_configs" }) {
            guard let section = reader.optional(key) else { continue }
            try DiscoveryShapes.check(section, key: key, folder: folder)
            if !(try section.elements()).isEmpty { result.append(.notImplemented(name: key)) }
        }
        return result
    }
}

/// Target groups as `static_configs` and file discovery write them: `targets` and `labels`.
package enum TargetGroupReader {
    /// Reads the content of a file of `file_sd_configs`, YAML or JSON.
    package static func groups(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> [TargetGroup] {
        guard let document = try YAMLValue.parse(bytes, file: path) else { return [] }
        var groups: [TargetGroup] = []
        for (index, element) in try document.elements().enumerated() {
            groups.append(try group(element, source: "\(path):\(index)"))
        }
        return groups
    }

    static func group(_ value: YAMLValue, source: String) throws(ConfigurationError) -> TargetGroup {
        var reader = try MappingReader(value)
        let addresses = try reader.strings("targets") ?? []
        let labels = try reader.texts("labels")
        try reader.finish()
        return TargetGroup(
            addresses: addresses, labels: LabelSet(labels.map { (name: $0.key, value: $0.value) }), source: source)
    }
}
