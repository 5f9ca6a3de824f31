import MetricModel
import Scraping

/// The `global` section: what jobs and rule groups inherit.
struct GlobalSection {
    var scrape = ScrapeDefaults()
    var evaluationIntervalMilliseconds: Int64 = 60_000
    var queryOffsetMilliseconds: Int64 = 0
    var externalLabels = LabelSet.empty
    var queryLogFile = ""

    init() {}

    init(_ reader: MappingReader, folder: String) throws(ConfigurationError) {
        var reader = reader
        if let interval = try reader.duration("scrape_interval"), interval > 0 {
            scrape.intervalMilliseconds = interval
        }
        if let timeout = try reader.duration("scrape_timeout"), timeout > 0 {
            guard timeout <= scrape.intervalMilliseconds else {
                throw reader.value.error("global scrape timeout greater than scrape interval")
            }
            scrape.timeoutMilliseconds = timeout
        }
        scrape.protocols = try ScrapeSection.protocols(&reader)
        if let protocols = scrape.protocols {
            guard !protocols.isEmpty else { throw reader.value.error("scrape_protocols cannot be empty") }
            guard Set(protocols).count == protocols.count else {
                throw reader.value.error("scrape_protocols names one protocol twice")
            }
        }
        if let interval = try reader.duration("evaluation_interval"), interval > 0 {
            evaluationIntervalMilliseconds = interval
        }
        queryOffsetMilliseconds = try reader.duration("rule_query_offset") ?? 0
        scrape.limits = try ScrapeSection.limits(&reader)
        if let scheme = try ScrapeSection.nameValidation(&reader) { scrape.nameValidation = scheme }
        scrape.nameEscaping = try reader.choice("metric_name_escaping_scheme", NameEscapingScheme.self)
        if scrape.nameValidation == .legacy && scrape.nameEscaping == .allowUTF8 {
            throw reader.value.error("metric_name_escaping_scheme allow-utf-8 needs metric_name_validation_scheme utf8")
        }
        scrape.nativeHistograms.scrapesNative = try reader.boolean("scrape_native_histograms") ?? false
        scrape.nativeHistograms.convertsClassic = try reader.boolean("convert_classic_histograms_to_nhcb") ?? false
        scrape.nativeHistograms.alwaysScrapesClassic = try reader.boolean("always_scrape_classic_histograms") ?? false
        scrape.extraScrapeMetrics = try reader.boolean("extra_scrape_metrics") ?? false
        if let file = try reader.string("scrape_failure_log_file"), !file.isEmpty {
            scrape.scrapeFailureLogFile = FilePath.absolute(file, in: folder)
        }
        if let file = try reader.string("query_log_file"), !file.isEmpty {
            queryLogFile = FilePath.absolute(file, in: folder)
        }
        let labels = try reader.texts("external_labels")
        for name in labels.keys where !scrape.nameValidation.isValidLabelName(name) {
            throw reader.value.error("\(LabelName.quoted(name)) is not a valid label name")
        }
        externalLabels = LabelSet(labels.map { (name: $0.key, value: Environment.expand($0.value)) })
        try reader.finish()
    }
}
