import MetricModel
import PromQLSyntax
package import Rules

/// Rule files in Prometheus' format.
package enum RuleFileReader {
    /// Reads a rule file; expressions and templates are checked.
    package static func read(path: String) throws(ConfigurationError) -> RuleFileContents {
        try read(try FilePath.read(path), path: path)
    }

    package static func read(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> RuleFileContents {
        var contents = RuleFileContents(path: path)
        let (first, later) = try YAMLValue.parseFirst(bytes, file: path)
        if let later { contents.warnings.append(later.description) }
        guard let document = first else { return contents }
        var reader = try MappingReader(document)
        for value in try reader.list("groups") {
            let group = try group(value)
            guard !contents.groups.contains(where: { $0.name == group.name }) else {
                throw value.error("groupname: \"\(group.name)\" is repeated in the same file")
            }
            contents.groups.append(group)
        }
        try reader.finish()
        return contents
    }

    private static func group(_ value: YAMLValue) throws(ConfigurationError) -> RuleGroupSettings {
        var reader = try MappingReader(value)
        let name = try reader.required("name").string()
        guard !name.isEmpty else { throw value.error("groupname must not be empty") }
        var group = RuleGroupSettings(name: name)
        if let interval = try reader.duration("interval"), interval > 0 { group.intervalMilliseconds = interval }
        group.limit = max(0, try reader.integer("limit", atLeast: .min) ?? 0)
        group.queryOffsetMilliseconds = try reader.duration("query_offset")
        group.labels = try labels(&reader)
        for rule in try reader.list("rules") { group.rules.append(try self.rule(rule)) }
        try reader.finish()
        return group
    }

    private static func rule(_ value: YAMLValue) throws(ConfigurationError) -> RuleSettings {
        var reader = try MappingReader(value)
        let record = try reader.string("record") ?? ""
        let alert = try reader.string("alert") ?? ""
        guard record.isEmpty != alert.isEmpty else {
            throw value.error(
                record.isEmpty
                    ? "one of 'record' or 'alert' must be set" : "only one of 'record' and 'alert' must be set")
        }
        let written = try reader.required("expr")
        var rule = RuleSettings(
            kind: alert.isEmpty ? .recording : .alerting, name: alert.isEmpty ? record : alert,
            expression: try written.string())
        do {
            _ = try Parser.parse(rule.expression)
        } catch {
            throw written.error("could not parse expression: \(error.helpfulDescription)")
        }
        rule.labels = try labels(&reader)
        if rule.kind == .recording {
            for name in ["for", "keep_firing_for"] where try reader.duration(name) ?? 0 != 0 {
                throw value.error("invalid field '\(name)' in recording rule")
            }
            guard try reader.texts("annotations").isEmpty else {
                throw value.error("invalid field 'annotations' in recording rule")
            }
            guard !record.isEmpty, !record.contains(where: { "{}".contains($0) }) else {
                throw value.error("invalid recording rule name: \(record)")
            }
        } else {
            rule.holdMilliseconds = try reader.duration("for") ?? 0
            rule.keepFiringMilliseconds = try reader.duration("keep_firing_for") ?? 0
            rule.annotations = try reader.texts("annotations")
            for name in ["labels", "annotations"] { try checkTemplates(&reader, name) }
        }
        try reader.finish()
        return rule
    }

    /// Templates that cannot be expanded are told here, not when the alert fires.
    private static func checkTemplates(_ reader: inout MappingReader, _ name: String) throws(ConfigurationError) {
        guard let section = reader.optional(name) else { return }
        for member in try section.members() {
            let text = try member.value.string()
            do {
                _ = try Template(text)
            } catch {
                throw member.value.error("the template is wrong: \(error.description)")
            }
        }
    }

    private static func labels(_ reader: inout MappingReader) throws(ConfigurationError) -> [String: String] {
        let labels = try reader.texts("labels")
        for name in labels.keys where name.isEmpty || name == LabelName.metricName {
            throw reader.value.error("invalid label name: \"\(name)\"")
        }
        return labels
    }
}
