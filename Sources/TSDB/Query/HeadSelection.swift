import MetricModel
import Storage
import Synchronization

/// The series of the head that a selector found, with the lanes that have rows for it.
struct HeadSelection: Sendable {
    enum Reading: Sendable {
        case rows(LaneReading)
        /// The newest row alone, and the rows before it for the slots that it has nothing for.
        case newest(NewestRow, rest: LaneReading?)
        case loose(LooseLane)
    }

    private let found: FoundSeries
    /// Which of those found are selected, ascending; nil where all are.
    private let chosen: [UInt32]?
    let labels: SelectedLabels
    /// How each lane of those found is read; nil where it has nothing in the range.
    private let readings: [Reading?]
    /// Bits of newest rows, as `NewestRow` says.
    private let newestBits: [UInt64]
    /// For each attachment the place of its slot among those that its lane is read for.
    private let places: [UInt32]
    /// The next reading that a thread decodes while another one has the columns that it is waiting for.
    private let ahead = NextReading()
    private let position: ViewPosition
    private let range: TimeRange
    private let needsOnlyNewest: Bool

    var count: Int { labels.count }
    /// Where what is made of the series is kept, and its name; nil where these are not all that matchers find.
    var kept: KeptPlace? { chosen == nil ? found.kept : nil }

    /// - Parameters:
    ///   - shared: The readings of all lanes, where several selections share them.
    ///   - held: Counts what the selection takes, and what finding it takes meanwhile.
    init(
        _ found: FoundSeries, in view: borrowing ViewReading, sharing shared: LaneReadings? = nil,
        _ held: inout HeldMemory
    ) throws(StorageError) {
        self.found = found
        position = view.position
        range = view.request.range
        needsOnlyNewest = view.request.needsOnlyNewest
        var readings: [Reading?] = []
        readings.reserveCapacity(found.lanes.count)
        if let shared {
            for lane in found.lanes { readings.append(shared.lanes[lane.number]?.reading) }
            newestBits = shared.newestBits
            if needsOnlyNewest { try held.take(found.attachments.count * 4) }
            places = needsOnlyNewest ? shared.places(of: found) : []
        } else {
            if needsOnlyNewest { try held.take(found.attachments.count * NewestRows.bytesPerSlot) }
            var newest = NewestRows(beside: held)
            for lane in found.lanes {
                readings.append(try view.reading(of: lane.lane, lane.slots, &newest, &held))
            }
            newestBits = newest.copied
            places = found.placeOfAttachment
        }
        self.readings = readings
        let hasReading = readings.map { $0 != nil }
        // Most selections take every series as it was found, labels too.
        guard hasReading.contains(false),
            case let chosen = (0..<UInt32(found.count)).filter({ series in
                found.attachmentRange(of: Int(series)).contains { hasReading[Int(found.laneOfAttachment[$0])] }
            }), chosen.count < found.count
        else {
            (self.chosen, labels) = (nil, found.labels)
            return
        }
        try held.take(found.count * SelectedLabels.bytesPerSeries + found.labelCount * SelectedLabels.bytesPerLabel)
        var labels = SelectedLabels(found.labels.texts)
        labels.reserve(series: chosen.count, labels: found.labelCount)
        for series in chosen { labels.append(found.labels.pairs(of: Int(series))) }
        self.labels = labels
        self.chosen = chosen
    }

    /// An upper estimate of the samples of all series.
    var estimatedSampleCount: Int {
        var streams = found.attachments.count
        var sum = 0
        for (lane, reading) in zip(found.lanes, readings) {
            streams -= lane.slots.count
            switch reading {
            case .rows(let reading): sum += lane.slots.count * reading.rowCount
            case .newest: sum += lane.slots.count
            case .loose, nil: break
            }
        }
        return sum + streams
    }

    /// Takes the newest float of a series where newest rows alone tell it; false, and nothing is taken, where they do not.
    func takeNewest(_ selected: Int, into newest: inout NewestFloat) -> Bool {
        let series = if let chosen { Int(chosen[selected]) } else { selected }
        var float = newest
        for index in found.attachmentRange(of: series) {
            switch readings[Int(found.laneOfAttachment[index])] {
            case nil: break
            case .newest(let row, _):
                let bits = bits(of: index, in: row)
                if bits == SpecialValue.absentBits { return false }
                float.take(Double(bitPattern: bits), at: row.timestamp)
            case .rows, .loose: return false
            }
        }
        newest = float
        return true
    }

    private func bits(of attachment: Int, in row: NewestRow) -> UInt64 {
        row.bits(of: found.attachments[attachment].slot, at: places[attachment], in: newestBits)
    }

    /// Adds what the head has of a series: all samples in the range, or the newest where that was asked for.
    func read(
        _ selected: Int, clocks: ClockCache, scratch: inout HeadScratch, into pieces: inout ColumnPieces
    ) throws(StorageError) {
        let series = if let chosen { Int(chosen[selected]) } else { selected }
        for index in found.attachmentRange(of: series) {
            let lane = Int(found.laneOfAttachment[index])
            let slot = Int(found.attachments[index].slot)
            if let known = scratch.decoded(lane) {
                known.append(slot: slot, clocks: clocks, to: &pieces)
            } else {
                try read(attachment: index, ofLane: lane, clocks: clocks, scratch: &scratch, into: &pieces)
            }
        }
    }

    private func read(
        attachment: Int, ofLane lane: Int, clocks: ClockCache, scratch: inout HeadScratch,
        into pieces: inout ColumnPieces
    ) throws(StorageError) {
        let slot = Int(found.attachments[attachment].slot)
        switch readings[lane] {
        case nil: break
        case .rows(let reading):
            let decoded = try decoded(reading)
            if let decoded, reading.hasFloatsOnly { scratch.keep(decoded, of: lane, among: readings.count) }
            try reading.read(
                slot: slot, decoded: decoded, scratch: &scratch.columns, clocks: clocks, into: &pieces)
        case .newest(let row, let rest):
            let bits = bits(of: attachment, in: row)
            if bits != SpecialValue.absentBits {
                pieces.append(bits: bits, clock: scratch.tick(at: row.timestamp))
            } else if let rest {
                try rest.read(
                    slot: slot, decoded: try decoded(rest), scratch: &scratch.columns, clocks: clocks, into: &pieces)
            }
        case .loose(let lane):
            let isSound =
                needsOnlyNewest
                ? scratch.loose.readNewest(lane, slot: slot, at: position, range: range, clocks: clocks, into: &pieces)
                : scratch.loose.read(lane, slot: slot, at: position, range: range, clocks: clocks, into: &pieces)
            guard isSound else { throw .corrupt(path: "memory", what: "a stream of the head cannot be decoded") }
        }
    }

    /// The columns of a lane, nil where its slots are read alone.
    ///
    /// Threads that read neighbouring metrics walk over the same lanes in the same order. One that finds a lane in the
    /// hands of another decodes a lane further on, so that they do not stay side by side and wait at each.
    private func decoded(_ reading: LaneReading) throws(StorageError) -> LaneReading.Decoded? {
        guard reading.readsTogether else { return nil }
        if let ready = try reading.decodeUnlessBusy() { return ready }
        while let next = ahead.take(below: readings.count) {
            guard case .rows(let other) = readings[next], other.readsTogether, other !== reading else { continue }
            _ = try other.decodeUnlessBusy()
            break
        }
        return try reading.decodeOrWait()
    }
}

/// What reading a selection of the head works in, kept by a reader from series to series.
struct HeadScratch {
    var loose = LooseReading()
    /// Of slots that are read alone.
    var columns = SliceColumns()
    /// What was decoded of lanes that have floats alone, by lane of the selection; nobody else need be asked for it.
    private var decoded: [LaneReading.Decoded?] = []

    /// The clocks of newest rows, which the series of a lane have in common.
    private var ticks: [Int64: Clock] = [:]

    /// A clock of one tick.
    mutating func tick(at timestamp: Int64) -> Clock {
        if let known = ticks[timestamp] { return known }
        let made = Clock([timestamp])
        ticks[timestamp] = made
        return made
    }

    func decoded(_ lane: Int) -> LaneReading.Decoded? { lane < decoded.count ? decoded[lane] : nil }

    mutating func keep(_ columns: LaneReading.Decoded, of lane: Int, among count: Int) {
        if decoded.count < count { decoded = [LaneReading.Decoded?](repeating: nil, count: count) }
        decoded[lane] = columns
    }
}

/// A number that goes up by one each time it is taken.
private final class NextReading: Sendable {
    private let next = Atomic<Int>(0)

    func take(below limit: Int) -> Int? {
        let taken = next.add(1, ordering: .relaxed).oldValue
        return taken < limit ? taken : nil
    }
}
