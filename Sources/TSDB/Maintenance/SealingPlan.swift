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
        var series: UInt32
        /// An index into `rows`, or into `loose` counted from `rows.count`.
        var source: Int
        var slot: Int
    }

    private(set) var rows: [RowLane] = []
    private(set) var loose: [LooseSource] = []
    /// In label order; neighbours with the same series are one series of the partition.
    private(set) var entries: [Entry] = []
    /// The series' labels as they were at the cut; numbers may be given out anew meanwhile.
    let table: SeriesTable

    init(lanes: [HeadLane], table: SeriesTable) {
        self.table = table
        var slotSeries: [(source: Int, isLoose: Bool, series: [UInt32])] = []
        for lane in lanes {
            switch lane {
            case .rows(let lane):
                let snapshot = lane.unsealed()
                guard !snapshot.slices.isEmpty else { continue }
                let slices = snapshot.slices.map(\.slice)
                slotSeries.append((rows.count, false, lane.withState { $0.slotSeries }))
                rows.append(
                    RowLane(
                        lane: lane, slices: slices, slotCount: snapshot.slotCount,
                        timestamps: slices.flatMap(\.timestamps), hasHistograms: slices.contains { $0.hasHistograms }))
            case .loose(let lane):
                let slices = lane.unsealed()
                guard !slices.isEmpty else { continue }
                slotSeries.append((loose.count, true, lane.withState { $0.slotSeries }))
                loose.append(LooseSource(lane: lane, slices: slices))
            }
        }
        for part in slotSeries {
            if part.isLoose {
                var hasSamples = [Bool](repeating: false, count: part.series.count)
                for slice in loose[part.source].slices { for slot in slice.slots { hasSamples[slot] = true } }
                for slot in part.series.indices where hasSamples[slot] {
                    entries.append(Entry(series: part.series[slot], source: rows.count + part.source, slot: slot))
                }
            } else {
                for slot in 0..<rows[part.source].slotCount {
                    entries.append(Entry(series: part.series[slot], source: part.source, slot: slot))
                }
            }
        }
        sortByLabels()
    }

    var isEmpty: Bool { entries.isEmpty }

    /// Sorts by the ranks of label pairs instead of their bytes: pairs are ranked once, series compare as numbers.
    private mutating func sortByLabels() {
        let ranks = table.pairs.ranks()
        var orderOfSeries = [UInt32](repeating: .max, count: table.numberLimit)
        var distinct: [UInt32] = []
        for entry in entries where orderOfSeries[Int(entry.series)] == .max {
            orderOfSeries[Int(entry.series)] = 0
            distinct.append(entry.series)
        }
        let table = table
        distinct.sort { left, right in
            table.labelPairs(of: left).lexicographicallyPrecedes(table.labelPairs(of: right)) { first, second in
                ranks[Int(first)] < ranks[Int(second)]
            }
        }
        for (order, series) in distinct.enumerated() { orderOfSeries[Int(series)] = UInt32(order) }
        entries.sort { left, right in
            (orderOfSeries[Int(left.series)], left.source) < (orderOfSeries[Int(right.series)], right.source)
        }
    }
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
