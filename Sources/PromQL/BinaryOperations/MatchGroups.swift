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

    /// Two elements of the one side at one step are an error, unless the many side is empty there and not filled.
    func checkOneSide(of group: Group, fillsMany: Bool) throws(QueryError) {
        var owner = [Int](repeating: -1, count: one[group.one[0]].values.count)
        for index in group.one.sorted(by: { LabelOrder.precedes(one[$0].labels, one[$1].labels) }) {
            for (step, isPresent) in one[index].presence().enumerated() where isPresent {
                guard owner[step] >= 0 else {
                    owner[step] = index
                    continue
                }
                guard fillsMany || many.contains(where: { $0.element(at: step) != nil }) else { continue }
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
    private let cardinality: VectorMatching.Cardinality
    private var all: [Bool] = []
    private var byLabels: [LabelSet: [Bool]] = [:]

    init(cardinality: VectorMatching.Cardinality) { self.cardinality = cardinality }

    /// Takes the steps of a pair.
    ///
    /// One-to-one a group has one result a step, even one that a comparison filters out; with a many side the results
    /// differ in labels.
    mutating func occupy(
        _ labels: LabelSet, by many: StepSeries, and one: StepSeries, _ result: StepSeries
    ) throws(QueryError) {
        if cardinality == .oneToOne {
            let manyPresence = many.presence()
            let onePresence = one.presence()
            if all.isEmpty { all = [Bool](repeating: false, count: manyPresence.count) }
            for step in manyPresence.indices where manyPresence[step] && onePresence[step] {
                guard !all[step] else {
                    throw .execution(
                        message: "multiple matches for labels: many-to-one matching must be explicit "
                            + "(group_left/group_right)")
                }
                all[step] = true
            }
            return
        }
        let presence = result.presence()
        guard var known = byLabels[labels] else {
            byLabels[labels] = presence
            return
        }
        for step in presence.indices where presence[step] {
            guard !known[step] else {
                throw .execution(
                    message: "multiple matches for labels: grouping labels must ensure unique matches")
            }
            known[step] = true
        }
        byLabels[labels] = known
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
