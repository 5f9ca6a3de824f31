import MetricModel
import Storage

/// Turns the slices of a plan into columns, series after series, and gives them to a partition's writer.
///
/// The columns of a stretch of series are decoded together, lane after lane; where all columns would take more than
/// `columnMemoryLimit`, the series are done in several stretches.
struct SealingWriter {
    static let columnMemoryLimit = 64 << 20

    private let plan: SealingPlan
    private let writer: PartitionWriter
    /// Samples outside are left out; a plan over a long time is written as several partitions.
    private let range: TimeRange
    private var rowClocks: [ClockIdentifier] = []
    private var looseClocks: [[Int64]: ClockIdentifier] = [:]
    /// By lane, of those that have any.
    private var starts: [Int: StartRuns] = [:]
    private(set) var sampleCount = 0

    private struct DecodedLane {
        var columns: SliceColumns
        /// The tick of the lane's clock that is the columns' first row.
        var firstRow: Int
    }

    init(plan: SealingPlan, writer: PartitionWriter, range: TimeRange) {
        self.plan = plan
        self.writer = writer
        self.range = range
    }

    mutating func run() throws(StorageError) {
        rowClocks = plan.rows.map { writer.addClock($0.timestamps) }
        try decodeStarts()
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
        let decoded = try decode(stretch)
        var index = stretch.lowerBound
        while index < stretch.upperBound {
            let series = plan.entries[index].series
            let labels = plan.table.labels(of: series)
            while index < stretch.upperBound, plan.entries[index].series == series {
                try write(plan.entries[index], labels: labels, decoded: decoded[plan.entries[index].source])
                index += 1
            }
        }
    }

    private mutating func write(
        _ entry: SealingPlan.Entry, labels: LabelSet, decoded: DecodedLane?
    ) throws(StorageError) {
        guard entry.source < plan.rows.count else { return try writeLoose(entry, labels: labels) }
        let source = plan.rows[entry.source]
        let histograms = source.hasHistograms ? try histograms(of: entry, in: source) : []
        let column = decoded?.columns.column(of: entry.slot)
        guard let decoded, let column, let (stretch, count) = AbsentValues.trim(column) else {
            sampleCount += histograms.count
            if !histograms.isEmpty { try writer.add(labels: labels, histograms: histograms) }
            return
        }
        sampleCount += count + histograms.count
        let offset = decoded.firstRow + stretch.startIndex - column.startIndex
        let starts = starts[entry.source]?.starts(slot: entry.slot, rows: offset..<offset + stretch.count) ?? []
        try writer.add(
            labels: labels, clock: rowClocks[entry.source], clockOffset: offset, values: Array(stretch),
            histograms: histograms, startTimestamps: starts)
    }

    private func histograms(
        of entry: SealingPlan.Entry, in source: SealingPlan.RowLane
    ) throws(StorageError) -> [HistogramSample] {
        var histograms: [HistogramSample] = []
        var firstRow = 0
        for slice in source.slices {
            defer { firstRow += slice.rowCount }
            guard slice.hasHistograms else { continue }
            let isSound = slice.readHistograms(
                slot: entry.slot, rows: 0..<slice.rowCount, starts: starts[entry.source], firstRow: firstRow,
                into: &histograms)
            guard isSound else { throw Self.damage }
        }
        histograms.removeAll { !range.contains(Timestamp(milliseconds: $0.timestamp)) }
        return histograms
    }

    private mutating func decodeStarts() throws(StorageError) {
        for (source, lane) in plan.rows.enumerated() where lane.hasStarts {
            var runs = StartRuns()
            for slice in lane.slices {
                guard runs.append(slice, rows: 0..<slice.rowCount) else { throw Self.damage }
            }
            starts[source] = runs
        }
    }

    private static let damage = StorageError.corrupt(path: "memory", what: "a row of the head cannot be decoded")

    // MARK: Rows

    /// The columns of the stretch's slots, for each lane.
    private func decode(_ stretch: Range<Int>) throws(StorageError) -> [Int: DecodedLane] {
        var wanted: [Int: [Int]] = [:]
        for index in stretch where plan.entries[index].source < plan.rows.count {
            wanted[plan.entries[index].source, default: []].append(plan.entries[index].slot)
        }
        var decoded: [Int: DecodedLane] = [:]
        for (source, slots) in wanted {
            let lane = plan.rows[source]
            let ticks = 0..<lane.timestamps.count
            let lower = lane.timestamps.firstIndex(notBelow: range.start.milliseconds, in: ticks)
            let upper =
                range.end.milliseconds == .max
                ? ticks.upperBound : lane.timestamps.firstIndex(notBelow: range.end.milliseconds + 1, in: ticks)
            guard lower < upper else { continue }
            var columns = SliceColumns(slots: slots.sorted(), rowCount: upper - lower)
            var before = 0
            for slice in lane.slices {
                let rows = (lower - before)..<(upper - before)
                before += slice.rowCount
                let here = rows.clamped(to: 0..<slice.rowCount)
                guard !here.isEmpty else { continue }
                guard columns.append(slice, rows: here) else { throw Self.damage }
            }
            decoded[source] = DecodedLane(columns: columns, firstRow: lower)
        }
        return decoded
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
        try writer.add(
            labels: labels, clock: clock, values: piece.values, histograms: piece.histograms,
            startTimestamps: piece.startTimestamps)
    }
}
