/// What a query says, in order of appearance.
struct AnnotationTexts {
    struct Text {
        let kind: Annotations.Kind
        let message: String
        /// `line:column` of what it points at.
        let position: String
        /// How often it happened, where that is told.
        let occurrenceCount: Int
        fileprivate(set) var repairs: MonotonicityRepairs?

        /// As the API shows it.
        fileprivate var shown: String {
            let details = occurrenceCount > 1 ? " (\(occurrenceCount) occurrences)" : repairs?.details ?? ""
            return "PromQL \(kind.rawValue): \(message)\(details) (\(position))"
        }

        /// Whether the other one differs in nothing but in what is told besides, which changes while the text stays the same.
        fileprivate func saysSame(as other: Text) -> Bool {
            kind == other.kind && message.utf8.elementsEqual(other.message.utf8) && position == other.position
                && (repairs == nil) == (other.repairs == nil)
        }
    }

    private var list: [Text] = []
    /// Whether any text tells how often something happened at all steps together, and not at which of them.
    private(set) var addUp = false

    init() {}

    init(_ list: [Text], addUp: Bool) {
        self.list = list
        self.addUp = addUp
    }

    var isEmpty: Bool { list.isEmpty }
    /// Whether it is known of each text at which steps it was said.
    var areByStep: Bool { !addUp && list.allSatisfy { $0.repairs != nil } }
    /// About what they take.
    var byteCount: Int { list.reduce(0) { $0 + $1.message.utf8.count + 128 + ($1.repairs?.byteCount ?? 0) } }

    var warnings: [String] { list.filter { $0.kind == .warning }.map(\.shown) }
    var infos: [String] { list.filter { $0.kind == .info }.map(\.shown) }

    // MARK: Parts of an answer

    /// What was said at some of the steps, as far as that is known: a text that is not told by step stays.
    func within(_ times: ClosedRange<Int64>) -> AnnotationTexts {
        if addUp { return self }
        var result = self
        for index in list.indices { result.list[index].repairs = list[index].repairs?.within(times) }
        result.list.removeAll { $0.repairs?.isEmpty == true }
        return result
    }

    /// What is said by a query of which these are the texts of the first steps, and `rest` those of the others; nil where that
    /// cannot be told.
    ///
    /// A text that is not told by step was said at some of the first ones, and nobody knows whether these are still asked for: where
    /// the rest says it too, it does not matter.
    func joined(with rest: AnnotationTexts) -> AnnotationTexts? {
        if isEmpty { return rest }
        if rest.isEmpty, areByStep { return self }
        guard !addUp, !rest.addUp, list.elementsEqual(rest.list, by: { $0.saysSame(as: $1) }) else { return nil }
        var joined = rest
        for index in list.indices {
            if let repairs = list[index].repairs { joined.list[index].repairs?.formUnion(repairs) }
        }
        return joined
    }
}
