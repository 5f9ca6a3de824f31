import MetricModel

/// An answer as a table for people: what all rows share stands above, a column for each label that differs.
struct TableOutput {
    /// The most rows shown of each series of a range.
    private static let pointLimit = 20

    /// Columns of the terminal; nil where lines may be as long as they like.
    var width: Int?

    func text(_ answer: QueryAnswer) -> String {
        switch answer.kind {
        case .scalar, .string: return (answer.series.first?.points.first?.text ?? "") + "\n"
        case .vector: return vector(answer.series)
        case .matrix: return matrix(answer.series)
        }
    }

    private func vector(_ series: [QueryAnswer.Series]) -> String {
        guard !series.isEmpty else { return "no series match\n" }
        let shared = Self.sharedLabels(series)
        let names = Set(series.flatMap { $0.labels.map(\.name) }).subtracting(shared.map(\.name)).sorted()
        var heading = ""
        if !shared.isEmpty, series.count > 1 { heading = LabelSet(shared).description + "\n\n" }
        if series.count == 1 || names.isEmpty {
            return series.map { "\($0.notation())  \($0.points.first?.text ?? "")\n" }.joined()
        }
        var rows = [names + ["VALUE"]]
        rows += series.map { one in names.map { Self.printable(one.value(of: $0)) } + [one.points.first?.text ?? ""] }
        return heading + layOut(rows)
    }

    private func matrix(_ series: [QueryAnswer.Series]) -> String {
        guard !series.isEmpty else { return "no series match\n" }
        var result = ""
        for one in series {
            result += one.notation() + "\n"
            for point in one.points.suffix(Self.pointLimit) {
                result += "  \(TimeText.rfc3339(Timestamp(seconds: point.seconds)))  \(point.text)\n"
            }
            let hidden = one.points.count - Self.pointLimit
            if hidden > 0 { result += "  (and \(hidden) earlier points; --output csv or json has them all)\n" }
        }
        return result
    }

    /// Labels that every series has with the same value.
    static func sharedLabels(_ series: [QueryAnswer.Series]) -> [(name: String, value: String)] {
        guard let first = series.first else { return [] }
        return first.labels.filter { label in series.allSatisfy { $0.value(of: label.name) == label.value } }
    }

    /// Control characters must not reach the terminal.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "\u{fffd}" : $0 }))
    }

    /// Aligns cells; the last column to the right.
    ///
    /// Cells give way where the terminal is too narrow.
    private func layOut(_ rows: [[String]]) -> String {
        guard let columnCount = rows.first?.count else { return "" }
        var widths = (0..<columnCount).map { column in rows.map { $0[column].count }.max() ?? 0 }
        if let width {
            let gaps = 2 * (columnCount - 1)
            while widths.reduce(gaps, +) > width, let widest = widths.dropLast().max(), widest > 8 {
                guard let column = widths.firstIndex(of: widest) else { break }
                widths[column] -= 1
            }
        }
        var result = ""
        for (index, row) in rows.enumerated() {
            var line = ""
            for (column, cell) in row.enumerated() {
                let fitted = Self.fit(cell, widths[column])
                let padding = String(repeating: " ", count: widths[column] - fitted.count)
                line += column == columnCount - 1 ? padding + fitted : fitted + padding + "  "
            }
            result += (index == 0 ? line.uppercased() : line) + "\n"
        }
        return result
    }

    /// Cuts out the middle, where identifiers differ least.
    private static func fit(_ text: String, _ width: Int) -> String {
        guard text.count > width else { return text }
        let head = (width - 1) / 2
        return text.prefix(head) + "…" + text.suffix(width - 1 - head)
    }
}
