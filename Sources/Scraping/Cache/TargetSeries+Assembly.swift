import Exposition
import MetricModel
import Storage

/// Putting the samples of a page into a row, and those with timestamps of their own into a batch.
extension TargetSeries {
    /// An absent value for every slot.
    func prepareRow(_ scratch: ScrapeScratch, _ writer: any SourceWriter) {
        scratch.prepareRow(count: writer.slotCount)
    }

    mutating func assemble(_ scratch: ScrapeScratch) -> Assembly {
        var assembly =
            scratch.columns.timestamps.isEmpty || !context.job.honorsTimestamps
            ? Self.assemble(scratch.columns, places, &scratch.row) : assembleWithTimes(scratch)
        if !scratch.columns.histograms.isEmpty { assembleHistograms(scratch, &assembly) }
        if !scratch.columns.starts.isEmpty { assembleStarts(scratch) }
        return assembly
    }

    /// Notes when the samples of the row began to count.
    private func assembleStarts(_ scratch: ScrapeScratch) {
        let columns = scratch.columns
        for index in columns.starts.indices where columns.starts[index] != 0 {
            let place = places[Int(columns.series[index])]
            if place >= 0 { scratch.note(start: columns.starts[index], slot: Int(place)) }
        }
    }

    /// Native histograms go beside the row, those with times of their own into the batch.
    private mutating func assembleHistograms(_ scratch: ScrapeScratch, _ assembly: inout Assembly) {
        for entry in scratch.columns.histograms {
            let place = places[Int(entry.series)]
            if place == Place.dropped { continue }
            assembly.kept += 1
            if hasOwnTime(entry) {
                guard place <= Place.own else {
                    if place >= 0 { assembly.needsLabels = true }
                    continue
                }
                ownSeries[Int(Place.own - place)].isPresent = true
                let sample = HistogramSample(
                    timestamp: entry.timestamp, histogram: entry.histogram, startTimestamp: entry.start)
                ownBatch.series.append(
                    .init(
                        labels: ownSeries[Int(Place.own - place)].labels, columns: SampleColumns(histograms: [sample])))
                continue
            }
            guard let slot = place >= 0 ? Int(place) : slotOfOwnSeries(place, scratch) else { continue }
            // One value a slot: what came first counts.
            guard SpecialValue.isAbsent(scratch.row[slot]), !scratch.histograms.contains(where: { $0.slot == slot })
            else {
                assembly.duplicates += 1
                continue
            }
            scratch.histograms.append(SlotHistogram(slot: slot, histogram: entry.histogram))
            if entry.start != 0 { scratch.note(start: entry.start, slot: slot) }
        }
    }

    /// The loop over all samples of a page without timestamps.
    private static func assemble(_ columns: ScrapePage, _ places: [Int32], _ row: inout [Double]) -> Assembly {
        var assembly = Assembly()
        let values = columns.values
        let series = columns.series
        for index in values.indices {
            let place = places[Int(series[index])]
            guard place >= 0 else {
                if place == Place.unresolved || place == Place.refused { assembly.kept &+= 1 }
                if place <= Place.own { assembly.needsLabels = true }
                continue
            }
            assembly.kept &+= 1
            if SpecialValue.isAbsent(row[Int(place)]) {
                row[Int(place)] = storable(values[index])
            } else {
                assembly.duplicates &+= 1
            }
        }
        return assembly
    }

    /// A value that is not mistaken for one of the marks of the store.
    @inline(__always)
    private static func storable(_ value: Double) -> Double {
        SpecialValue.isAbsent(value) ? SpecialValue.notANumber : value
    }

    private mutating func assembleWithTimes(_ scratch: ScrapeScratch) -> Assembly {
        var assembly = Assembly()
        var clock = Clock.empty
        let columns = scratch.columns
        for index in columns.values.indices {
            let place = places[Int(columns.series[index])]
            if place == Place.dropped { continue }
            assembly.kept += 1
            let time = columns.timestamps[index]
            let value = Self.storable(columns.values[index])
            if time != ScrapePage.noTimestamp {
                guard place <= Place.own else {
                    if place >= 0 { assembly.needsLabels = true }
                    continue
                }
                if clock.timestamps.first != time { clock = Clock([time]) }
                ownSeries[Int(Place.own - place)].isPresent = true
                var own = SampleColumns(clock: clock, values: [value])
                if !columns.starts.isEmpty, columns.starts[index] != 0 { own.startTimestamps = [columns.starts[index]] }
                ownBatch.series.append(.init(labels: ownSeries[Int(Place.own - place)].labels, columns: own))
                continue
            }
            guard let slot = place >= 0 ? Int(place) : slotOfOwnSeries(place, scratch) else { continue }
            if SpecialValue.isAbsent(scratch.row[slot]) {
                scratch.row[slot] = value
            } else {
                assembly.duplicates += 1
            }
        }
        return assembly
    }

    /// The slot for a sample without timestamp of a series that usually has one.
    private mutating func slotOfOwnSeries(_ place: Int32, _ scratch: ScrapeScratch) -> Int? {
        guard place <= Place.own, let writer else { return nil }
        let index = Int(Place.own - place)
        if let slot = ownSeries[index].slot { return slot }
        guard let slot = try? writer.slot(for: ownSeries[index].labels) else { return nil }
        while scratch.row.count < writer.slotCount { scratch.row.append(SpecialValue.absent) }
        ownSeries[index].slot = slot
        return slot
    }
}
