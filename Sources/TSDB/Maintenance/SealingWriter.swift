import MetricModel
import Storage

/// Turns the slices of a plan into segments and gives them to a partition's writer.
///
/// First lane after lane: the columns of a lane are decoded and encoded while they are in the processor's cache. Then group
/// after group in label order: the encoded columns, a few dozen bytes each, are put together. Where the encoded columns would
/// take more than `encodedByteLimit`, the series are done in several stretches.
struct SealingWriter: ~Copyable {
    static let encodedByteLimit = 64 << 20
    /// What a sample takes encoded, where every value is new, and what a column takes besides.
    private static let encodedSampleBytes = 0.6
    private static let encodedColumnBytes = 64.0

    private let plan: SealingPlan
    private let writer: PartitionWriter
    /// Samples outside are left out; a plan over a long time is written as several partitions.
    private let range: TimeRange
    private let slices: SealingSlices
    private var rowClocks: [ClockIdentifier] = []
    private var looseClocks = LooseClocks()
    /// By lane, of those that have any.
    private var starts: [Int: StartRuns] = [:]
    /// The number of each label pair in the partition, by its rank.
    private var pairNumbers: [UInt32]
    private var encoded = EncodedStretch()
    private var segment = SegmentEncoder()
    private(set) var sampleCount = 0

    init(plan: SealingPlan, writer: PartitionWriter, range: TimeRange) {
        self.plan = plan
        self.writer = writer
        self.range = range
        slices = SealingSlices(plan: plan, range: range)
        pairNumbers = [UInt32](repeating: .max, count: plan.labels.pairCount)
    }

    mutating func run() throws(StorageError) {
        rowClocks = plan.rows.map { writer.addClock($0.timestamps) }
        try decodeStarts()
        var start = 0
        while start < plan.entries.count {
            let end = stretchEnd(from: start)
            try encode(start..<end)
            try assemble(start..<end)
            start = end
        }
    }

    /// The end of a stretch that fits into memory and does not part the places of one series.
    private func stretchEnd(from start: Int) -> Int {
        var byteCount = 0.0
        var end = start
        while end < plan.entries.count {
            let entry = plan.entries[end]
            if byteCount > Double(Self.encodedByteLimit), entry.series != plan.entries[end - 1].series { break }
            let source = Int(entry.source)
            let ticks =
                source < plan.rows.count
                ? plan.rows[source].rowCount
                : plan.loose[source - plan.rows.count].slices.reduce(0) { $0 + $1.sampleCount(slot: Int(entry.slot)) }
            byteCount += Double(ticks) * Self.encodedSampleBytes + Self.encodedColumnBytes
            end += 1
        }
        return end
    }

    static let damage = StorageError.corrupt(path: "memory", what: "a row of the head cannot be decoded")

    // MARK: Encoding

    private mutating func encode(_ stretch: Range<Int>) throws(StorageError) {
        encoded.begin(stretch)
        let sourceCount = plan.rows.count + plan.loose.count
        // The entries of each source, by counting.
        var ends = [Int](repeating: 0, count: sourceCount + 1)
        for index in stretch { ends[Int(plan.entries[index].source) + 1] += 1 }
        for source in 0..<sourceCount { ends[source + 1] += ends[source] }
        var bySource = [Int](repeating: 0, count: stretch.count)
        var next = ends
        for index in stretch {
            let source = Int(plan.entries[index].source)
            bySource[next[source]] = index
            next[source] += 1
        }
        var columns = SliceColumns(slots: [], rowCount: 0)
        for source in 0..<sourceCount where ends[source] < ends[source + 1] {
            let indexes = bySource[ends[source]..<ends[source + 1]]
            if source < plan.rows.count {
                try encode(indexes, of: plan.rows[source], starts: starts[source], into: &columns)
            } else {
                try encode(indexes, of: plan.loose[source - plan.rows.count])
            }
        }
    }

    /// Encodes the columns of some slots of a lane.
    private mutating func encode(
        _ indexes: ArraySlice<Int>, of lane: SealingPlan.RowLane, starts: StartRuns?, into columns: inout SliceColumns
    ) throws(StorageError) {
        let ticks = slices.ticks(in: range, of: lane.timestamps)
        guard !ticks.isEmpty else { return }
        var entryOfSlot = [Int](repeating: -1, count: lane.slotCount)
        for index in indexes { entryOfSlot[Int(plan.entries[index].slot)] = index }
        columns.restart(slots: entryOfSlot.indices.filter { entryOfSlot[$0] >= 0 }, rowCount: ticks.count)
        var before = 0
        for slice in lane.slices {
            let rows = (ticks.lowerBound - before)..<(ticks.upperBound - before)
            before += slice.rowCount
            let here = rows.clamped(to: 0..<slice.rowCount)
            guard here.isEmpty || columns.append(slice, rows: here) else { throw Self.damage }
        }
        guard columns.filledRowCount == ticks.count else { throw Self.damage }
        let pieces = slices.pieces(of: lane.timestamps, in: ticks)
        unsafe columns.values.withUnsafeBufferPointer { values in
            for (place, slot) in columns.slots.enumerated() {
                let column = unsafe UnsafeBufferPointer(
                    rebasing: values[(place * ticks.count)..<((place + 1) * ticks.count)])
                let startTimestamps = starts?.starts(slot: slot, rows: ticks) ?? []
                unsafe startTimestamps.withUnsafeBufferPointer { startTimestamps in
                    unsafe encoded.add(
                        column, startTimestamps: startTimestamps, firstTick: ticks.lowerBound, pieces: pieces,
                        entry: entryOfSlot[slot])
                }
            }
        }
    }

    private mutating func encode(
        _ indexes: ArraySlice<Int>, of source: SealingPlan.LooseSource
    ) throws(StorageError) {
        for index in indexes {
            let slot = Int(plan.entries[index].slot)
            var piece = LoosePiece()
            let isSound = LooseLane.decode(
                source.slices.compactMap { $0.bytes(slot: slot) }, generation: .max, range: range, into: &piece)
            guard isSound else { throw Self.damage }
            if !piece.histograms.isEmpty { encoded.histograms[index] = piece.histograms }
            guard !piece.values.isEmpty else { continue }
            encoded.looseClocks[index] = looseClocks.clock(of: piece.timestamps, in: writer)
            let pieces = slices.pieces(of: piece.timestamps, in: 0..<piece.timestamps.count)
            unsafe piece.values.withUnsafeBufferPointer { values in
                unsafe piece.startTimestamps.withUnsafeBufferPointer { starts in
                    unsafe encoded.add(
                        values, startTimestamps: starts, firstTick: 0, pieces: pieces, entry: index)
                }
            }
        }
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

    // MARK: Putting together

    /// The entries of a group and the numbers of their series in the partition.
    private struct Group {
        var entries: [(index: Int, series: UInt32)] = []
        var firstSeries: UInt32 = 0
        var seriesCount = 0
    }

    private mutating func assemble(_ stretch: Range<Int>) throws(StorageError) {
        var group = Group()
        var index = stretch.lowerBound
        while index < stretch.upperBound {
            let series = plan.entries[index].series
            var end = index + 1
            while end < stretch.upperBound, plan.entries[end].series == series { end += 1 }
            try addHistograms(of: index..<end)
            if (index..<end).contains(where: { encoded.hasSamples(entry: $0) }) {
                if group.seriesCount == SegmentFormat.seriesPerSegment {
                    try write(group)
                    group = Group()
                }
                try add(index..<end, to: &group)
            }
            index = end
        }
        if group.seriesCount > 0 { try write(group) }
    }

    /// Decodes the histograms that rows have.
    private mutating func addHistograms(of entries: Range<Int>) throws(StorageError) {
        for index in entries {
            let entry = plan.entries[index]
            guard Int(entry.source) < plan.rows.count, plan.rows[Int(entry.source)].hasHistograms else { continue }
            var histograms: [HistogramSample] = []
            var firstRow = 0
            for slice in plan.rows[Int(entry.source)].slices {
                defer { firstRow += slice.rowCount }
                guard slice.hasHistograms else { continue }
                let isSound = slice.readHistograms(
                    slot: Int(entry.slot), rows: 0..<slice.rowCount, starts: starts[Int(entry.source)],
                    firstRow: firstRow, into: &histograms)
                guard isSound else { throw Self.damage }
            }
            histograms.removeAll { !range.contains(Timestamp(milliseconds: $0.timestamp)) }
            if !histograms.isEmpty { encoded.histograms[index] = histograms }
        }
    }

    private mutating func add(_ entries: Range<Int>, to group: inout Group) throws(StorageError) {
        let ranks = plan.labels.ranks(of: plan.entries[entries.lowerBound].series)
        for rank in ranks where pairNumbers[Int(rank)] == .max {
            pairNumbers[Int(rank)] = writer.addPair(plan.labels.bytes(ofRank: rank))
        }
        let series = try writer.beginSeries(pairs: ranks.lazy.map { [pairNumbers] in pairNumbers[Int($0)] })
        if group.seriesCount == 0 { group.firstSeries = series }
        group.seriesCount += 1
        for index in entries {
            group.entries.append((index, series))
            guard !encoded.histograms.isEmpty, let histograms = encoded.histograms[index] else { continue }
            sampleCount += histograms.count
            try writer.add(histograms, series: series)
        }
    }

    private mutating func write(_ group: Group) throws(StorageError) {
        for slice in 0..<slices.count {
            segment.begin(firstSeries: group.firstSeries)
            var first = Int64.max
            var last = Int64.min
            var samples = 0
            for entry in group.entries {
                while let column = encoded.next(ofEntry: entry.index, slice: slice) {
                    let source = Int(plan.entries[entry.index].source)
                    let clock = source < rowClocks.count ? rowClocks[source] : encoded.looseClocks[entry.index]
                    guard let clock else { break }
                    let used = writer.use(
                        clock, firstTick: Int(column.firstTick), tickCount: Int(column.tickCount))
                    first = min(first, used.first)
                    last = max(last, used.last)
                    samples += Int(column.sampleCount)
                    unsafe try segment.add(
                        series: entry.series, clock: used.number, column: column, of: encoded.bytes)
                }
            }
            let blob = try segment.finish()
            guard !blob.isEmpty else { continue }
            sampleCount += samples
            try writer.insertSegment(
                blob, firstSeries: group.firstSeries, seriesCount: group.seriesCount, from: first, to: last,
                sampleCount: samples)
        }
    }
}
