package import Cgroups
import MetricModel
import PromQLSyntax

/// The `collector` section: what the built-in collector reads and shows.
///
/// The same words stand on the command line of `lapwing collect`, there under cAdvisor's names where it has them.
package struct CollectorSection: Sendable {
    package var settings = CollectorSettings()

    package init() {}

    /// Takes what options say; each list may be empty.
    package init(
        enabled: [String], disabled: [String], filters: [String], containerLabels: [String]
    ) throws(CollectorOptionError) {
        try selectGroups(enabled: enabled, disabled: disabled)
        for filter in filters { settings.filters += try Self.matchers(filter) }
        settings.containerLabels = Set(containerLabels)
    }

    init(_ reader: MappingReader) throws(ConfigurationError) {
        var reader = reader
        let value = reader.value
        let enabled = try reader.strings("enable_metrics") ?? []
        let disabled = try reader.strings("disable_metrics") ?? []
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
        try reader.finish()
    }

    /// `series` or `info`.
    package mutating func setLabelPlacement(_ word: String) throws(CollectorOptionError) {
        guard let placement = LabelPlacement(rawValue: word) else {
            throw CollectorOptionError(description: "'\(word)' is no place for labels. Write series or info.")
        }
        settings.labelPlacement = placement
    }

    package mutating func setMaximumSeries(_ count: Int) throws(CollectorOptionError) {
        guard count > 0 else {
            throw CollectorOptionError(description: "a page of \(count) series is none. Write 1 or more.")
        }
        settings.maximumSeries = count
    }

    private mutating func selectGroups(enabled: [String], disabled: [String]) throws(CollectorOptionError) {
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

/// Why an option of the collector was refused.
package struct CollectorOptionError: Error, CustomStringConvertible {
    package var description: String
}
