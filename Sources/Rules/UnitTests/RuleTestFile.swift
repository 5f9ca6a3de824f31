package import MetricModel

/// A unit-test file for rules in promtool's format, as it was read.
package struct RuleTestFile: Hashable, Sendable {
    package var path: String
    /// The rule files that `rule_files` names, read.
    package var files: [RuleFileContents]
    package var evaluationIntervalMilliseconds: Int64
    /// Groups that are evaluated before the others, in this order.
    package var groupOrder: [String]
    /// Whether neighbouring floating point numbers count as equal (`fuzzy_compare`).
    package var comparesFuzzily: Bool
    package var tests: [RuleTest]
    /// What was read over, as sentences.
    package var warnings: [String] = []

    package init(
        path: String, files: [RuleFileContents] = [], evaluationIntervalMilliseconds: Int64 = 60_000,
        groupOrder: [String] = [], comparesFuzzily: Bool = false, tests: [RuleTest] = []
    ) {
        self.path = path
        self.files = files
        self.evaluationIntervalMilliseconds = evaluationIntervalMilliseconds
        self.groupOrder = groupOrder
        self.comparesFuzzily = comparesFuzzily
        self.tests = tests
    }
}

/// One entry of `tests`.
package struct RuleTest: Hashable, Sendable {
    /// A series in the notation of PromQL's tests.
    package struct InputSeries: Hashable, Sendable {
        package var series: String
        package var values: String
        package init(series: String, values: String) {
            self.series = series
            self.values = values
        }
    }

    package struct ExpectedAlert: Hashable, Sendable {
        /// Without `alertname`, which is added.
        package var labels: [String: String]
        package var annotations: [String: String]
        package init(labels: [String: String] = [:], annotations: [String: String] = [:]) {
            self.labels = labels
            self.annotations = annotations
        }
    }

    package struct AlertCheck: Hashable, Sendable {
        package var evaluationMilliseconds: Int64
        package var alertName: String
        package var expected: [ExpectedAlert]
        package init(evaluationMilliseconds: Int64, alertName: String, expected: [ExpectedAlert] = []) {
            self.evaluationMilliseconds = evaluationMilliseconds
            self.alertName = alertName
            self.expected = expected
        }
    }

    package struct ExpectedSample: Hashable, Sendable {
        /// As written: `name{label="value"}`.
        package var labels: String
        package var value: Double
        /// A histogram in the notation of PromQL's tests, instead of the value.
        package var histogram: String?
        package init(labels: String, value: Double = 0, histogram: String? = nil) {
            self.labels = labels
            self.value = value
            self.histogram = histogram
        }
    }

    package struct ExpressionCheck: Hashable, Sendable {
        package var expression: String
        package var evaluationMilliseconds: Int64
        package var expected: [ExpectedSample]
        package init(expression: String, evaluationMilliseconds: Int64, expected: [ExpectedSample] = []) {
            self.expression = expression
            self.evaluationMilliseconds = evaluationMilliseconds
            self.expected = expected
        }
    }

    package var name: String
    /// Nil: the file's evaluation interval.
    package var intervalMilliseconds: Int64?
    package var inputSeries: [InputSeries]
    package var alertChecks: [AlertCheck]
    package var expressionChecks: [ExpressionCheck]
    package var externalLabels: [String: String]
    package var externalURL: String
    package var start: Timestamp

    package init(
        name: String = "", intervalMilliseconds: Int64? = nil, inputSeries: [InputSeries] = [],
        alertChecks: [AlertCheck] = [], expressionChecks: [ExpressionCheck] = [],
        externalLabels: [String: String] = [:], externalURL: String = "", start: Timestamp = .init(milliseconds: 0)
    ) {
        self.name = name
        self.intervalMilliseconds = intervalMilliseconds
        self.inputSeries = inputSeries
        self.alertChecks = alertChecks
        self.expressionChecks = expressionChecks
        self.externalLabels = externalLabels
        self.externalURL = externalURL
        self.start = start
    }
}
