import MetricModel
import PromQL

/// A rule whose result is stored under a name of its own.
struct RecordingRule: Sendable {
    let settings: RuleSettings
    /// Labels of the group and, over them, of the rule; an empty value removes.
    let labels: [(name: String, value: String)]
    let limit: Int

    init(_ settings: RuleSettings, groupLabels: [String: String], limit: Int) {
        self.settings = settings
        self.limit = limit
        labels = groupLabels.merging(settings.labels) { _, own in own }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { (name: $0.key, value: $0.value) }
    }

    /// The samples to store for a result.
    func samples(of result: QueryValue) throws(RuleError) -> [RuleSample] {
        var samples: [RuleSample] = []
        var seen: Set<LabelSet> = []
        for element in try VectorResult.elements(of: result) {
            var builder = LabelSetBuilder(element.labels)
            builder.set(LabelName.metricName, to: settings.name)
            for label in labels { builder.set(label.name, to: label.value) }
            let named = builder.build()
            guard seen.insert(named).inserted else { throw .duplicateLabels(isAlert: false) }
            samples.append(RuleSample(labels: named, value: element.value, histogram: element.histogram))
        }
        guard limit == 0 || samples.count <= limit else {
            throw .limitExceeded(limit: limit, count: samples.count, isAlert: false)
        }
        return samples
    }
}

/// A rule's result as a vector: a scalar is one element without labels.
enum VectorResult {
    static func elements(of value: QueryValue) throws(RuleError) -> [VectorElement] {
        switch value {
        case .vector(let elements): return elements
        case .scalar(let timestamp, let value):
            return [VectorElement(labels: .empty, timestamp: timestamp, value: value)]
        case .string: throw .resultType("string")
        case .matrix: throw .resultType("range vector")
        }
    }
}
