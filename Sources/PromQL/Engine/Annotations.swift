import MetricModel
import PromQLSyntax

/// The warnings and infos of a query: each text once, in order of appearance.
///
/// As in Prometheus texts are compared without their positions: of several parts of a query that say the same, only one
/// is pointed at.
struct Annotations {
    enum Kind: String { case warning, info }

    /// Where a text comes from.
    struct Origin {
        /// What the text points at.
        var range: SourceRange
        /// The part of the query that says it.
        var speaker: SourceRange

        fileprivate func isSame(as other: Origin) -> Bool { range == other.range && speaker == other.speaker }

        /// Whether the speaker is evaluated later than another: the outer one of two, otherwise the one to the right.
        fileprivate func isLater(than other: Origin) -> Bool {
            if speaker == other.speaker { return range.start > other.range.start }
            if speaker.start <= other.speaker.start, speaker.end >= other.speaker.end { return true }
            if other.speaker.start <= speaker.start, other.speaker.end >= speaker.end { return false }
            return speaker.start > other.speaker.start
        }
    }

    private struct Entry {
        var kind: Kind
        var message: String
        var origin: Origin
        var repairs: MonotonicityRepairs?
        /// How often it happened, where that is told.
        var occurrenceCount = 1
    }

    private var entries: [Entry] = []
    /// Whether any text tells how often something happened at all steps together, and not at which of them.
    private var addUp = false
    private var indexes: [ExactText: Int] = [:]

    /// Adds an entry unless its text is there already; where the text is, and whether it is new.
    private mutating func take(_ entry: Entry) -> (index: Int, isNew: Bool) {
        let text = ExactText(entry.message)
        if let known = indexes[text] { return (known, false) }
        indexes[text] = entries.count
        entries.append(entry)
        return (entries.count - 1, true)
    }

    /// Adds a text; where it is there already, it points at what is evaluated last.
    mutating func add(_ kind: Kind, _ message: String, from origin: Origin) {
        let (index, isNew) = take(Entry(kind: kind, message: message, origin: origin))
        if !isNew, origin.isLater(than: entries[index].origin) { entries[index].origin = origin }
    }

    /// Adds the repairs of classic histograms to those of the same text, which points at what is evaluated first.
    ///
    /// - Parameter areOfQuery: Their times are steps of the query.
    mutating func add(_ repairs: MonotonicityRepairs, areOfQuery: Bool, _ message: String, from origin: Origin) {
        if !areOfQuery { addUp = true }
        let (index, isNew) = take(Entry(kind: .info, message: message, origin: origin, repairs: repairs))
        if isNew { return }
        entries[index].repairs?.formUnion(repairs)
        // Which of two parts of a query is pointed at depends on the steps at which each says it.
        if !entries[index].origin.isSame(as: origin) { addUp = true }
        if entries[index].origin.isLater(than: origin) { entries[index].origin = origin }
    }

    /// Adds up how often something happened; the text points at what is evaluated first.
    mutating func add(times count: Int, _ kind: Kind, _ message: String, from origin: Origin) {
        addUp = true
        let (index, isNew) = take(Entry(kind: kind, message: message, origin: origin, occurrenceCount: count))
        if isNew { return }
        entries[index].occurrenceCount += count
        if entries[index].origin.isLater(than: origin) { entries[index].origin = origin }
    }

    /// What is said, each text with the position of what it points at.
    func texts(position: (SourceRange) -> String) -> AnnotationTexts {
        AnnotationTexts(
            entries.map {
                AnnotationTexts.Text(
                    kind: $0.kind, message: $0.message, position: position($0.origin.range),
                    occurrenceCount: $0.occurrenceCount, repairs: $0.repairs)
            }, addUp: addUp)
    }
}
