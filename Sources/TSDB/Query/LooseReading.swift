import MetricModel

/// Reads series of loose lanes one after the other, with the memory of the one before.
struct LooseReading {
    private var piece = LoosePiece()
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// The clock of the series before: neighbours often have the same times.
    private var clock = Clock.empty

    /// Adds the samples of a slot that a view sees, in order of time; false where its streams are damaged.
    mutating func read(
        _ lane: LooseLane, slot: Int, at position: ViewPosition, range: TimeRange, clocks: ClockCache,
        into pieces: inout ColumnPieces
    ) -> Bool {
        var copied: [UInt8] = []
        var ends: [Int] = []
        swap(&copied, &bytes)
        swap(&ends, &self.ends)
        copied.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        lane.copy(slot: slot, epoch: position.epoch, range: range, into: &copied, ends: &ends)
        piece.removeAll()
        var start = 0
        var isSound = true
        for end in ends where isSound {
            isSound = unsafe copied.withUnsafeBytes { all in
                unsafe piece.append(
                    stream: UnsafeRawBufferPointer(rebasing: all[start..<end]), generation: position.generation,
                    range: range)
            }
            start = end
        }
        swap(&copied, &bytes)
        swap(&ends, &self.ends)
        guard isSound else { return false }
        piece.sortByTime()
        if !piece.startTimestamps.isEmpty { pieces.note(starts: piece.startTimestamps, of: piece.timestamps) }
        if !piece.values.isEmpty {
            if clock.timestamps != piece.timestamps { clock = clocks.equal(to: piece.timestamps) }
            pieces.append(
                piece.values, clock: clock, isFromHead: true, mayHaveStaleMarkers: piece.mayHaveStaleMarkers)
        }
        pieces.append(histograms: piece.histograms)
        return true
    }

    /// Adds the newest sample of a slot, or all of them where the lane does not know it by heart.
    mutating func readNewest(
        _ lane: LooseLane, slot: Int, at position: ViewPosition, range: TimeRange, clocks: ClockCache,
        into pieces: inout ColumnPieces
    ) -> Bool {
        switch lane.newestFloat(slot: slot, at: position) {
        case .unknown:
            return read(lane, slot: slot, at: position, range: range, clocks: clocks, into: &pieces)
        case .none: return true
        case .float(let timestamp, let bits):
            guard range.contains(Timestamp(milliseconds: timestamp)) else {
                // Nothing older counts unless the range ends before.
                if timestamp < range.start.milliseconds { return true }
                return read(lane, slot: slot, at: position, range: range, clocks: clocks, into: &pieces)
            }
            if clock.timestamps.count != 1 || clock.timestamps[0] != timestamp {
                clock = clocks.equal(to: [timestamp])
            }
            pieces.append(bits: bits, clock: clock)
            return true
        }
    }
}

extension LooseLane {
    /// What a lane says of the newest sample of a slot without reading its stream.
    enum NewestFloat {
        case none
        case float(timestamp: Int64, bits: UInt64)
        /// A view does not see all samples, or the newest came before a late one, is a histogram or has a start timestamp.
        case unknown
    }

    func newestFloat(slot: Int, at position: ViewPosition) -> NewestFloat {
        withState { state in
            var last: LooseStream?
            state.forEachSlice(unsealedAt: position.epoch) { last = $0.stream(slot: slot) ?? last }
            guard let last else { return .none }
            let bits = state.newestBits[slot]
            guard last.generation <= position.generation, last.timestamp == state.newestTimestamps[slot],
                last.start == 0, !Self.mayStandForHistogram(bits)
            else { return .unknown }
            return .float(timestamp: last.timestamp, bits: bits)
        }
    }

    /// Copies the streams of a slot that a view sees, oldest first, and says where each ends.
    func copy(slot: Int, epoch: UInt64, range: TimeRange, into bytes: inout [UInt8], ends: inout [Int]) {
        var copied: [UInt8] = []
        var places: [Int] = []
        swap(&copied, &bytes)
        swap(&places, &ends)
        withState { state in
            state.forEachSlice(unsealedAt: epoch) { slice in
                guard slice.minimumTimestamp <= range.end.milliseconds,
                    slice.maximumTimestamp >= range.start.milliseconds
                else { return }
                if slice.append(slot: slot, to: &copied) { places.append(copied.count) }
            }
        }
        swap(&copied, &bytes)
        swap(&places, &ends)
    }

    /// Decodes the streams of one series, oldest first; false where they are damaged.
    static func decode(
        _ parts: [[UInt8]], generation limit: UInt64, range: TimeRange, into piece: inout LoosePiece
    ) -> Bool {
        for part in parts {
            let isSound = unsafe part.withUnsafeBytes { bytes in
                unsafe piece.append(stream: bytes, generation: limit, range: range)
            }
            guard isSound else { return false }
        }
        piece.sortByTime()
        return true
    }
}
