import MetricModel
import PromQLSyntax

/// Cuts a script into commands.
///
/// A command goes from its line to the next empty line; a line of comment counts as empty. Faults stay with their
/// command, so that the rest of the script still runs.
struct ScriptParser {
    /// The longest script that is read, in bytes.
    static let scriptLimitBytes = 16 << 20

    private let lines: [Substring]
    private var next = 0

    private init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let trimmed = Self.trimmed(line)
            return trimmed.hasPrefix("#") ? "" : trimmed
        }
    }

    static func commands(of text: String) -> [ScriptCommand.Placed] {
        guard text.utf8.count <= scriptLimitBytes else {
            let fault = "the script is longer than \(scriptLimitBytes) bytes"
            return [ScriptCommand.Placed(line: 1, text: "", command: .faulty(fault))]
        }
        var parser = ScriptParser(text)
        var result: [ScriptCommand.Placed] = []
        while let (number, block) = parser.nextBlock() {
            do {
                result.append(
                    .init(line: number, text: String(block[0]), command: try command(block)))
            } catch {
                result.append(.init(line: number, text: String(block[0]), command: .faulty(error.description)))
            }
        }
        return result
    }

    static func trimmed(_ text: Substring) -> Substring {
        var result = text.drop(while: \.isWhitespace)
        while result.last?.isWhitespace == true { result.removeLast() }
        return result
    }

    /// The lines of the next command, its first line's number before them.
    ///
    /// A `clear` has no body: what stands right below it is the next command.
    private mutating func nextBlock() -> (number: Int, lines: [Substring])? {
        while next < lines.count, lines[next].isEmpty { next += 1 }
        guard next < lines.count else { return nil }
        let start = next
        next += 1
        if lines[start].lowercased() != "clear" {
            while next < lines.count, !lines[next].isEmpty { next += 1 }
        }
        return (start + 1, Array(lines[start..<next]))
    }

    private static func command(_ block: [Substring]) throws(ScriptError) -> ScriptCommand {
        var words = WordReader(block[0])
        let word = words.next()?.lowercased() ?? ""
        if word == "clear" { return .clear }
        if word.hasPrefix("load") { return .load(try loadBlock(word, &words, body: block.dropFirst())) }
        if word.hasPrefix("eval") {
            return .evaluate(try EvaluationParser.parse(word, &words, body: block.dropFirst()))
        }
        throw ScriptError("unknown command \(LabelName.quoted(word))")
    }

    private static func loadBlock(
        _ word: String, _ words: inout WordReader, body: ArraySlice<Substring>
    ) throws(ScriptError) -> LoadBlock {
        guard word == "load" || word == "load_with_nhcb" else {
            throw ScriptError("unknown command \(LabelName.quoted(word))")
        }
        let step = try words.duration("the step of a load")
        guard words.rest.isEmpty, step > 0 else { throw ScriptError("a load is written: load STEP") }
        var block = LoadBlock(stepMilliseconds: step, convertsClassicHistograms: word == "load_with_nhcb")
        var pending: SeriesNotation.StartTimestamps?
        for line in body {
            do {
                if let starts = try SeriesNotation.parseStartTimestamps(String(line)) {
                    guard pending == nil else { throw ScriptError("@st line without a line of samples: \(line)") }
                    pending = starts
                    continue
                }
                let series = try SeriesNotation.parse(String(line))
                var entry = LoadBlock.Entry(labels: series.labels, values: series.values)
                if let starts = pending {
                    guard starts.labels == series.labels, starts.distances.count == series.values.count else {
                        throw ScriptError("the @st line before does not fit the line of samples: \(line)")
                    }
                    entry.startDistances = starts.distances
                    pending = nil
                }
                block.entries.append(entry)
            } catch let error as ScriptError {
                throw error
            } catch {
                throw ScriptError("\(line): \(error)")
            }
        }
        if pending != nil { throw ScriptError("@st line without a line of samples") }
        return block
    }
}

/// Takes words off the front of a line.
struct WordReader {
    private(set) var rest: Substring

    init(_ line: Substring) { rest = line }

    mutating func next() -> Substring? {
        rest = rest.drop(while: \.isWhitespace)
        guard !rest.isEmpty else { return nil }
        let word = rest.prefix { !$0.isWhitespace }
        rest = rest.dropFirst(word.count).drop(while: \.isWhitespace)
        return word
    }

    mutating func duration(_ what: String) throws(ScriptError) -> Int64 {
        guard let word = next(), let milliseconds = DurationText.milliseconds(word) else {
            throw ScriptError("\(what) is not a duration")
        }
        return milliseconds
    }

    mutating func expect(_ wanted: String) throws(ScriptError) {
        guard let word = next(), word == wanted else { throw ScriptError("\(LabelName.quoted(wanted)) expected") }
    }
}
