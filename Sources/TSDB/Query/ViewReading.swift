import MetricModel
import Storage

/// What a view sees: how far appends had come when it was made, and the partitions of that moment.
struct ViewPosition: Sendable {
    var sequence: UInt64
    var generation: UInt64
    var epoch: UInt64
}

/// What all selections of one request read with: the view, its head, and the request.
struct ViewReading: Sendable {
    let head: Head
    let view: DatabaseView
    let position: ViewPosition
    let clocks: ClockCache
    let memory: ByteQuota
    var request: SelectRequest
    /// Its matchers.
    let text: MatcherText

    /// What a request finds in the partitions.
    func findPartitions(_ held: inout HeldMemory) throws(StorageError) -> [FoundPartition] {
        var result: [FoundPartition] = []
        for reader in view.partitions where reader.metadata.overlaps(request.range) {
            let found = try FoundPartition(reader: reader, request: request, text)
            // A list was put together of others.
            try held.take(found.numbers.byteCount * 3)
            if !found.numbers.isEmpty { result.append(found) }
        }
        return result
    }

    /// Series of the head and partitions as one selection.
    func select(
        _ found: FoundSeries, _ partitions: [PartitionSelection], sharing shared: LaneReadings? = nil,
        _ alreadyHeld: consuming HeldMemory
    ) throws(StorageError) -> SelectedDatabaseSeries {
        var held = alreadyHeld
        // The lists of numbers, where runs of neighbours were found.
        try held.take(partitions.reduce(0) { $0 + $1.series.count * 4 })
        let selection = try HeadSelection(found, in: self, sharing: shared, &held)
        return try SelectedDatabaseSeries(
            selection: selection, partitions: partitions, view: view, clocks: clocks, request: request, held)
    }

    /// How a lane's slots, ascending, are read; nil where it has no rows in the range.
    ///
    /// - Parameter newest: Finds newest rows where they are all that is asked for; the caller counts what it copies
    ///   (`NewestRows.bytesPerSlot`).
    func reading(
        of lane: HeadLane?, _ slots: [Int], _ newest: inout NewestRows, _ held: inout HeldMemory
    ) throws(StorageError) -> HeadSelection.Reading? {
        switch lane {
        case nil: return nil
        case .loose(let lane): return .loose(lane)
        case .rows(let lane):
            guard request.needsOnlyNewest, let row = try newest.find(in: lane, slots: slots, for: self) else {
                return rows(of: lane, slots, &held).map { .rows($0) }
            }
            if row.sharedByteCount > 0 { try held.take(row.sharedByteCount) }
            var missing: [Int] = []
            for place in slots.indices
            where newest.bits(of: slots[place], at: place, in: row) == SpecialValue.absentBits {
                missing.append(slots[place])
            }
            return .newest(row, rest: missing.isEmpty ? nil : rows(of: lane, missing, &held))
        }
    }

    /// How many rows of a lane a request reads; none of streams, which are read one by one.
    func rowCount(of lane: HeadLane?) -> Int {
        guard case .rows(let lane)? = lane else { return 0 }
        return request.needsOnlyNewest ? 1 : lane.rows().wanted(in: request.range, at: position).count
    }

    private func rows(of lane: Lane, _ slots: [Int], _ held: inout HeldMemory) -> LaneReading? {
        let rows = lane.rows()
        let wanted = rows.wanted(in: request.range, at: position)
        if wanted.isEmpty { return nil }
        return LaneReading(
            rows, wanted: wanted, wantedSlots: slots, needsValues: request.needsValues, memory: memory,
            keptQuota: head.columnsQuota, &held)
    }
}
