import MetricModel
import PromQLSyntax

/// The series of both sides of an operator, gathered by match key.
struct MatchGroups {
    struct Group {
        var key: LabelSet
        /// Indexes of the series of each side.
        var many: [Int] = []
        var one: [Int] = []
    }

    let many: [StepSeries]
    let one: [StepSeries]
    private(set) var groups: [Group] = []
    /// What the groups take.
    private(set) var cost = QueryCost()
    private let isSwapped: Bool

    init(
        many: [StepSeries], one: [StepSeries], matching: VectorMatching, isSwapped: Bool, _ context: QueryContext
    ) throws(QueryError) {
        self.many = many
        self.one = one
        self.isSwapped = isSwapped
        let filter = Self.key(of: matching)
        var indexes: [LabelSet: Int] = [:]
        func index(of labels: LabelSet) throws(QueryError) -> Int {
            let key = filter.apply(labels)
            // A list of members grows by doubling.
            var made = QueryCost(bytes: 16)
            if let known = indexes[key] {
                try context.hold(made)
                cost += made
                return known
            }
            made += StepSeries.keyCost(key)
            try context.hold(made)
            cost += made
            indexes[key] = groups.count
            groups.append(Group(key: key))
            return groups.count - 1
        }
        for position in many.indices { groups[try index(of: many[position].labels)].many.append(position) }
        for position in one.indices { groups[try index(of: one[position].labels)].one.append(position) }
    }

    /// The labels that two elements must share to meet.
    static func key(of matching: VectorMatching) -> LabelFilter {
        matching.isOn
            ? LabelFilter(keeping: matching.labels)
            : LabelFilter(dropping: matching.labels + [LabelName.metricName])
    }

    /// Two elements of the one side at one step are an error, unless the many side is empty there and nothing is filled.
    func checkOneSide(of group: Group, fills: Bool) throws(QueryError) {
        var owner = [Int](repeating: -1, count: one[group.one[0]].values.count)
        for index in group.one.sorted(by: { LabelOrder.precedes(one[$0].labels, one[$1].labels) }) {
            for (step, isPresent) in one[index].presence().enumerated() where isPresent {
                guard owner[step] >= 0 else {
                    owner[step] = index
                    continue
                }
                guard fills || many.contains(where: { $0.element(at: step) != nil }) else { continue }
                let names = [one[index].labels, one[owner[step]].labels].sorted().map(\.inBraces)
                throw .execution(
                    message: "found duplicate series for the match group \(group.key.inBraces) on the "
                        + "\(isSwapped ? "left" : "right") hand-side of the operation: "
                        + "[\(names.joined(separator: ", "))];many-to-many matching not allowed: "
                        + "matching labels must be unique on one side")
            }
        }
    }

    /// A column with `value` where none of the members has an element.
    func absence(of members: [Int], in series: [StepSeries], filledWith value: Double) -> [Double] {
        let stepCount = (many.first ?? one.first)?.values.count ?? 0
        var result = [Double](repeating: value, count: stepCount)
        for index in members {
            for step in 0..<stepCount where !series[index].values[step].isAbsent {
                result[step] = Column.absent
            }
            for sample in series[index].histograms { result[sample.step] = Column.absent }
        }
        return result
    }
}

/// Which steps of a match group already have a result, to find those that would have two.
struct OccupiedSteps {
    /// What came out of two series.
    struct Pair {
        var result: StepSeries
        /// The steps whose elements do not go together.
        var refused: [Int] = []
    }

    private let cardinality: VectorMatching.Cardinality
    private let isNeeded: Bool
    private var all: [Bool] = []
    private var byLabels: [LabelSet: [Bool]] = [:]

    /// - Parameter isNeeded: False where the group cannot have two results at a step and nobody asks for those it has.
    init(cardinality: VectorMatching.Cardinality, isNeeded: Bool) {
        self.cardinality = cardinality
        self.isNeeded = isNeeded
    }

    /// Whether a step has a result, perhaps one that a comparison filters out.
    func isTaken(at step: Int) -> Bool { step < all.count && all[step] }

    /// Takes the steps of a pair.
    ///
    /// One-to-one a group has one result a step, with a many side one for each set of labels, those that a comparison
    /// filters out included.
    mutating func occupy(_ many: StepSeries, _ one: StepSeries, _ pair: Pair) throws(QueryError) {
        guard isNeeded else { return }
        var presence = many.presence()
        let onePresence = one.presence()
        for step in presence.indices where !onePresence[step] { presence[step] = false }
        for step in pair.refused { presence[step] = false }
        if all.isEmpty { all = [Bool](repeating: false, count: presence.count) }
        if cardinality == .oneToOne {
            guard !Self.mark(presence, in: &all) else {
                throw .execution(
                    message: "multiple matches for labels: many-to-one matching must be explicit "
                        + "(group_left/group_right)")
            }
            return
        }
        _ = Self.mark(presence, in: &all)
        var known = byLabels[pair.result.labels] ?? [Bool](repeating: false, count: presence.count)
        guard !Self.mark(presence, in: &known) else {
            throw .execution(
                message: "multiple matches for labels: grouping labels must ensure unique matches")
        }
        byLabels[pair.result.labels] = known
    }

    /// Whether a step was marked before.
    private static func mark(_ presence: [Bool], in known: inout [Bool]) -> Bool {
        var isTwice = false
        for step in presence.indices where presence[step] {
            if known[step] { isTwice = true }
            known[step] = true
        }
        return isTwice
    }
}

extension LabelSet {
    /// All labels in braces, the name among them, as Prometheus' errors write them.
    var inBraces: String {
        let shown = pairs.map { pair in
            let name = LabelName.isLegacyLabelName(pair.name) ? pair.name : LabelName.quoted(pair.name)
            return name + "=" + LabelName.quoted(pair.value)
        }
        return "{" + shown.joined(separator: ", ") + "}"
    }
}
