import Bytes
import Logging
import MetricModel
import Storage

/// What a head starts with: nothing, or what the journal tells.
struct HeadContents {
    private(set) var index = HeadIndex()
    private(set) var looseLane: LooseLane?
    private(set) var newestTimestamp = Int64.min
    private(set) var highestGeneration: UInt64 = 0
    private(set) var byteCount = 0
    private(set) var rowCount = 0
    /// Rows and stream parts that could not be used because something before them is missing.
    private(set) var unusableRecords = 0
    private var rowLanes: [UInt32: Lane] = [:]
    private var rows: [UInt32: ReplayedRows] = [:]
    private var looseLanes: [UInt32: LooseLane] = [:]
    private var definition = SlotDefinition()

    init() {}

    /// Reads the journal.
    ///
    /// Damaged rows of the file are quarantined there and named in the log; the rest is used.
    init(replaying file: JournalFile, logger: Logger) throws(StorageError) {
        var contents = HeadContents()
        contents.reserve(definitionBytes: try file.byteCount(of: .definition))
        // Rows are the same whatever their series are: both cores have something to do.
        let rows = RowRestoration(file)
        var faults = unsafe try file.forEach(in: .definition) { _, blob in
            if let fault = unsafe JournalRecord.fault(in: blob) { return fault }
            return unsafe contents.readDefinitions(blob) ? nil : "records that cannot be read"
        }
        let postings = PostingsRestoration(contents.index.series.postingsInput)
        let firstBatch = rows.finish().map { contents.take($0) } ?? .min
        faults += unsafe try file.forEach(in: .batch, from: firstBatch) { _, blob in
            if let fault = unsafe JournalRecord.fault(in: blob) { return fault }
            return unsafe contents.readBatch(blob) ? nil : "records that cannot be read"
        }
        contents.index.series.finishRestoring(postings)
        contents.definition = SlotDefinition()
        for fault in faults {
            logger.error(
                "part of the journal is damaged and was put aside in table quarantine",
                metadata: ["path": "\(file.path)", "row": "\(fault.id)", "reason": "\(fault.reason)"])
        }
        if contents.unusableRecords > 0 {
            logger.error(
                "samples in the journal cannot be used because others before them are missing",
                metadata: ["path": "\(file.path)", "records": "\(contents.unusableRecords)"])
        }
        contents.finishLanes()
        let newestLoose = contents.looseLanes.keys.max()
        for (number, lane) in contents.looseLanes where number != newestLoose { lane.close() }
        contents.looseLane = newestLoose.flatMap { contents.looseLanes[$0] }
        contents.looseLanes = [:]
        self = contents
    }

    // MARK: Definitions

    /// What a series with its share of the pairs seldom takes less than in definitions, and a label of it.
    private static let definitionBytes = (series: 16, label: 2)

    private mutating func reserve(definitionBytes byteCount: Int) {
        index.series.reserve(
            seriesCount: byteCount / Self.definitionBytes.series, labelCount: byteCount / Self.definitionBytes.label)
    }

    mutating func readDefinitions(_ blob: UnsafeRawBufferPointer) -> Bool {
        var isSound = true
        let isWhole = unsafe JournalRecord.forEach(in: blob) { kind, body in
            guard let (number, second, rest) = unsafe JournalRecord.parts(of: body) else {
                isSound = false
                return
            }
            switch kind {
            case .lane: unsafe addLane(number, isLoose: second == 1, name: String(decoding: rest, as: UTF8.self))
            case .slots, .series:
                let first = Int(clamping: second)
                if unsafe !addSlots(lane: number, firstSlot: first, rest, hasTags: kind == .series) { isSound = false }
            case .row, .loose, .runs, .cut: isSound = false
            }
        }
        return isWhole && isSound
    }

    private mutating func addLane(_ number: UInt32, isLoose: Bool, name: String) {
        if isLoose {
            let lane = LooseLane(number: number)
            looseLanes[number] = lane
            index.restoreLane(.loose(lane), number: number)
        } else {
            let lane = Lane(number: number, sourceName: name)
            rowLanes[number] = lane
            index.restoreLane(.rows(lane), number: number)
        }
    }

    private mutating func addSlots(
        lane number: UInt32, firstSlot: Int, _ body: UnsafeRawBufferPointer, hasTags: Bool
    ) -> Bool {
        guard let series = unsafe definition.read(body, hasTags: hasTags, into: &index.series) else { return false }
        return add(series, lane: number, firstSlot: firstSlot)
    }

    /// False where slots before them are missing.
    private mutating func add(_ series: [UInt32], lane number: UInt32, firstSlot: Int) -> Bool {
        let isInOrder: Bool
        if let lane = rowLanes[number] {
            isInOrder = lane.withState { state in
                guard state.slotSeries.count == firstSlot else { return false }
                state.slotSeries += series
                state.definedSlotCount = state.slotSeries.count
                return true
            }
        } else if let lane = looseLanes[number] {
            isInOrder = lane.withState { state in
                guard state.slotSeries.count == firstSlot else { return false }
                state.addSlots(for: series)
                state.definedSlotCount = state.slotSeries.count
                return true
            }
        } else {
            isInOrder = false
        }
        guard isInOrder else { return false }
        index.series.attach(series, toSlotsFrom: Attachment(lane: number, slot: UInt32(firstSlot)))
        return true
    }

    // MARK: Batches

    mutating func readBatch(_ blob: UnsafeRawBufferPointer) -> Bool {
        unsafe JournalRecord.forEach(in: blob) { kind, body in
            guard let (number, second, rest) = unsafe JournalRecord.parts(of: body) else {
                unusableRecords += 1
                return
            }
            unsafe replay(kind, lane: number, second: second, rest)
        }
    }

    /// Takes over what was read beside the definitions; the number of the batch to go on with, the first where the two do not
    /// fit together.
    private mutating func take(_ restored: RestoredRows) -> Int64 {
        for (number, lane) in restored.lanes {
            guard let known = rowLanes[number], lane.slotCount <= known.slotCount else { return .min }
        }
        newestTimestamp = restored.lanes.values.reduce(newestTimestamp) { max($0, $1.lastTimestamp) }
        rows = restored.lanes
        rowCount += restored.rowCount
        byteCount += restored.byteCount
        unsafe restored.recordBytes.withUnsafeBytes { bytes in
            for record in restored.records {
                unsafe replay(
                    record.kind, lane: record.lane, second: record.second,
                    UnsafeRawBufferPointer(rebasing: bytes[record.bytes]))
            }
        }
        return restored.nextBatch
    }

    private mutating func replay(
        _ kind: JournalRecord.Kind, lane number: UInt32, second: UInt64, _ rest: UnsafeRawBufferPointer
    ) {
        switch kind {
        case .row: unsafe replayRow(rest, lane: number, index: Int(clamping: second))
        case .loose: unsafe replayLoose(rest, lane: number)
        case .runs: unsafe replayRuns(rest, lane: number, generation: second)
        case .cut: for lane in looseLanes.values { lane.cut() }
        case .lane, .slots, .series: unusableRecords += 1
        }
    }

    /// Gives the lanes their rows; they take no more.
    mutating func finishLanes() {
        for (number, lane) in rowLanes { lane.end(with: rows[number] ?? ReplayedRows()) }
        rowLanes = [:]
        rows = [:]
    }

    private mutating func replayRow(_ row: UnsafeRawBufferPointer, lane number: UInt32, index: Int) {
        guard let lane = rowLanes[number], let header = unsafe RowHeader(row), header.slotCount <= lane.slotCount,
            unsafe rows[number, default: ReplayedRows()].append(row, header: header, index: index)
        else {
            unusableRecords += 1
            return
        }
        rowCount += 1
        byteCount += row.count
        newestTimestamp = max(newestTimestamp, header.timestamp)
    }

    private mutating func replayLoose(_ body: UnsafeRawBufferPointer, lane number: UInt32) {
        guard let lane = looseLanes[number] else {
            unusableRecords += 1
            return
        }
        var offset = 0
        while offset < body.count {
            guard let number = unsafe VarInt.read(body, at: &offset),
                let before = unsafe VarInt.read(body, at: &offset),
                let count = unsafe VarInt.read(body, at: &offset), count <= UInt64(body.count - offset)
            else {
                unusableRecords += 1
                return
            }
            let end = offset + Int(count)
            // Larger than any number of slots is as good as the largest number.
            let slot = Int(clamping: number)
            let isUsable = unsafe lane.replay(
                slot: slot, samplesBefore: Int(clamping: before),
                bytes: UnsafeRawBufferPointer(rebasing: body[offset..<end]), highestGeneration: &highestGeneration)
            if isUsable { byteCount += Int(count) } else { unusableRecords += 1 }
            newestTimestamp = max(
                newestTimestamp,
                lane.withState {
                    $0.newestTimestamps.indices.contains(slot) ? $0.newestTimestamps[slot] : .min
                })
            offset = end
        }
    }

    private mutating func replayRuns(_ body: UnsafeRawBufferPointer, lane number: UInt32, generation: UInt64) {
        guard let lane = looseLanes[number] else {
            unusableRecords += 1
            return
        }
        let replayed = unsafe lane.replayRuns(body, generation: generation)
        byteCount += replayed.byteCount
        unusableRecords += replayed.unusableCount
        newestTimestamp = max(newestTimestamp, replayed.newest)
        highestGeneration = max(highestGeneration, generation)
    }
}
