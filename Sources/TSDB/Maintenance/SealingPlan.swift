import MetricModel

/// What one sealing takes out of the head, with the series in label order.
struct SealingPlan {
    /// The unsealed slices of a lane as one column of rows.
    struct RowLane {
        var lane: Lane
        var slices: [Slice]
        var slotCount: Int
        var timestamps: [Int64]
        var hasHistograms: Bool
        var hasStarts: Bool { slices.contains { $0.hasStarts } }
        var rowCount: Int { timestamps.count }
    }

    struct LooseSource {
        var lane: LooseLane
        var slices: [LooseSlice]
    }

    /// A place of a series: a slot of one of the lanes here.
    struct Entry {
        /// The series' number in `labels`.
        var series: UInt32
        /// An index into `rows`, or into `loose` counted from `rows.count`.
        var source: UInt32
        var slot: UInt32
    }

    private(set) var rows: [RowLane] = []
    private(set) var loose: [LooseSource] = []
    /// In label order; neighbours with the same series are one series of the partition, the places of one in order of
    /// their sources.
    private(set) var entries: [Entry] = []
    /// The series' labels as they were at the cut; numbers may be given out anew later.
    let labels: SealedLabels

    /// Called under the turn of maintenance: nobody else takes series out of the head meanwhile.
    init(lanes: [HeadLane], head: Head) {
        var slotSeries: [[UInt32]] = []
        for case .rows(let lane) in lanes {
            let (slices, slotCount) = lane.unsealed()
            guard !slices.isEmpty else { continue }
            slotSeries.append(lane.withState { $0.slotSeries })
            rows.append(
                RowLane(
                    lane: lane, slices: slices, slotCount: slotCount,
                    timestamps: slices.flatMap(\.timestamps), hasHistograms: slices.contains { $0.hasHistograms }))
        }
        for case .loose(let lane) in lanes {
            let slices = lane.unsealed()
            guard !slices.isEmpty else { continue }
            slotSeries.append(lane.withState { $0.slotSeries })
            loose.append(LooseSource(lane: lane, slices: slices))
        }
        var distinct: [UInt32] = []
        var places: [Entry] = []
        var numbers: [UInt32] = []
        func add(_ series: UInt32, source: Int, slot: Int) {
            if Int(series) >= numbers.count {
                numbers += [UInt32](repeating: .max, count: Int(series) + 1 - numbers.count + numbers.count / 2)
            }
            if numbers[Int(series)] == .max {
                numbers[Int(series)] = UInt32(distinct.count)
                distinct.append(series)
            }
            places.append(Entry(series: numbers[Int(series)], source: UInt32(source), slot: UInt32(slot)))
        }
        for (source, lane) in rows.enumerated() {
            for slot in 0..<lane.slotCount { add(slotSeries[source][slot], source: source, slot: slot) }
        }
        for (source, lane) in loose.enumerated() {
            let series = slotSeries[rows.count + source]
            var hasSamples = [Bool](repeating: false, count: series.count)
            for slice in lane.slices { for slot in slice.slots { hasSamples[slot] = true } }
            for slot in series.indices where hasSamples[slot] {
                add(series[slot], source: rows.count + source, slot: slot)
            }
        }
        labels = SealedLabels(of: distinct, in: head)
        entries = Self.ordered(places, by: labels)
    }

    /// The places in label order, those of one series as they were.
    private static func ordered(_ places: [Entry], by labels: SealedLabels) -> [Entry] {
        var counts = [Int](repeating: 0, count: labels.seriesCount)
        for place in places { counts[Int(place.series)] += 1 }
        var next = 0
        for series in labels.order {
            let count = counts[Int(series)]
            counts[Int(series)] = next
            next += count
        }
        var ordered = [Entry](repeating: Entry(series: 0, source: 0, slot: 0), count: places.count)
        for place in places {
            ordered[counts[Int(place.series)]] = place
            counts[Int(place.series)] += 1
        }
        return ordered
    }

    var isEmpty: Bool { entries.isEmpty }
}

extension SealingPlan {
    /// The stretches of time to write as partitions: one, or days where the plan spans more than `longest`, or months
    /// where it spans several and retention allows them.
    func windows(longest: Int64, keepsMonths: Bool) -> [TimeRange] {
        var minimum = Int64.max
        var maximum = Int64.min
        for lane in rows {
            minimum = min(minimum, lane.timestamps.first ?? .max)
            maximum = max(maximum, lane.timestamps.last ?? .min)
        }
        for source in loose {
            for slice in source.slices {
                minimum = min(minimum, slice.minimumTimestamp)
                maximum = max(maximum, slice.maximumTimestamp)
            }
        }
        let (span, overflows) = maximum.subtractingReportingOverflow(minimum)
        guard overflows || span > longest else { return [.all] }
        let isLong = overflows || span > 2 * Maintenance.monthMilliseconds
        let step = keepsMonths && isLong ? Maintenance.monthMilliseconds : Maintenance.dayMilliseconds
        return numbers(of: step).sorted().map { number in
            let start = number * step
            return TimeRange(
                start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: start + step - 1))
        }
    }

    /// The steps, counted from 1970, that have samples.
    private func numbers(of step: Int64) -> Set<Int64> {
        func number(_ timestamp: Int64) -> Int64 {
            let quotient = timestamp / step
            return timestamp % step < 0 ? quotient - 1 : quotient
        }
        var numbers = Set<Int64>()
        for lane in rows { for timestamp in lane.timestamps { numbers.insert(number(timestamp)) } }
        for source in loose {
            for slice in source.slices {
                for slot in slice.slots {
                    guard let bytes = slice.bytes(slot: slot) else { continue }
                    var stream = LooseStream()
                    _ = unsafe bytes.withUnsafeBytes { bytes in
                        unsafe stream.read(bytes) { timestamp, _, _, _ in numbers.insert(number(timestamp)) }
                    }
                }
            }
        }
        return numbers
    }
}
