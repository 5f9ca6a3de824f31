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

    struct Place: Sendable {
        var reading: UInt32
        var slot: UInt32
    }

    private(set) var labels: SelectedLabels
    /// The places of series `i` are `placeStarts[i] ..< placeStarts[i + 1]`.
    private var placeStarts: [UInt32] = [0]
    private var places: [Place] = []
    private var readings: [Reading] = []
    /// The next reading that a thread decodes while another one has the columns that it is waiting for.
    private let ahead = NextReading()
    private let position: ViewPosition
    private let range: TimeRange
    private let needsOnlyNewest: Bool

    var count: Int { labels.count }

    /// - Parameters:
    ///   - shared: The readings of all lanes, where several selections share them.
    ///   - held: Counts what the selection takes, and what finding it takes meanwhile.
    init(
        _ found: FoundSeries, in view: borrowing ViewReading, sharing shared: LaneReadings? = nil,
        _ held: inout HeldMemory
    ) throws(StorageError) {
        position = view.position
        range = view.request.range
        needsOnlyNewest = view.request.needsOnlyNewest
        labels = SelectedLabels(found.labels.texts)
        var readingOfLane = [Int](repeating: -1, count: found.lanes.count)
        for (number, lane) in found.lanes.enumerated() {
            let reading =
                if let shared { shared.readings[lane.number] } else {
                    try view.reading(of: lane.lane, lane.slots, &held)
                }
            guard let reading else { continue }
            readingOfLane[number] = readings.count
            readings.append(reading)
        }
        placeStarts.reserveCapacity(found.count + 1)
        places.reserveCapacity(found.attachments.count)
        // Most selections take every series as it was found, labels too.
        let takesAll = (0..<found.count).allSatisfy { series in
            found.attachmentRange(of: series).contains { readingOfLane[Int(found.laneOfAttachment[$0])] >= 0 }
        }
        if takesAll {
            labels = found.labels
        } else {
            try held.take(found.count * SelectedLabels.bytesPerSeries + found.labelCount * SelectedLabels.bytesPerLabel)
            labels.reserve(series: found.count, labels: found.labelCount)
        }
        for series in 0..<found.count {
            let start = places.count
            for index in found.attachmentRange(of: series) {
                let reading = readingOfLane[Int(found.laneOfAttachment[index])]
                if reading >= 0 {
                    places.append(Place(reading: UInt32(reading), slot: found.attachments[index].slot))
                }
            }
            guard places.count > start else { continue }
            if !takesAll { labels.append(found.labels.pairs(of: series)) }
            placeStarts.append(UInt32(places.count))
        }
    }

    /// An upper estimate of the samples of a series.
    func estimatedSampleCount(of series: Int) -> Int {
        places[placeRange(of: series)].reduce(0) { sum, place in
            switch readings[Int(place.reading)] {
            case .rows(let reading): sum + reading.clock.timestamps.count
            case .newest, .loose: sum + 1
            }
        }
    }

    private func placeRange(of series: Int) -> Range<Int> { Int(placeStarts[series])..<Int(placeStarts[series + 1]) }

    /// Adds what the head has of a series: all samples in the range, or the newest where that was asked for.
    func read(
        _ series: Int, clocks: ClockCache, scratch: inout HeadScratch, into pieces: inout ColumnPieces
    ) throws(StorageError) {
        for index in placeRange(of: series) {
            let slot = Int(places[index].slot)
            switch readings[Int(places[index].reading)] {
            case .rows(let reading):
                try reading.read(
                    slot: slot, decoded: try decoded(reading), scratch: &scratch.columns, clocks: clocks,
                    into: &pieces)
            case .newest(let row, let rest):
                let bits = row.bits(of: slot)
                if bits != SpecialValue.absentBits {
                    pieces.append(bits: bits, clock: row.clock)
                } else if let rest {
                    try rest.read(
                        slot: slot, decoded: try decoded(rest), scratch: &scratch.columns, clocks: clocks,
                        into: &pieces)
                }
            case .loose(let lane):
                let isSound =
                    needsOnlyNewest
                    ? scratch.loose.readNewest(
                        lane, slot: slot, at: position, range: range, clocks: clocks, into: &pieces)
                    : scratch.loose.read(lane, slot: slot, at: position, range: range, clocks: clocks, into: &pieces)
                guard isSound else { throw .corrupt(path: "memory", what: "a stream of the head cannot be decoded") }
            }
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

/// What reading the head works in, kept by a reader from series to series.
struct HeadScratch {
    var loose = LooseReading()
    /// Of slots that are read alone.
    var columns = SliceColumns()
}

/// A number that goes up by one each time it is taken.
private final class NextReading: Sendable {
    private let next = Atomic<Int>(0)

    func take(below limit: Int) -> Int? {
        let taken = next.add(1, ordering: .relaxed).oldValue
        return taken < limit ? taken : nil
    }
}
