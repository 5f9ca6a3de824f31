import MetricModel
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("Samples by reference")
struct ReferenceWriterTests {
    private static func labels(_ count: Int) -> [LabelSet] { (0..<count).map { DatabaseFixture.labels("pushed", $0) } }

    /// Columns of `perSeries` samples for each reference, from `start` on.
    private static func columns(
        _ references: [UInt32], generation: UInt32, start: Int64, perSeries: Int, value: (Int, Int64) -> Double
    ) -> ReferencedSamples {
        var samples = ReferencedSamples()
        samples.generation = generation
        samples.references = references
        for series in references.indices {
            for index in 0..<perSeries {
                let timestamp = start + Int64(index) * 15_000
                samples.timestamps.append(timestamp)
                samples.values.append(value(series, timestamp))
            }
            samples.sampleEnds.append(samples.timestamps.count)
        }
        return samples
    }

    @Test("what is pushed by reference is read, survives a kill and goes on after it", arguments: [1, 7])
    func roundTrip(perSeries: Int) throws {
        let folder = TemporaryDirectory("lapwing-references")
        let database = try DatabaseFixture.open(folder)
        let labels = Self.labels(200)
        var random = SystemRandomNumberGenerator()
        var expected: [LabelSet: [PlainSample]] = [:]
        func push(_ database: TimeSeriesDatabase, start: Int64, rounds: Int) throws {
            let writer = try database.openReferences()
            let (references, generation) = try writer.references(for: labels)
            for round in 0..<rounds {
                let begin = start + Int64(round * perSeries) * 15_000
                let samples = Self.columns(
                    references, generation: generation, start: begin, perSeries: perSeries
                ) { series, _ in
                    switch series % 4 {
                    case 0: 7
                    case 1: Double(Int.random(in: 0..<100_000, using: &random)) / 100
                    case 2: Double.random(in: 0..<1, using: &random)
                    default: round == 3 ? SpecialValue.stale : Double(round)
                    }
                }
                let outcome = try writer.append(samples)
                #expect(outcome.counts.appended == samples.values.count && outcome.refusals.isEmpty)
                for series in labels.indices {
                    for index in samples.sampleRange(of: series) {
                        expected[labels[series], default: []].append(
                            PlainSample(samples.timestamps[index], samples.values[index]))
                    }
                }
            }
        }
        try push(database, start: 1_000_000, rounds: 20)
        #expect(try DatabaseFixture.all(database) == expected)
        try database.flush()
        let killed = try DatabaseFixture.killedCopy(of: database)
        database.close()
        let again = try DatabaseFixture.open(killed)
        #expect(again.unusableJournalRecords == 0)
        #expect(try DatabaseFixture.all(again) == expected)
        try push(again, start: 100_000_000, rounds: 5)
        try again.seal()
        try push(again, start: 200_000_000, rounds: 2)
        #expect(try DatabaseFixture.all(again) == expected)
        again.close()
    }

    @Test("samples that are not newer are taken where they are known, counted and named where they are not")
    func refusals() throws {
        let folder = TemporaryDirectory("lapwing-references")
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openReferences()
        let (references, generation) = try writer.references(for: Self.labels(3))
        let first = Self.columns(references, generation: generation, start: 1000, perSeries: 2) { _, _ in 1 }
        #expect(try writer.append(first).counts.appended == 6)
        #expect(try writer.append(first).counts.duplicate == 0, "the same again is silently fine at its newest time")
        var other = first
        other.values[5] = 2
        let outcome = try writer.append(other)
        #expect(outcome.refusals.last?.series == 2)
        #expect(outcome.counts.refusedCount > 0)
    }

    @Test("references of another generation store nothing and say so")
    func expired() throws {
        let folder = TemporaryDirectory("lapwing-references")
        let database = try DatabaseFixture.open(folder)
        defer { database.close() }
        let writer = try database.openReferences()
        let (references, generation) = try writer.references(for: Self.labels(2))
        let samples = Self.columns(references, generation: generation &+ 1, start: 1000, perSeries: 1) { _, _ in 1 }
        #expect(try writer.append(samples).isExpired)
        #expect(try DatabaseFixture.all(database).isEmpty)
    }

    @Test("floats, histograms and series in any order of slots come back after a kill")
    func mixed() throws {
        let folder = TemporaryDirectory("lapwing-references")
        let database = try DatabaseFixture.open(folder)
        let writer = try database.openReferences()
        let labels = Self.labels(50)
        let (references, generation) = try writer.references(for: labels)
        var random = SystemRandomNumberGenerator()
        for round in 0..<30 {
            let chosen = labels.indices.shuffled(using: &random).prefix(20)
            var samples = ReferencedSamples()
            samples.generation = generation
            for (place, series) in chosen.enumerated() {
                samples.references.append(references[series])
                let count = Int.random(in: 0...2, using: &random)
                for index in 0..<count {
                    samples.timestamps.append(Int64(round * 10_000 + index * 100 + series))
                    samples.values.append(Double(round))
                }
                samples.sampleEnds.append(samples.timestamps.count)
                if count == 0 {
                    let histogram = NativeHistogram(
                        count: 3, sum: Double(round), positiveSpans: [.init(offset: 0, length: 1)],
                        positiveBuckets: [3])
                    samples.histograms.append(
                        (place, HistogramSample(timestamp: Int64(round * 10_000), histogram: histogram)))
                }
            }
            let outcome = try writer.append(samples)
            #expect(outcome.counts.appended == samples.values.count + samples.histograms.count)
        }
        let before = try DatabaseFixture.all(database)
        try database.flush()
        let killed = try DatabaseFixture.killedCopy(of: database)
        database.close()
        let again = try DatabaseFixture.open(killed)
        defer { again.close() }
        #expect(again.unusableJournalRecords == 0)
        #expect(try DatabaseFixture.all(again) == before)
    }

    @Test("runs with lies in them are refused and never trap")
    func damage() throws {
        var samples = ReferencedSamples()
        samples.references = Array(0..<40)
        for series in 0..<40 {
            samples.timestamps += [1000, 2000]
            samples.values += [Double(series), Double(series) / 3]
            samples.sampleEnds.append(samples.values.count)
        }
        func lane() -> LooseLane {
            let lane = LooseLane(number: 1)
            for series in 0..<40 { _ = lane.addSlot(for: UInt32(series)) }
            return lane
        }
        var runs = LooseRuns()
        let result = lane().append(samples, generation: 1, limits: AcceptedTimes(), runs: &runs)
        #expect(result.counts.appended == 80)
        let whole = unsafe runs.bytes.withUnsafeBytes { unsafe lane().replayRuns($0, generation: 1) }
        #expect(whole.unusableCount == 0 && whole.newest == 2000)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            var bytes = runs.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count / 2, using: &random))
            _ = unsafe bytes.withUnsafeBytes { unsafe lane().replayRuns($0, generation: 1) }
        }
    }
}
