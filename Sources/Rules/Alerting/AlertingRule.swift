import MetricModel
import PromQL

/// A rule whose result is a set of alerts: its templates and the state of its alerts.
struct AlertingRule: Sendable {
    let settings: RuleSettings
    let limit: Int
    /// What the rule is called in `state.sqlite`: group, name and labels, so that moving it in its file loses nothing.
    let identity: String
    var state = AlertState()
    private let labels: [(name: String, template: Template)]
    private let annotations: [(name: String, template: Template)]

    init(
        _ settings: RuleSettings, groupLabels: [String: String], limit: Int, identity: String
    ) throws(RuleError) {
        self.settings = settings
        self.limit = limit
        self.identity = identity
        labels = try Self.templates(groupLabels.merging(settings.labels) { _, own in own }, of: settings.name)
        annotations = try Self.templates(settings.annotations, of: settings.name)
    }

    private static func templates(
        _ texts: [String: String], of rule: String
    ) throws(RuleError) -> [(name: String, template: Template)] {
        var result: [(name: String, template: Template)] = []
        for (name, text) in texts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            do {
                result.append((name, try Template(text)))
            } catch {
                throw .template(rule: rule, name: name, error: error)
            }
        }
        return result
    }

    /// Applies labels and annotations to the elements of a result.
    func elements(
        of result: QueryValue, externalLabels: LabelSet, in environment: TemplateEnvironment
    ) throws(RuleError) -> [AlertElement] {
        var elements: [AlertElement] = []
        for element in try VectorResult.elements(of: result) {
            let data = AlertTemplateData(
                labels: element.labels, value: element.value, externalLabels: externalLabels,
                externalURL: environment.externalURL)
            var builder = LabelSetBuilder(element.labels)
            builder.remove(LabelName.metricName)
            for label in labels { builder.set(label.name, to: label.template.text(data, in: environment)) }
            builder.set(LabelName.alertName, to: settings.name)
            var texts: [String: String] = [:]
            for annotation in annotations {
                texts[annotation.name] = annotation.template.text(data, in: environment)
            }
            elements.append(AlertElement(labels: builder.build(), annotations: texts, value: element.value))
        }
        return elements
    }
}
