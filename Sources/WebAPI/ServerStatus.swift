package import MetricModel

/// What the composition above tells the status pages, and what they may ask of it.
package protocol ServerStatus: Sendable {
    /// Whether queries are answered; false while starting and while stopping.
    var isReady: Bool { get }
    var isStopping: Bool { get }
    var startTime: Timestamp { get }
    /// The loaded configuration as YAML, every secret shown as `<secret>`.
    var configurationText: String { get }
    /// The loaded settings of one scrape job as YAML, secrets replaced; nil where there is no such job.
    func scrapePoolText(_ name: String) -> String?
    /// Command-line flags and their values, without the leading dashes.
    var flags: [(name: String, value: String)] { get }
    /// `15d`, `15d or 10GiB`.
    var retentionText: String { get }
    var lastReload: (succeeded: Bool, time: Timestamp) { get }
    /// When the last load of the configuration failed; nil when it went well.
    var lastReloadFailure: Timestamp? { get }
    /// Whether `/-/reload` and `/-/quit` are answered.
    var isLifecycleEnabled: Bool { get }

    /// What is wrong with the store, in words; empty when all is well.
    ///
    /// A disk that takes nothing, damage that was left out.
    var storageProblems: [String] { get }

    /// Loads the configuration again; the old one stays when the new one is wrong, and the error says why.
    ///
    /// Returns the settings that changed and only hold after a restart.
    @discardableResult
    func reload() throws(ReloadError) -> [String]
    /// Begins an orderly stop.
    func quit()
}

extension ServerStatus {
    package var storageProblems: [String] { [] }
    package func scrapePoolText(_ name: String) -> String? { nil }
    package var lastReloadFailure: Timestamp? { nil }
}

/// A reload that was refused.
package struct ReloadError: Error, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// What this program is, for `version` and `/status/buildinfo`.
package enum BuildInformation {
    package static let version = "0.1.0"
    /// The Prometheus release whose language and API it speaks.
    package static let prometheusVersion = "3.14.0"
}
