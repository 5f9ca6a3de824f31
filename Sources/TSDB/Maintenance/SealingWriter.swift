import MetricModel
import Storage

/// Turns the slices of a plan into columns, series after series, and gives them to a partition's writer.
///
/// Lanes are decoded as a whole (1 ns a sample) and the columns of a stretch of series are kept; where all columns
/// together would take more than `columnMemoryLimit`, the series are done in several stretches.
struct SealingWriter {
    static let columnMemoryLimit = 64 << 20

    private let plan: SealingPlan
    private let writer: PartitionWriter
    /// Samples outside are left out; a plan over a long time is written as several partitions.
    private let range: TimeRange
    private var rowClocks: [ClockIdentifier] = []
    private var looseClocks: [[Int64]: ClockIdentifier] = [:]
    private(set) var sampleCount = 0

    /// What one place of a series gives.
    private struct Column {
        var firstRow = 0
        var values: [Double] = []
    }

    init(plan: SealingPlan, writer: PartitionWriter, range: TimeRange) {
        self.plan = plan
        self.writer = writer
        self.range = range
    }

    mutating func run() throws(StorageError) {
        rowClocks = plan.rows.map { writer.addClock($0.timestamps) }
        var start = 0
        while start < plan.entries.count {
            let end = stretchEnd(from: start)
            try write(start..<end)
            start = end
        }
    }

    /// The end of a stretch that fits into memory and does not part the places of one series.
    private func stretchEnd(from start: Int) -> Int {
        var byteCount = 0
        var end = start
        while end < plan.entries.count {
            let entry = plan.entries[end]
            if byteCount > Self.columnMemoryLimit, entry.series != plan.entries[end - 1].series { break }
            if entry.source < plan.rows.count { byteCount += plan.rows[entry.source].rowCount * 8 + 64 }
            end += 1
        }
        return end
    }

    private mutating func write(_ stretch: Range<Int>) throws(StorageError) {
        let columns = try decode(stretch)
        var index = stretch.lowerBound
        while index < stretch.upperBound {
            let series = plan.entries[index].series
            let labels = plan.table.labels(of: series)
            while index < stretch.upperBound, plan.entries[index].series == series {
                try write(plan.entries[index], labels: labels, column: columns[index - stretch.lowerBound])
                index += 1
            }
        }
    }

    private mutating func write(_ entry: SealingPlan.Entry, labels: LabelSet, column: Column) throws(StorageError) {
        guard entry.source < plan.rows.count else { return try writeLoose(entry, labels: labels) }
        let source = plan.rows[entry.source]
        var histograms: [HistogramSample] = []
        if source.hasHistograms {
            for slice in source.slices where slice.hasHistograms {
                guard slice.readHistograms(slot: entry.slot, rows: 0..<slice.rowCount, into: &histograms) else {
                    throw Self.damage
                }
            }
            histograms.removeAll { !range.contains(Timestamp(milliseconds: $0.timestamp)) }
        }
        guard !column.values.isEmpty || !histograms.isEmpty else { return }
        sampleCount += column.values.count + histograms.count
        try writer.add(
            labels: labels, clock: rowClocks[entry.source], clockOffset: column.firstRow, values: column.values,
            histograms: histograms)
    }

    private static let damage = StorageError.corrupt(path: "memory", what: "a row of the head cannot be decoded")

    // MARK: Rows

    /// The columns of the stretch's entries, each lane decoded once.
    private func decode(_ stretch: Range<Int>) throws(StorageError) -> [Column] {
        var columns = [Column](repeating: Column(), count: stretch.count)
        var wanted: [Int: [Int]] = [:]
        for index in stretch where plan.entries[index].source < plan.rows.count {
            wanted[plan.entries[index].source, default: []].append(index)
        }
        for (source, indexes) in wanted {
            let lane = plan.rows[source]
            let ticks = 0..<lane.timestamps.count
            let lower = lane.timestamps.firstIndex(notBelow: range.start.milliseconds, in: ticks)
            let upper =
                range.end.milliseconds == .max
                ? ticks.upperBound : lane.timestamps.firstIndex(notBelow: range.end.milliseconds + 1, in: ticks)
            guard lower < upper else { continue }
            var decoded: [(columns: [UInt64], rows: Range<Int>)] = []
            var before = 0
            for slice in lane.slices {
                let rows = before..<before + slice.rowCount
                before = rows.upperBound
                guard rows.overlaps(lower..<upper) else { continue }
                guard let all = slice.readAllColumns(slotCount: lane.slotCount, rowCount: slice.rowCount) else {
                    throw Self.damage
                }
                decoded.append((all, rows))
            }
            for index in indexes {
                columns[index - stretch.lowerBound] = Self.column(
                    slot: plan.entries[index].slot, decoded: decoded, rows: lower..<upper)
            }
        }
        return columns
    }

    /// The values of a slot from the first to the last row that has one.
    private static func column(slot: Int, decoded: [(columns: [UInt64], rows: Range<Int>)], rows: Range<Int>) -> Column
    {
        var column = Column()
        column.values.reserveCapacity(rows.count)
        column.firstRow = rows.lowerBound
        var lastSample = 0
        for part in decoded {
            let start = slot * part.rows.count - part.rows.lowerBound
            for row in part.rows.clamped(to: rows) {
                let bits = part.columns[start + row]
                if bits != SpecialValue.absentBits {
                    column.values.append(Double(bitPattern: bits))
                    lastSample = column.values.count
                } else if lastSample == 0 {
                    column.firstRow = row + 1
                } else {
                    column.values.append(SpecialValue.absent)
                }
            }
        }
        column.values.removeSubrange(lastSample...)
        return column
    }

    // MARK: Loose samples

    private mutating func writeLoose(_ entry: SealingPlan.Entry, labels: LabelSet) throws(StorageError) {
        let source = plan.loose[entry.source - plan.rows.count]
        var piece = LoosePiece()
        let isSound = LooseLane.decode(
            source.slices.compactMap { $0.bytes(slot: entry.slot) }, generation: .max, range: range, into: &piece)
        guard isSound else { throw Self.damage }
        guard !piece.values.isEmpty || !piece.histograms.isEmpty else { return }
        sampleCount += piece.values.count + piece.histograms.count
        guard !piece.values.isEmpty else { return try writer.add(labels: labels, histograms: piece.histograms) }
        let clock: ClockIdentifier
        if let known = looseClocks[piece.timestamps] {
            clock = known
        } else {
            clock = writer.addClock(piece.timestamps)
            looseClocks[piece.timestamps] = clock
        }
        try writer.add(labels: labels, clock: clock, values: piece.values, histograms: piece.histograms)
    }
}
