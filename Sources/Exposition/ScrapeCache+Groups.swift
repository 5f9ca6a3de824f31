internal import Bytes
internal import MetricModel

/// What the settings make of groups of series on text pages: histograms with custom buckets, and start timestamps.
extension ScrapeCache {
    /// Whether a role of a group is no series of its own.
    private func isHidden(_ role: SeriesGroups.Role, isHistogram: Bool) -> Bool {
        if role == .created { return choices.readsStarts }
        return isHistogram && choices.convertsClassic && !choices.alwaysReadsClassic
    }

    /// Finds the group of a new series; false where the series itself is not handed over.
    mutating func group(_ series: Int32, _ labels: LabelSet, emptyLabels: [String], line: Int) -> Bool {
        guard choices.groupsSeries,
            let finding = groups.find(labels, isOpenMetrics: choices.readsStarts && format == .text(.openMetrics))
        else { return true }
        let converts = finding.isHistogram && choices.convertsClassic
        guard converts || choices.readsStarts else { return true }
        let (group, isNew) = groups.add(series, finding)
        if converts, isNew {
            var builder = LabelSetBuilder(finding.labels)
            builder.set(LabelName.metricName, to: finding.family)
            let converted = builder.build()
            let hash = ProtobufWalk.mixed(converted.byteHash, 0x6e68_6362)
            let number = keys.number(of: hash) ?? keys.insert(hash)
            groups.setHistogram(number, of: group)
            pendingSeries.append(
                NewSeries(series: number, labels: converted, emptyLabels: emptyLabels, line: line))
        }
        return !isHidden(finding.role, isHistogram: finding.isHistogram)
    }

    /// Puts histograms in the place of their series, and start timestamps in that of `_created` lines.
    func regroup(_ columns: inout ScrapePage) throws(ExpositionError) {
        guard !groups.isEmpty else { return }
        var gathered = GatheredGroups(count: groups.histograms.count)
        let exemplars = Dictionary(columns.exemplars.map { ($0.sample, $0.exemplar) }) { first, _ in first }
        for index in columns.values.indices {
            guard let entry = entry(of: columns.series[index]) else { continue }
            let timestamp = columns.timestamps.isEmpty ? ScrapePage.noTimestamp : columns.timestamps[index]
            gathered.add(
                entry, value: columns.values[index], timestamp: timestamp, exemplar: exemplars[index],
                converts: choices.convertsClassic && groups.histograms[Int(entry.group)] >= 0)
        }
        takeOut(&columns, gathered.starts)
        for group in gathered.order {
            var classic = gathered.classics[group]
            if !gathered.hasCount[group] { classic.count = classic.buckets.map(\.count).max() ?? 0 }
            guard var histogram = classic.converted else { continue }
            do throws(HistogramFault) {
                try choices.apply(to: &histogram)
            } catch {
                throw ExpositionError(reason: .histogram(error), line: 1, column: 1)
            }
            columns.histograms.append(
                PageHistogram(
                    series: groups.histograms[group], histogram: histogram, timestamp: gathered.timestamps[group],
                    exemplars: classic.buckets.compactMap(\.exemplar), start: gathered.starts[group]))
        }
        // Histograms stand beside the row, so a page with some is looked at anew each time.
        if !columns.histograms.isEmpty { columns.hasSameSeries = false }
    }

    private func entry(of series: Int32) -> SeriesGroups.Entry? {
        Int(series) < groups.entries.count ? groups.entries[Int(series)] : nil
    }

    /// Leaves hidden series out of the columns and notes the start timestamps of the others.
    private func takeOut(_ columns: inout ScrapePage, _ starts: [Int64]) {
        var places = [Int](repeating: -1, count: columns.values.count)
        let hasStarts = starts.contains { $0 != 0 }
        var kept = 0
        for index in columns.values.indices {
            let entry = entry(of: columns.series[index])
            if let entry, isHidden(entry.role, isHistogram: groups.histograms[Int(entry.group)] >= 0) { continue }
            places[index] = kept
            columns.values[kept] = columns.values[index]
            columns.series[kept] = columns.series[index]
            if !columns.timestamps.isEmpty { columns.timestamps[kept] = columns.timestamps[index] }
            if hasStarts { columns.starts.append(entry.map { starts[Int($0.group)] } ?? 0) }
            kept += 1
        }
        columns.values.removeSubrange(kept...)
        columns.series.removeSubrange(kept...)
        if !columns.timestamps.isEmpty { columns.timestamps.removeSubrange(kept...) }
        columns.exemplars = columns.exemplars.compactMap { entry in
            places[entry.sample] < 0 ? nil : PageExemplar(sample: places[entry.sample], exemplar: entry.exemplar)
        }
    }
}

/// What the lines of a page say of each group.
private struct GatheredGroups {
    var classics: [ClassicHistogram]
    var hasCount: [Bool]
    var timestamps: [Int64]
    var starts: [Int64]
    /// Groups with lines of a histogram, in the order of the page.
    var order: [Int] = []
    private var isOrdered: [Bool]

    init(count: Int) {
        classics = Array(repeating: ClassicHistogram(), count: count)
        hasCount = Array(repeating: false, count: count)
        timestamps = Array(repeating: ScrapePage.noTimestamp, count: count)
        starts = Array(repeating: 0, count: count)
        isOrdered = hasCount
    }

    mutating func add(
        _ entry: SeriesGroups.Entry, value: Double, timestamp: Int64, exemplar: Exemplar?, converts: Bool
    ) {
        let group = Int(entry.group)
        if entry.role == .created {
            let milliseconds = (value * 1000).rounded()
            // A time that is none says nothing.
            if milliseconds.isFinite, abs(milliseconds) < 0x1p62 { starts[group] = Int64(milliseconds) }
            return
        }
        guard converts else { return }
        if !isOrdered[group] {
            isOrdered[group] = true
            order.append(group)
            timestamps[group] = timestamp
        }
        switch entry.role {
        case .bucket(let bound): classics[group].buckets.append((bound, value, exemplar))
        case .count:
            classics[group].count = value
            hasCount[group] = true
        case .sum: classics[group].sum = value
        case .plain, .created: break
        }
    }
}
