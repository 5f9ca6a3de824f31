import MetricModel
package import Notifications
package import Rules
package import Scraping

/// Everything a configuration file says, as the settings of the buildings that use it.
///
/// The file is a superset of prometheus.yml of Prometheus 3.14. A part of it that is not there yet is read over with a
/// warning when leaving it out is harmless to what is there, as with `remote_write`.
package struct Configuration: Sendable {
    package var scraping = ScrapeSettings()
    package var rules = RuleManagerSettings()
    package var notifications = NotificationSettings.standard
    package var storage = StorageSection()
    package var collector = CollectorSection()
    package var queryLogFile = ""
    /// Also the default step of subqueries.
    package var evaluationIntervalMilliseconds: Int64 = 60_000
    /// Sentences for the log.
    package var warnings: [String] = []
    /// What names a file that is not there; a server starts without it, a check fails, and only that asks for it to be looked up.
    package var missingFiles: [ConfigurationError] = []
    /// The file as it may be shown, secrets replaced.
    package var text = ""
    /// The jobs as they may be shown, by name.
    package var jobTexts: [String: String] = [:]
    /// Every file that was read, for noticing changes.
    package var files: [String] = []
    private var looksUpFiles = false

    package init() {}

    /// Reads a file and all that it names.
    ///
    /// - Parameter lookingUpFiles: `missingFiles` is wanted.
    package static func read(
        path: String, lookingUpFiles: Bool = false
    ) throws(ConfigurationError) -> Configuration {
        try read(try FilePath.read(path), path: path, lookingUpFiles: lookingUpFiles)
    }

    /// Reads a text as if it stood in the file `path`; relative names in it lie beside that file.
    package static func read(
        _ bytes: [UInt8], path: String, lookingUpFiles: Bool = false
    ) throws(ConfigurationError) -> Configuration {
        let folder = FilePath.folder(of: path)
        var configuration = Configuration()
        configuration.looksUpFiles = lookingUpFiles
        configuration.files = [path]
        let (document, later) = try YAMLValue.parseFirst(bytes, file: path)
        if let later { configuration.warnings.append(later.description) }
        configuration.text = RedactedText.make(document)
        guard let document else { return configuration }
        var reader = try MappingReader(document)
        var global = GlobalSection()
        if let section = try reader.mapping("global") { global = try GlobalSection(section, folder: folder) }
        configuration.take(global)
        try configuration.readJobs(&reader, global: global, folder: folder)
        try configuration.readRules(&reader, folder: folder)
        if let section = reader.optional("notifications") {
            configuration.notifications = try NotificationsSection.read(section, folder: folder)
            configuration.lookUpFiles(of: section, folder: folder)
        }
        if let section = try reader.mapping("storage") { configuration.storage = try StorageSection(section) }
        if let section = try reader.mapping("collector") { configuration.collector = try CollectorSection(section) }
        try configuration.readForeignSections(&reader, global: global, folder: folder)
        try reader.finish()
        return configuration
    }

    private mutating func take(_ global: GlobalSection) {
        scraping.defaults = global.scrape
        scraping.externalLabels = global.externalLabels
        rules.evaluationIntervalMilliseconds = global.evaluationIntervalMilliseconds
        rules.queryOffsetMilliseconds = global.queryOffsetMilliseconds
        rules.externalLabels = global.externalLabels
        evaluationIntervalMilliseconds = global.evaluationIntervalMilliseconds
        queryLogFile = global.queryLogFile
    }

    private mutating func lookUpFiles(of section: YAMLValue, folder: String) {
        if looksUpFiles { missingFiles += NamedFiles.missing(in: section, folder: folder) }
    }

    private mutating func readJobs(
        _ reader: inout MappingReader, global: GlobalSection, folder: String
    ) throws(ConfigurationError) {
        let entries = try reader.list("scrape_configs")
        scraping.jobs = try ScrapeSection.jobs(entries, global: global, folder: folder)
        for (job, entry) in zip(scraping.jobs, entries) {
            jobTexts[job.jobName] = RedactedText.make(entry)
            lookUpFiles(of: entry, folder: folder)
        }
        for pattern in try reader.list("scrape_config_files") {
            try FilePath.check(pattern, "scrape config file")
            for path in FilePath.matching(FilePath.absolute(try pattern.string(), in: folder)) {
                files.append(path)
                guard let document = try YAMLValue.parse(try FilePath.read(path), file: path) else { continue }
                var section = try MappingReader(document)
                let entries = try section.list("scrape_configs")
                let jobs = try ScrapeSection.jobs(entries, global: global, folder: FilePath.folder(of: path))
                try section.finish()
                for (job, entry) in zip(jobs, entries) {
                    guard !scraping.jobs.contains(where: { $0.jobName == job.jobName }) else {
                        throw document.error(ScrapeSettingsError.duplicateJobName(job.jobName).description)
                    }
                    scraping.jobs.append(job)
                    jobTexts[job.jobName] = RedactedText.make(entry)
                    lookUpFiles(of: entry, folder: FilePath.folder(of: path))
                }
            }
        }
        for job in scraping.jobs {
            for case .notImplemented(let name) in job.discoveries {
                warnings.append(
                    "\(name) is not implemented yet: job \(LabelName.quoted(job.jobName)) finds nothing by it")
            }
            for name in job.client.notImplemented {
                warnings.append("\(name) is not implemented yet: job \(LabelName.quoted(job.jobName)) is not scraped")
            }
        }
    }

    private mutating func readRules(_ reader: inout MappingReader, folder: String) throws(ConfigurationError) {
        for pattern in try reader.list("rule_files") {
            try FilePath.check(pattern, "rule file")
            let paths = FilePath.matching(FilePath.absolute(try pattern.string(), in: folder))
            if paths.isEmpty {
                warnings.append("rule_files: no file matches \(try pattern.string())")
                let isPlain = !(try pattern.string().contains { "*?[".contains($0) })
                if isPlain { missingFiles.append(pattern.error("there is no such file")) }
            }
            for path in paths {
                files.append(path)
                let contents = try RuleFileReader.read(path: path)
                warnings += contents.warnings
                rules.files.append(contents)
            }
        }
    }

    /// Sections of Prometheus that are checked and have no effect.
    private mutating func readForeignSections(
        _ reader: inout MappingReader, global: GlobalSection, folder: String
    ) throws(ConfigurationError) {
        for (name, shape) in [
            ("remote_write", ForeignSections.remoteWrite), ("remote_read", ForeignSections.remoteRead),
        ] {
            let entries = try reader.list(name)
            try ForeignSections.checkRemote(entries, as: shape, folder: folder)
            if !entries.isEmpty { warnings.append("\(name) is not implemented yet: nothing is sent or read remotely") }
        }
        try readAlerting(&reader, folder: folder)
        if let section = reader.optional("tracing") {
            try ForeignSections.checkTracing(section, folder: folder)
            warnings.append("tracing is not implemented yet")
        }
        if let section = reader.optional("otlp") {
            try ForeignSections.checkOpenTelemetry(
                section, nameValidation: global.scrape.nameValidation, folder: folder)
            warnings.append("otlp is not implemented yet")
        }
        if let section = reader.optional("runtime") { try ForeignSections.runtime.check(section, folder: folder) }
    }

    private mutating func readAlerting(_ reader: inout MappingReader, folder: String) throws(ConfigurationError) {
        if var alerting = try reader.mapping("alerting") {
            _ = try Relabeler(try alerting.list("alert_relabel_configs"), nameValidation: .utf8)
            let managers = try alerting.list("alertmanagers")
            for manager in managers {
                try ForeignSections.alertmanager.check(manager, folder: folder)
                try ForeignSections.checkAddresses(of: manager)
            }
            if !managers.isEmpty {
                warnings.append(
                    "alerting.alertmanagers is not implemented yet: alerts go where the section notifications says, "
                        + "without it to standard output")
            }
            try alerting.finish()
        }
    }
}
