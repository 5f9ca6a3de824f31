import MetricModel
import PromQLSyntax

/// `info`: adds the labels of info series to the series that share their instance and job.
///
/// Which info series count may change from step to step, so that a base series may come out as several.
struct InfoFunction: VectorOperator {
    /// The labels by which base and info series find each other.
    private static let identifying = [LabelName.instance, LabelName.job]

    let operand: any VectorOperator
    /// Choose the info metrics by name.
    let nameMatchers: [LabelMatcher]
    /// Restrict the info series, and which of their labels are copied.
    let dataMatchers: [LabelMatcher]
    /// The times at which info series are looked up: those of the first selector in the base.
    let times: WindowTimes

    var timeline: Timeline { operand.timeline }
    var sharesOneName: Bool { operand.sharesOneName }

    func stream(_ context: QueryContext, _ body: SeriesBody) throws(QueryError) {
        var base = try operand.pack(context)
        var held = QueryCost()
        defer { context.release(held) }
        var fault = EarliestFault()
        // The list of labels is let go at once, so that the base is by and by.
        let infos = try infoSeries(for: base.series.map(\.labels).filter { !isInfo($0) }, context, &held)
        findDuplicates(infos, of: base.series, &fault)
        var results = SeriesAside()
        for order in base.series.indices {
            try context.limits.check()
            var series = base.take(at: order, over: timeline.count, context)
            if isInfo(series.labels) {
                try results.add(&series, context)
            } else {
                try enrich(series, infos, order: order, into: &results, &fault, context)
            }
        }
        base.end(context)
        try fault.throwIfAny()
        try results.handOn(over: timeline.count, context, body)
    }

    private func isInfo(_ labels: LabelSet) -> Bool { nameMatchers.allSatisfy { $0.matches(labels) } }

    // MARK: Info series

    /// The info series of one identity, by name: which of them counts at each step, nil for none.
    private struct InfoMetric {
        var choice: [Int?]
        /// The first two series of a step whose newest samples are equally new, and when these were.
        var duplicates: [(step: Int, first: Int, second: Int, milliseconds: Int64)] = []
    }

    private struct Infos {
        var labels: [LabelSet] = []
        var byIdentity: [LabelSet: [InfoMetric]] = [:]
    }

    private func infoSeries(
        for base: [LabelSet], _ context: QueryContext, _ held: inout QueryCost
    ) throws(QueryError) -> Infos {
        let joins = base.contains { labels in Self.identifying.contains { !labels.value(of: $0).isEmpty } }
        guard joins else { return Infos() }
        var source = SelectorSource(matchers: nameMatchers + dataMatchers + identityMatchers(base))
        source.readsInOrder = true
        var infos = Infos()
        var newest: [LabelSet: [[Double]]] = [:]
        var members: [LabelSet: [Int]] = [:]
        let identityAndName = LabelFilter(keeping: Self.identifying + [LabelName.metricName])
        var histogramSeries: LabelSet?
        try source.evaluate(NewestSample(), windows: times, timeline: timeline, context: context) {
            (series: inout StepSeries, _: KernelNotes) throws(QueryError) in
            if !series.histograms.isEmpty { histogramSeries = series.labels }
        }
        if let histogramSeries {
            throw .execution(message: "this should be an info metric, with float samples: \(histogramSeries.inBraces)")
        }
        try source.evaluate(NewestSample(.timestamp), windows: times, timeline: timeline, context: context) {
            (series: inout StepSeries, _: KernelNotes) throws(QueryError) in
            let key = identityAndName.apply(series.labels)
            let cost = QueryCost(bytes: series.cost.bytes + timeline.count * 16) + StepSeries.keyCost(key)
            try context.hold(cost)
            held += cost
            members[key, default: []].append(infos.labels.count)
            newest[key, default: []].append(series.values)
            infos.labels.append(series.labels)
        }
        let identity = LabelFilter(keeping: Self.identifying)
        for key in members.keys.sorted() {
            guard let indexes = members[key], let timestamps = newest[key] else { continue }
            infos.byIdentity[identity.apply(key), default: []].append(choose(indexes, timestamps))
        }
        return infos
    }

    /// At each step the series with the newest sample.
    private func choose(_ indexes: [Int], _ timestamps: [[Double]]) -> InfoMetric {
        var metric = InfoMetric(choice: [Int?](repeating: nil, count: timeline.count))
        for step in 0..<timeline.count {
            var best: Int?
            for position in indexes.indices where !timestamps[position][step].isAbsent {
                guard let known = best else {
                    best = position
                    continue
                }
                let difference = timestamps[position][step] - timestamps[known][step]
                if difference == 0, metric.duplicates.last?.step != step {
                    let time = Int64((timestamps[known][step] * 1000).rounded())
                    metric.duplicates.append((step, indexes[known], indexes[position], time))
                }
                if difference > 0 { best = position }
            }
            metric.choice[step] = best.map { indexes[$0] }
        }
        return metric
    }

    /// Two equally new info series are an error, at steps at which there is anything that they could be for.
    private func findDuplicates(_ infos: Infos, of base: [PackedSeries], _ fault: inout EarliestFault) {
        let metrics = infos.byIdentity.values.joined().filter { !$0.duplicates.isEmpty }
        for duplicate in metrics.flatMap(\.duplicates) {
            let place = EarliestFault.Place(step: duplicate.step, order: duplicate.second)
            guard fault.isEarlier(place), base.contains(where: { $0.hasElement(at: duplicate.step) }) else { continue }
            let message =
                "found duplicate series for info metric: existing \(infos.labels[duplicate.first].inBraces) @ "
                + "\(duplicate.milliseconds), new \(infos.labels[duplicate.second].inBraces) @ \(duplicate.milliseconds)"
            fault.note(.execution(message: message), at: place)
        }
    }

    /// Matchers for the instances and jobs of the base; left out where the expression would be too long.
    private func identityMatchers(_ base: [LabelSet]) -> [LabelMatcher] {
        var matchers: [LabelMatcher] = []
        for name in Self.identifying {
            let values = Set(base.map { $0.value(of: name) }.filter { !$0.isEmpty })
            if values.isEmpty { continue }
            let expression = values.sorted().map(Self.quoted).joined(separator: "|")
            if let matcher = try? LabelMatcher(name, .regex, expression) { matchers.append(matcher) }
        }
        return matchers
    }

    private static func quoted(_ text: String) -> String {
        var result = ""
        for character in text {
            if "\\.+*?()|[]{}^$".contains(character) { result += "\\" }
            result.append(character)
        }
        return result
    }

    // MARK: Joining

    private func enrich(
        _ series: StepSeries, _ infos: Infos, order: Int, into results: inout SeriesAside,
        _ fault: inout EarliestFault, _ context: QueryContext
    ) throws(QueryError) {
        let identity = LabelFilter(keeping: Self.identifying).apply(series.labels)
        let metrics = identity.isEmpty ? [] : infos.byIdentity[identity] ?? []
        let presence = series.presence()
        // In order of appearance: which info series, and the steps at which it is they.
        var parts: [(choice: [Int], steps: [Int])] = []
        var places: [[Int]: Int] = [:]
        var choice: [Int] = []
        var place = -1
        for step in presence.indices where presence[step] {
            choice.removeAll(keepingCapacity: true)
            for metric in metrics { if let index = metric.choice[step] { choice.append(index) } }
            // Seldom another than at the step before.
            if place < 0 || parts[place].choice != choice {
                place = places[choice] ?? parts.count
                places[choice] = place
                if place == parts.count { parts.append((choice, [])) }
            }
            parts[place].steps.append(step)
        }
        for (choice, steps) in parts {
            if choice.isEmpty, !dataMatchers.allSatisfy(\.matchesEmpty) { continue }
            var part = series
            do {
                part.labels = try joined(series.labels, choice.map { infos.labels[$0] })
            } catch {
                fault.note(error, at: EarliestFault.Place(step: steps[0], stage: 1, order: order))
                continue
            }
            if parts.count > 1 {
                var isKept = [Bool](repeating: false, count: presence.count)
                for step in steps { isKept[step] = true }
                part.keep(where: isKept)
            }
            try results.add(&part, context)
        }
    }

    /// The labels of the base with those of the info series that it does not have itself.
    private func joined(_ base: LabelSet, _ infos: [LabelSet]) throws(QueryError) -> LabelSet {
        let wanted = Set(dataMatchers.map { ExactText($0.name) })
        var builder = LabelSetBuilder(base)
        var added = LabelSetBuilder()
        for info in infos {
            for pair in info.pairs where pair.name != LabelName.metricName && base[pair.name] == nil {
                if !wanted.isEmpty, !wanted.contains(ExactText(pair.name)) { continue }
                if let known = added[pair.name], !known.isExactly(pair.value) {
                    throw .execution(message: "conflicting label: \(pair.name)")
                }
                added.set(pair.name, to: pair.value)
                builder.set(pair.name, to: pair.value)
            }
        }
        return builder.build()
    }
}

extension Planner {
    func infoCall(_ call: Call, on timeline: Timeline) throws(QueryError) -> any VectorOperator {
        var nameMatchers: [LabelMatcher] = []
        var dataMatchers: [LabelMatcher] = []
        if call.arguments.count > 1, case .vectorSelector(let selector) = call.arguments[1].unparenthesized {
            nameMatchers = selector.matchers.filter { $0.name == LabelName.metricName }
            dataMatchers = selector.matchers.filter { $0.name != LabelName.metricName }
        }
        if nameMatchers.isEmpty {
            nameMatchers = [LabelMatcher(equal: LabelName.metricName, "target_info")]
        } else if nameMatchers.allSatisfy({ $0.kind == .notEqual || $0.kind == .notRegex }),
            let anyInfo = try? LabelMatcher(LabelName.metricName, .regex, ".+_info")
        {
            nameMatchers.append(anyInfo)
        }
        let times = try firstSelectorTimes(of: call.arguments[0], on: timeline) ?? timeline
        return InfoFunction(
            operand: try vector(call.arguments[0], on: timeline), nameMatchers: nameMatchers,
            dataMatchers: dataMatchers,
            times: WindowTimes(times: times, lengthMilliseconds: lookbackMilliseconds))
    }

    /// The times at which the first selector of an expression is evaluated, nil where there is no selector.
    private func firstSelectorTimes(of expression: Expression, on timeline: Timeline) throws(QueryError) -> Timeline? {
        switch expression {
        case .vectorSelector(let selector):
            return try reference(timeline, at: selector.at, offset: selector.offset)
        case .subquery(let subquery):
            let outer = try reference(timeline, at: subquery.at, offset: subquery.offset)
            return try firstSelectorTimes(of: subquery.operand, on: outer)
        default:
            for child in expression.children {
                if let times = try firstSelectorTimes(of: child, on: timeline) { return times }
            }
            return nil
        }
    }
}
