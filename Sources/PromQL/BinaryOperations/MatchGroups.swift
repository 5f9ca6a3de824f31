import MetricModel
import PromQLSyntax

/// The series of both sides of an operator, gathered by match key.
///
/// Where series come and go, as those of deployments do, a group may have thousands on both sides of which few exist at the
/// same time: pairs that share no step are told from the extents and cost nothing more.
struct MatchGroups {
    struct Group {
        var key: LabelSet
        /// Indexes of the series of each side.
        var many: [Int] = []
        var one: [Int] = []
    }

    let many: [PackedSeries]
    let one: [PackedSeries]
    private(set) var groups: [Group] = []
    private let stepCount: Int
    /// What the groups take.
    private(set) var cost = QueryCost()
    private let isSwapped: Bool
    /// From the first step of each series to its last.
    private let manyExtents: [Range<Int>]
    private let oneExtents: [Range<Int>]
    /// At which steps the many side has anything; made when it is asked for.
    private var manySteps: [Bool]?

    init(
        many: [PackedSeries], one: [PackedSeries], over stepCount: Int, matching: VectorMatching, isSwapped: Bool,
        _ context: QueryContext
    ) throws(QueryError) {
        self.stepCount = stepCount
        self.many = many
        self.one = one
        self.isSwapped = isSwapped
        manyExtents = many.map(\.extent)
        oneExtents = one.map(\.extent)
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

    /// The steps from which a pair may have results.
    func sharedSteps(_ many: Int, _ one: Int) -> Range<Int> { manyExtents[many].clamped(to: oneExtents[one]) }

    /// Two elements of the one side at one step are an error, unless the many side is empty there and nothing is filled.
    ///
    /// They are told before anything is matched, and what is met twice first.
    mutating func checkOneSide(of group: Group, fills: Bool, _ fault: inout EarliestFault) {
        var owner = [Int](repeating: -1, count: stepCount)
        for index in group.one {
            for step in oneExtents[index] where one[index].hasElement(at: step) {
                guard owner[step] >= 0 else {
                    owner[step] = index
                    continue
                }
                let place = EarliestFault.Place(step: step, order: index)
                guard fault.isEarlier(place), fills || isInMany(step) else { continue }
                let names = [one[index].labels, one[owner[step]].labels].sorted().map(\.inBraces)
                let message =
                    "found duplicate series for the match group \(group.key.inBraces) on the "
                    + "\(isSwapped ? "left" : "right") hand-side of the operation: "
                    + "[\(names.joined(separator: ", "))];many-to-many matching not allowed: "
                    + "matching labels must be unique on one side"
                fault.note(.execution(message: message), at: place)
            }
        }
    }

    private mutating func isInMany(_ step: Int) -> Bool {
        if let manySteps { return manySteps[step] }
        var steps = [Bool](repeating: false, count: stepCount)
        for (index, extent) in manyExtents.enumerated() {
            for step in extent where many[index].hasElement(at: step) { steps[step] = true }
        }
        manySteps = steps
        return steps[step]
    }

    /// A column with `value` where none of the members has an element.
    func absence(of members: [Int], in series: [PackedSeries], filledWith value: Double) -> [Double] {
        var result = [Double](repeating: value, count: stepCount)
        for index in members {
            for step in series[index].extent where series[index].hasElement(at: step) { result[step] = Column.absent }
        }
        return result
    }
}

/// Which steps of a match group already have a result, to find those that would have two.
struct OccupiedSteps {
    private let cardinality: VectorMatching.Cardinality
    private let isNeeded: Bool
    private let stepCount: Int
    private var all: StepSet
    private var byLabels: [LabelSet: StepSet] = [:]

    /// - Parameter isNeeded: False where the group cannot have two results at a step and nobody asks for those it has.
    init(cardinality: VectorMatching.Cardinality, stepCount: Int, isNeeded: Bool) {
        self.cardinality = cardinality
        self.isNeeded = isNeeded
        self.stepCount = stepCount
        all = StepSet(stepCount: stepCount)
    }

    /// Whether a step has a result, perhaps one that a comparison filters out.
    func isTaken(at step: Int) -> Bool { all.contains(step) }

    /// Takes the steps of a pair where both have an element.
    ///
    /// One-to-one a group has one result a step, with a many side one for each set of labels, those that a comparison
    /// filters out included.
    /// - Parameter refused: The steps whose elements do not go together, in order; they are not taken.
    /// - Parameter fault: Takes what is wrong at the first step that has two.
    mutating func occupy(
        _ many: PackedSeries, _ one: PackedSeries, over steps: Range<Int>, labels: LabelSet, refused: [Int],
        _ context: QueryContext, _ held: inout QueryCost, _ fault: inout EarliestFault
    ) throws(QueryError) {
        guard isNeeded else { return }
        var own: StepSet?
        if cardinality != .oneToOne {
            own = byLabels.removeValue(forKey: labels)
            if own == nil {
                let cost = StepSeries.keyCost(labels) + QueryCost(bytes: all.byteCount)
                try context.hold(cost)
                held += cost
                own = StepSet(stepCount: stepCount)
            }
        }
        let twice =
            refused.isEmpty && many.histograms.isEmpty && one.histograms.isEmpty
            ? occupy(floatsOf: many, one, over: steps, &own)
            : occupy(elementsOf: many, one, over: steps, refused: refused, &own)
        if let own { byLabels[labels] = own }
        guard let twice else { return }
        let message =
            cardinality == .oneToOne
            ? "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            : "multiple matches for labels: grouping labels must ensure unique matches"
        fault.note(.execution(message: message), at: EarliestFault.Place(step: twice, stage: 1))
    }

    /// Step by step up to the first that has a result already, which is returned.
    private mutating func occupy(
        elementsOf many: PackedSeries, _ one: PackedSeries, over steps: Range<Int>, refused: [Int],
        _ own: inout StepSet?
    ) -> Int? {
        var nextRefused = 0
        for step in steps where many.hasElement(at: step) && one.hasElement(at: step) {
            if nextRefused < refused.count, refused[nextRefused] == step {
                nextRefused += 1
                continue
            }
            let isFirst = all.insert(step)
            if !(own?.insert(step) ?? isFirst) { return step }
        }
        return nil
    }

    /// The same for floats, 64 steps at a time.
    private mutating func occupy(
        floatsOf many: PackedSeries, _ one: PackedSeries, over steps: Range<Int>, _ own: inout StepSet?
    ) -> Int? {
        let shared = many.floatSteps(in: one.floatSteps(in: steps))
        let (manyFloats, oneFloats) = (many.values.span, one.values.span)
        var first = shared.lowerBound
        while first < shared.upperBound {
            let end = min(shared.upperBound, (first / 64 + 1) * 64)
            var mask: UInt64 = 0
            for step in first..<end {
                let isThere =
                    !manyFloats[step - many.firstStep].isAbsent && !oneFloats[step - one.firstStep].isAbsent
                mask |= (isThere ? 1 : 0) << UInt64(step & 63)
            }
            let known = all.insert(mask, from: first / 64 * 64)
            let twice = own?.insert(mask, from: first / 64 * 64) ?? known
            if twice != 0 { return first / 64 * 64 + twice.trailingZeroBitCount }
            first = end
        }
        return nil
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
