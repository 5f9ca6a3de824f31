import Bytes
import MetricModel

/// A range as a picture of Braille dots, two by four in a character, one letter and line of legend a series.
struct PlotOutput {
    private static let rowCount = 16
    /// The most series drawn; more cannot be told apart.
    private static let seriesLimit = 8
    private static let colors = ["34", "32", "31", "33", "35", "36", "94", "92"]

    var width: Int
    /// Whether ANSI colours are written.
    var usesColor = StandardStream.terminalWidth != nil

    func text(_ answer: QueryAnswer, start: Timestamp, end: Timestamp) -> String {
        guard answer.kind == .matrix, !answer.series.isEmpty else { return "no series match\n" }
        let drawn = Array(answer.series.prefix(Self.seriesLimit))
        let values = drawn.flatMap { $0.points.compactMap { Self.number($0.text) } }
        guard let least = values.min(), let greatest = values.max() else { return "no number to draw\n" }
        let margin = 12
        let columnCount = max(20, width - margin - 1)
        var canvas = Canvas(columns: columnCount, rows: Self.rowCount)
        let span = max(1, end.seconds - start.seconds)
        let height = greatest > least ? greatest - least : 1
        for (index, series) in drawn.enumerated() {
            var previous: (x: Int, y: Int)?
            for point in series.points {
                guard let value = Self.number(point.text) else {
                    previous = nil
                    continue
                }
                let horizontal = Int((point.seconds - start.seconds) / span * Double(columnCount * 2 - 1))
                let vertical = Int((1 - (value - least) / height) * Double(Self.rowCount * 4 - 1))
                canvas.line(from: previous ?? (horizontal, vertical), to: (horizontal, vertical), series: index)
                previous = (horizontal, vertical)
            }
        }
        return picture(canvas, least: least, greatest: greatest, margin: margin)
            + axis(start: start, end: end, margin: margin, columnCount: columnCount)
            + legend(answer.series, drawn: drawn)
    }

    private func picture(_ canvas: Canvas, least: Double, greatest: Double, margin: Int) -> String {
        var result = ""
        for row in 0..<Self.rowCount {
            let share = 1 - Double(row) / Double(Self.rowCount - 1)
            let isLabelled = row % 5 == 0
            let label = isLabelled ? Self.short(least + (greatest - least) * share) : ""
            result +=
                String(repeating: " ", count: max(0, margin - 2 - label.count)) + label + (isLabelled ? " ┤" : " │")
            result += canvas.text(row: row) { text, series in
                usesColor ? "\u{1b}[\(Self.colors[series % Self.colors.count])m\(text)\u{1b}[0m" : text
            }
            result += "\n"
        }
        return result
    }

    private func axis(start: Timestamp, end: Timestamp, margin: Int, columnCount: Int) -> String {
        let left = TimeText.rfc3339(Timestamp(milliseconds: start.milliseconds / 1000 * 1000))
        let right = TimeText.rfc3339(Timestamp(milliseconds: end.milliseconds / 1000 * 1000))
        let gap = max(1, columnCount - left.count - right.count)
        let indent = String(repeating: " ", count: margin)
        return indent.dropLast() + "└" + String(repeating: "─", count: columnCount) + "\n" + indent + left
            + String(repeating: " ", count: gap) + right + "\n"
    }

    private func legend(_ all: [QueryAnswer.Series], drawn: [QueryAnswer.Series]) -> String {
        let shared = all.count > 1 ? Set(TableOutput.sharedLabels(all).map(\.name)) : []
        var result = ""
        for (index, series) in drawn.enumerated() {
            let mark = usesColor ? "\u{1b}[\(Self.colors[index % Self.colors.count])m━━\u{1b}[0m" : "━━"
            result += "  \(mark) \(series.notation(leavingOut: shared))  last \(series.points.last?.text ?? "-")\n"
        }
        if all.count > drawn.count { result += "  and \(all.count - drawn.count) more series that are not drawn\n" }
        return result
    }

    private static func number(_ text: String) -> Double? {
        guard let value = DecimalParsing.parse(text), value.isFinite else { return nil }
        return value
    }

    /// About four digits and an SI prefix: `12.3M`.
    private static func short(_ value: Double) -> String {
        for (size, prefix) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] where abs(value) >= size {
            return DecimalFormatting.text((value / size * 100).rounded() / 100, style: .plain) + prefix
        }
        return DecimalFormatting.text((value * 1000).rounded() / 1000, style: .plain)
    }
}

/// Dots in Braille characters (Unicode block 2800), each character coloured by the last series that touched it.
private struct Canvas {
    private static let dots: [[UInt32]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

    let columns: Int
    let rows: Int
    private var cells: [UInt32]
    private var owners: [Int]

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
        cells = Array(repeating: 0, count: columns * rows)
        owners = Array(repeating: 0, count: columns * rows)
    }

    private mutating func dot(_ horizontal: Int, _ vertical: Int, series: Int) {
        guard horizontal >= 0, vertical >= 0, horizontal < columns * 2, vertical < rows * 4 else { return }
        let cell = vertical / 4 * columns + horizontal / 2
        cells[cell] |= Self.dots[vertical % 4][horizontal % 2]
        owners[cell] = series
    }

    /// A straight line (Bresenham 1965).
    mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int), series: Int) {
        var (horizontal, vertical) = start
        let width = abs(end.x - start.x)
        let height = -abs(end.y - start.y)
        var error = width + height
        while true {
            dot(horizontal, vertical, series: series)
            if horizontal == end.x, vertical == end.y { return }
            let doubled = 2 * error
            if doubled >= height {
                error += height
                horizontal += start.x < end.x ? 1 : -1
            }
            if doubled <= width {
                error += width
                vertical += start.y < end.y ? 1 : -1
            }
        }
    }

    func text(row: Int, paint: (String, Int) -> String) -> String {
        var result = ""
        for column in 0..<columns {
            let cell = cells[row * columns + column]
            let character = String(UnicodeScalar(0x2800 + cell).map(Character.init) ?? " ")
            result += cell == 0 ? " " : paint(character, owners[row * columns + column])
        }
        return result
    }
}
