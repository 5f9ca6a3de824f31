import Bytes
import MetricModel
package import Rules

/// Unit tests for rules in promtool's format.
package enum RuleTestReader {
    package static func read(path: String) throws(ConfigurationError) -> RuleTestFile {
        var file = RuleTestFile(path: path)
        guard let document = try YAMLValue.parse(try FilePath.read(path), file: path) else { return file }
        var reader = try MappingReader(document)
        for pattern in try reader.list("rule_files") {
            let paths = FilePath.matching(FilePath.absolute(try pattern.string(), in: FilePath.folder(of: path)))
            if paths.isEmpty { file.warnings.append(pattern.error("no file matches").description) }
            for path in paths {
                let contents = try RuleFileReader.read(path: path)
                file.warnings += contents.warnings
                file.files.append(contents)
            }
        }
        if let interval = try reader.duration("evaluation_interval"), interval > 0 {
            file.evaluationIntervalMilliseconds = interval
        }
        file.groupOrder = try reader.strings("group_eval_order") ?? []
        file.comparesFuzzily = try reader.boolean("fuzzy_compare") ?? false
        for value in try reader.list("tests") { file.tests.append(try test(value)) }
        try reader.finish()
        return file
    }

    private static func test(_ value: YAMLValue) throws(ConfigurationError) -> RuleTest {
        var reader = try MappingReader(value)
        var test = RuleTest(name: try reader.string("name") ?? "")
        if let interval = try reader.duration("interval"), interval > 0 { test.intervalMilliseconds = interval }
        for element in try reader.list("input_series") {
            var fields = try MappingReader(element)
            test.inputSeries.append(
                RuleTest.InputSeries(
                    series: try fields.required("series").string(), values: try fields.required("values").string()))
            try fields.finish()
        }
        for element in try reader.list("alert_rule_test") { test.alertChecks.append(try alertCheck(element)) }
        for element in try reader.list("promql_expr_test") {
            test.expressionChecks.append(try expressionCheck(element))
        }
        test.externalLabels = try reader.texts("external_labels")
        test.externalURL = try reader.string("external_url") ?? ""
        if let written = reader.optional("start_timestamp") {
            let text = try written.string()
            guard let start = TimeText.parse(text) else {
                throw written.error("expected seconds since 1970 or RFC 3339, found \"\(text)\"")
            }
            test.start = start
        }
        try reader.finish()
        return test
    }

    private static func alertCheck(_ value: YAMLValue) throws(ConfigurationError) -> RuleTest.AlertCheck {
        var reader = try MappingReader(value)
        var check = RuleTest.AlertCheck(
            evaluationMilliseconds: try reader.duration("eval_time") ?? 0,
            alertName: try reader.required("alertname").string())
        for element in try reader.list("exp_alerts") {
            var fields = try MappingReader(element)
            check.expected.append(
                RuleTest.ExpectedAlert(
                    labels: try fields.texts("exp_labels"), annotations: try fields.texts("exp_annotations")))
            try fields.finish()
        }
        try reader.finish()
        return check
    }

    private static func expressionCheck(_ value: YAMLValue) throws(ConfigurationError) -> RuleTest.ExpressionCheck {
        var reader = try MappingReader(value)
        var check = RuleTest.ExpressionCheck(
            expression: try reader.required("expr").string(),
            evaluationMilliseconds: try reader.duration("eval_time") ?? 0)
        for element in try reader.list("exp_samples") {
            var fields = try MappingReader(element)
            let histogram = try fields.string("histogram")
            check.expected.append(
                RuleTest.ExpectedSample(
                    labels: try fields.string("labels") ?? "", value: try fields.number("value") ?? 0,
                    histogram: histogram?.isEmpty == false ? histogram : nil))
            try fields.finish()
        }
        try reader.finish()
        return check
    }
}
