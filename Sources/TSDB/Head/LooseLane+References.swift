import MetricModel
import Storage

/// What came of referenced samples in a lane.
struct LooseRunsResult {
    var counts = AppendOutcome()
    var byteCount = 0
    var newest = Int64.min
    /// Samples that are not simply newer than what the series has: series' places and their samples, for the general way.
    var others: [(series: Int, columns: SampleColumns)] = []
}

extension LooseLane {
    /// Adds the float samples that are newer than what their series have; hands back the others.
    ///
    /// The journal's part is left in `runs`. No allocation and no lock per sample.
    func append(
        _ samples: ReferencedSamples, generation: UInt64, limits: AcceptedTimes, runs: inout LooseRuns
    ) -> LooseRunsResult {
        var written = LooseRuns()
        swap(&written, &runs)
        let (result, filled) = withState { state in
            var result = LooseRunsResult()
            var runs = written
            state.append(samples, generation: generation, limits: limits, runs: &runs, result: &result)
            return (result, runs)
        }
        runs = filled
        return result
    }

    /// Takes runs of the journal again.
    func replayRuns(
        _ body: UnsafeRawBufferPointer, generation: UInt64
    ) -> (byteCount: Int, unusableCount: Int, newest: Int64) {
        withState { state in
            var byteCount = 0
            var unusableCount = 0
            var newest = Int64.min
            var offset = 0
            var timeBefore: Int64 = 0
            while offset < body.count {
                guard let run = unsafe LooseRun(body, at: &offset, timeBefore: &timeBefore) else {
                    unusableCount += 1
                    break
                }
                let before = state.current.byteCount
                unusableCount += state.replay(run, generation: generation)
                byteCount += state.current.byteCount - before
                newest = max(newest, run.timestamps.last ?? .min)
            }
            return (byteCount, unusableCount, newest)
        }
    }
}

extension LooseLane.State {
    fileprivate mutating func append(
        _ samples: ReferencedSamples, generation: UInt64, limits: AcceptedTimes, runs: inout LooseRuns,
        result: inout LooseRunsResult
    ) {
        let powers = unsafe ValueCodec.Powers.shared.table
        let byteCountBefore = current.byteCount
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: LooseStream.maximumSampleByteCount) { room in
            guard let room = room.baseAddress else { return }
            var start = 0
            for series in samples.references.indices {
                let range = start..<samples.sampleEnds[series]
                start = range.upperBound
                let slot = Int(samples.references[series])
                guard !range.isEmpty, slot < newestTimestamps.count else { continue }
                guard areNewer(range, of: samples, slot: slot, limits: limits) else {
                    result.others.append((series, samples.columns(of: range)))
                    continue
                }
                runs.begin(
                    slot: slot, before: current.sampleCount(slot: slot), times: range, in: samples.timestamps)
                for index in range {
                    let bits = LooseLane.storedBits(samples.values[index])
                    let value = unsafe current.append(
                        bits: bits, timestamp: samples.timestamps[index], generation: generation, slot: slot,
                        powers: powers, room: room)
                    unsafe runs.add(value: value)
                    newestBits[slot] = bits
                }
                let newest = samples.timestamps[range.upperBound - 1]
                newestTimestamps[slot] = newest
                hints.noteFloat(slot: slot)
                result.newest = max(result.newest, newest)
                result.counts.appended += range.count
            }
        }
        runs.finish(samples.timestamps)
        result.byteCount = current.byteCount - byteCountBefore
    }

    @inline(__always)
    private func areNewer(
        _ range: Range<Int>, of samples: ReferencedSamples, slot: Int, limits: AcceptedTimes
    ) -> Bool {
        guard current.startTimestamp(slot: slot) == 0 else { return false }
        var newest = max(newestTimestamps[slot], limits.oldest == .min ? .min : limits.oldest - 1)
        for index in range {
            let timestamp = samples.timestamps[index]
            guard timestamp > newest, timestamp <= limits.newest else { return false }
            if !samples.startTimestamps.isEmpty, samples.startTimestamps[index] != 0 { return false }
            newest = timestamp
        }
        return true
    }

    /// How many slots of a run cannot be taken because samples before them are missing or bytes are damaged.
    fileprivate mutating func replay(_ run: LooseRun, generation: UInt64) -> Int {
        guard let values = unsafe run.values.baseAddress ?? run.bits.baseAddress else { return 1 }
        var cursor = unsafe values.assumingMemoryBound(to: UInt8.self)
        let end = unsafe cursor + run.values.count
        let count = run.timestamps.count
        for position in 0..<run.slotCount {
            let slot = run.firstSlot + position
            guard slot < slotSeries.count, current.sampleCount(slot: slot) == run.before else {
                // The values of the slots after this one are not found without it.
                return run.slotCount - position
            }
            var first = Int64.max
            var newest = newestTimestamps[slot]
            var bits = newestBits[slot]
            var scratch: [UInt8] = []
            var isSound = true
            _ = current.extend(slot: slot, scratch: &scratch, first: &first, newest: &newest) {
                (stream: inout LooseStream, bytes: inout [UInt8], first: inout Int64, newest: inout Int64) in
                for index in 0..<count where isSound {
                    isSound = unsafe stream.replay(
                        isUnchanged: !run.isChanged(position * count + index), value: &cursor, end: end,
                        timestamp: run.timestamps[index], generation: generation, to: &bytes)
                    first = min(first, run.timestamps[index])
                    newest = max(newest, run.timestamps[index])
                }
                bits = stream.bits
                return isSound
            }
            guard isSound else { return run.slotCount - position }
            newestTimestamps[slot] = newest
            newestBits[slot] = bits
            hints.noteFloat(slot: slot)
        }
        return 0
    }
}

extension ReferencedSamples {
    /// Some neighbouring samples of one series as columns of their own.
    func columns(of range: Range<Int>) -> SampleColumns {
        var columns = SampleColumns(timestamps: Array(timestamps[range]), values: Array(values[range]))
        if !startTimestamps.isEmpty, startTimestamps[range].contains(where: { $0 != 0 }) {
            columns.startTimestamps = Array(startTimestamps[range])
        }
        return columns
    }
}
