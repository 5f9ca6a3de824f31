package import Cgroups
import MetricModel
import PromQLSyntax

/// The `collector` section: what the built-in collector reads and shows.
///
/// The same words stand on the command line of `lapwing collect`, there under cAdvisor's names where it has them.
package struct CollectorSection: Sendable {
    package var settings = CollectorSettings()

    package init() {}

    init(_ reader: MappingReader) throws(ConfigurationError) {
        var reader = reader
        let value = reader.value
        let enabled = try reader.strings("enable_metrics") ?? []
        let disabled = try reader.strings("disable_metrics")
        do {
            try selectGroups(enabled: enabled, disabled: disabled)
        } catch {
            throw value.error(error.description)
        }
        for filter in try reader.list("filters") {
            do {
                settings.filters += try Self.matchers(try filter.string())
            } catch let error as CollectorOptionError {
                throw filter.error(error.description)
            } catch let error as ConfigurationError {
                throw error
            } catch {
                throw filter.error("\(error)")
            }
        }
        settings.containerLabels = Set(try reader.strings("container_labels") ?? [])
        settings.labelPlacement = try reader.choice("labels", LabelPlacement.self) ?? .everySeries
        settings.maximumSeries = try reader.integer("max_series", atLeast: 1) ?? settings.maximumSeries
        settings.maximumCgroups = try reader.integer("max_cgroups", atLeast: 1) ?? settings.maximumCgroups
        settings.maximumWorkloads = try reader.integer("max_workloads", atLeast: 1) ?? settings.maximumWorkloads
        settings.workloadsKeptMilliseconds =
            try reader.duration("workloads_kept") ?? settings.workloadsKeptMilliseconds
        try readRuntimes(&reader)
        try readIntervals(&reader)
        try reader.finish()
    }

    private mutating func readRuntimes(_ reader: inout MappingReader) throws(ConfigurationError) {
        settings.asksRuntimes = try reader.boolean("runtimes") ?? settings.asksRuntimes
        for socket in try reader.list("runtime_sockets") {
            do {
                settings.runtimeSockets.append(try Self.socket(try socket.string()))
            } catch let error as CollectorOptionError {
                throw socket.error(error.description)
            } catch let error as ConfigurationError {
                throw error
            } catch {
                throw socket.error("\(error)")
            }
        }
    }

    private mutating func readIntervals(_ reader: inout MappingReader) throws(ConfigurationError) {
        let intervals: [(name: String, place: WritableKeyPath<CollectorSettings, Int64>)] = [
            ("freshness", \.freshnessMilliseconds), ("files_interval", \.openedFilesIntervalMilliseconds),
            ("limits_interval", \.limitsIntervalMilliseconds), ("rescan_interval", \.rescanIntervalMilliseconds),
            ("polling_interval", \.pollingIntervalMilliseconds),
        ]
        for (name, place) in intervals {
            guard let milliseconds = try reader.duration(name) else { continue }
            guard milliseconds > 0 || name == "freshness" else {
                throw reader.value.error("\(name) is no interval. Write 5s or 1m.")
            }
            settings[keyPath: place] = milliseconds
        }
    }

    private static func socket(_ text: String) throws(CollectorOptionError) -> RuntimeSocket {
        guard let socket = RuntimeSocket(text) else {
            let kinds = RuntimeKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw CollectorOptionError(
                description: "'\(text)' is no runtime's socket (\(kinds)). Write docker=/run/docker.sock.")
        }
        return socket
    }

    /// Puts what options said in the place of what stands here.
    package mutating func take(_ options: CollectorOptions) throws(CollectorOptionError) {
        if options.enabledGroups != nil || options.disabledGroups != nil {
            try selectGroups(enabled: options.enabledGroups ?? [], disabled: options.disabledGroups)
        }
        if !options.filters.isEmpty {
            settings.filters = []
            for filter in options.filters { settings.filters += try Self.matchers(filter) }
        }
        if let labels = options.containerLabels { settings.containerLabels = Set(labels) }
        if let word = options.labelPlacement {
            guard let placement = LabelPlacement(rawValue: word) else {
                throw CollectorOptionError(description: "'\(word)' is no place for labels. Write series or info.")
            }
            settings.labelPlacement = placement
        }
        if let count = options.maximumSeries {
            guard count > 0 else {
                throw CollectorOptionError(description: "a page of \(count) series is none. Write 1 or more.")
            }
            settings.maximumSeries = count
        }
        if let asks = options.asksRuntimes { settings.asksRuntimes = asks }
        if !options.runtimeSockets.isEmpty {
            settings.runtimeSockets = []
            for text in options.runtimeSockets { settings.runtimeSockets.append(try Self.socket(text)) }
        }
    }

    private mutating func selectGroups(enabled: [String], disabled: [String]?) throws(CollectorOptionError) {
        do {
            settings.groups = try MetricGroups.selection(enabled: enabled, disabled: disabled)
        } catch {
            throw CollectorOptionError(description: error.description)
        }
    }

    /// The matchers of `{id=~"/kubepods.*",name!=""}`; the braces may be left out.
    private static func matchers(_ text: String) throws(CollectorOptionError) -> [LabelMatcher] {
        do {
            // A name of its own lets matchers stand that would also match nothing, such as id!="/".
            let selector = "cgroup" + (text.hasPrefix("{") ? text : "{\(text)}")
            return try Parser.parseSelector(selector).filter { $0.name != "__name__" }
        } catch {
            throw CollectorOptionError(
                description: "'\(text)' is no filter (\(error)). Write matchers such as id=~\"/kubepods.*\".")
        }
    }
}

/// What the command line says of the collector; nil and empty lists are what it does not speak of.
package struct CollectorOptions: Sendable {
    package var enabledGroups: [String]?
    package var disabledGroups: [String]?
    package var filters: [String] = []
    package var containerLabels: [String]?
    package var labelPlacement: String?
    package var maximumSeries: Int?
    package var asksRuntimes: Bool?
    package var runtimeSockets: [String] = []

    package init() {}
}

/// Why an option of the collector was refused.
package struct CollectorOptionError: Error, CustomStringConvertible {
    package var description: String
}
