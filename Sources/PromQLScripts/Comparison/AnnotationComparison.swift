import PromQL

/// Compares annotations with what a case expects: every line must meet one, and one line must meet each of them.
extension EvaluationCase {
    func annotationDifference(from result: QueryResult) -> String? {
        Self.difference("warning", warnings, result.warnings) ?? Self.difference("info", infos, result.infos)
    }

    private static func difference(_ kind: String, _ expected: AnnotationExpectation, _ actual: [String]) -> String? {
        if expected.mustBeNone, let first = actual.first { return "unexpected \(kind): \(first)" }
        guard !expected.texts.isEmpty else { return nil }
        if actual.isEmpty { return "expected \(kind) \(expected.texts[0].shown), got none" }
        for text in expected.texts where !actual.contains(where: text.accepts) {
            return "no \(kind) is \(text.shown); got \(actual)"
        }
        for text in actual where !expected.texts.contains(where: { $0.accepts(text) }) {
            return "unexpected \(kind): \(text)"
        }
        return nil
    }
}
