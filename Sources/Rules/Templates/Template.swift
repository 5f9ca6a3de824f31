package import MetricModel

/// A parsed template in the syntax of Go's text/template, with Prometheus' functions.
package struct Template: Sendable {
    let source: [UInt8]
    let nodes: [TemplateNode]
    let definitions: [String: [TemplateNode]]
    /// Whether the text is what it expands to: there is no action in it.
    let isPlain: Bool

    /// Parses with the variables that alert templates have: `$labels`, `$externalLabels`, `$externalURL`, `$value`.
    package init(_ text: String, limits: TemplateLimits = .init()) throws(TemplateError) {
        source = Array(text.utf8)
        isPlain = !text.contains("{{")
        guard !isPlain else {
            nodes = []
            definitions = [:]
            return
        }
        var parser = try TemplateParser(
            source: source, variables: ["$"] + AlertTemplateData.variableNames, limits: limits)
        nodes = try parser.parse()
        definitions = parser.definitions
    }

    /// The text for one alert.
    package func expanded(
        _ data: AlertTemplateData, in environment: TemplateEnvironment
    ) throws(TemplateError) -> String {
        if isPlain { return String(decoding: source, as: UTF8.self) }
        var evaluator = TemplateEvaluator(self, environment)
        return try evaluator.run(data.record, variables: data.variables)
    }

    /// The text for one alert, or the error in the form that Prometheus puts in its place.
    package func text(_ data: AlertTemplateData, in environment: TemplateEnvironment) -> String {
        do {
            return try expanded(data, in: environment)
        } catch {
            return "<error expanding template: \(error.description)>"
        }
    }
}

/// What templates of an alerting rule see.
package struct AlertTemplateData: Sendable {
    static let variableNames = ["$labels", "$externalLabels", "$externalURL", "$value"]

    /// The labels of the query's element, metric name included.
    package var labels: LabelSet
    package var value: Double
    package var externalLabels: LabelSet
    package var externalURL: String

    package init(labels: LabelSet, value: Double, externalLabels: LabelSet = .empty, externalURL: String = "") {
        self.labels = labels
        self.value = value
        self.externalLabels = externalLabels
        self.externalURL = externalURL
    }

    var variables: [(String, TemplateValue)] {
        [
            ("$labels", .strings(labels.templateStrings)),
            ("$externalLabels", .strings(externalLabels.templateStrings)),
            ("$externalURL", .string(externalURL)), ("$value", .float(value)),
        ]
    }

    var record: TemplateValue {
        .record([
            "Labels": .strings(labels.templateStrings), "Value": .float(value),
            "ExternalLabels": .strings(externalLabels.templateStrings), "ExternalURL": .string(externalURL),
        ])
    }
}

/// What an expansion may ask of the world around it.
package struct TemplateEnvironment: Sendable {
    package var now: Timestamp
    package var externalURL: String
    package var limits: TemplateLimits
    /// Runs an instant query at the time of the evaluation.
    package var query: @Sendable (String) throws(TemplateError) -> [TemplateSample]

    package init(
        now: Timestamp, externalURL: String = "", limits: TemplateLimits = .init(),
        query: @escaping @Sendable (String) throws(TemplateError) -> [TemplateSample]
    ) {
        self.now = now
        self.externalURL = externalURL
        self.limits = limits
        self.query = query
    }
}
