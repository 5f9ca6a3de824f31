import MetricModel
import PromQLSyntax

/// One step of a script.
enum ScriptCommand {
    case clear
    case load(LoadBlock)
    case evaluate(EvaluationCase)
    /// The command is at fault; it fails when its turn comes.
    case faulty(String)

    /// A command and the line it begins at, from 1.
    struct Placed {
        var line: Int
        /// The line itself, for reports.
        var text: String
        var command: ScriptCommand
    }
}

/// Series to put into the store, a point every step from the epoch on.
struct LoadBlock {
    struct Entry {
        var labels: LabelSet
        var values: [SequenceValue]
        /// Distances of start timestamps; empty where the series has none.
        var startDistances: [Int64?] = []
    }

    var stepMilliseconds: Int64
    var convertsClassicHistograms: Bool
    var entries: [Entry] = []
}

/// A query and what is expected of it.
struct EvaluationCase {
    enum Times {
        case instant(Int64)
        case range(start: Int64, end: Int64, step: Int64)
    }

    /// The grid that values on lines of an instant query stand for when its result is a range vector.
    struct RangeVectorGrid {
        var start: Int64
        var end: Int64
        var step: Int64
    }

    /// A line `labels value…`.
    struct ExpectedSeries {
        var labels: LabelSet
        var values: [SequenceValue]
    }

    var times: Times
    var text: String
    var expression: Expression
    var rangeVectorGrid: RangeVectorGrid?
    var expectedString: String?
    var expectedScalar: Double?
    var expectedSeries: [ExpectedSeries] = []
    var isOrdered = false
    var failure: TextExpectation?
    var warnings = AnnotationExpectation()
    var infos = AnnotationExpectation()
}

/// What a text has to be.
enum TextExpectation {
    case any
    case exactly(String)
    /// Some part of the text matches.
    case matching(RegexPattern)

    func accepts(_ text: String) -> Bool {
        switch self {
        case .any: true
        case .exactly(let expected): text == expected
        case .matching(let pattern): pattern.matchesPart(text)
        }
    }

    var shown: String {
        switch self {
        case .any: "any text"
        case .exactly(let text): LabelName.quoted(text)
        case .matching(let pattern): "a text matching \(pattern.source)"
        }
    }
}

/// What is expected of the annotations of one kind; nothing is checked where no line speaks of the kind.
struct AnnotationExpectation {
    var texts: [TextExpectation] = []
    var mustBeNone = false
}
