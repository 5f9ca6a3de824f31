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
        var repair: MonotonicityRepair?
        /// How often it happened, where that is told.
        var occurrenceCount = 1

        /// What is told besides, which changes while the text stays the same.
        var details: String {
            occurrenceCount > 1 ? " (\(occurrenceCount) occurrences)" : repair?.details ?? ""
        }
    }

    private var entries: [Entry] = []
    /// Whether any text tells how often something happened, and so of all steps together.
    private(set) var addUp = false
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
    mutating func add(_ repair: MonotonicityRepair, _ message: String, from origin: Origin) {
        addUp = true
        let (index, isNew) = take(Entry(kind: .info, message: message, origin: origin, repair: repair))
        if isNew { return }
        entries[index].repair?.formUnion(repair)
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

    /// The texts of both kinds.
    func texts(position: (SourceRange) -> String) -> Texts {
        Texts(warnings: texts(.warning, position: position), infos: texts(.info, position: position), addUp: addUp)
    }

    /// What a query says, as the API shows it.
    struct Texts: Equatable {
        var warnings: [String] = []
        var infos: [String] = []
        /// As of the annotations.
        var addUp = false

        var isEmpty: Bool { warnings.isEmpty && infos.isEmpty }
        /// About what they take.
        var byteCount: Int { (warnings + infos).reduce(0) { $0 + $1.utf8.count + 32 } }
    }

    /// The texts of a kind with `line:column` of what they point at.
    private func texts(_ kind: Kind, position: (SourceRange) -> String) -> [String] {
        entries.filter { $0.kind == kind }.map { entry in
            "PromQL \(kind.rawValue): \(entry.message)\(entry.details) (\(position(entry.origin.range)))"
        }
    }
}

/// What was done to classic histograms so that their counts rise with the bounds.
struct MonotonicityRepair {
    private var repair: ClassicBuckets.Repair
    private var count = 1
    private var first: Int64
    private var last: Int64

    /// One repair at a time in milliseconds.
    init(_ repair: ClassicBuckets.Repair, time: Int64) {
        self.repair = repair
        first = time
        last = time
    }

    mutating func formUnion(_ other: MonotonicityRepair) {
        repair.lowestBound = min(repair.lowestBound, other.repair.lowestBound)
        repair.highestBound = max(repair.highestBound, other.repair.highestBound)
        repair.largestDifference = max(repair.largestDifference, other.repair.largestDifference)
        count += other.count
        first = min(first, other.first)
        last = max(last, other.last)
    }

    fileprivate var details: String {
        ", from buckets \(GoNumber.general(repair.lowestBound)) to \(GoNumber.general(repair.highestBound)), "
            + "with a max diff of \(GoNumber.twoDigits(repair.largestDifference)), over \(count) samples from "
            + "\(Self.seconds(first)) to \(Self.seconds(last))"
    }

    /// Whole seconds, cut off towards the epoch.
    private static func seconds(_ time: Int64) -> String {
        TimeText.rfc3339(Timestamp(milliseconds: time / 1000 * 1000))
    }
}
