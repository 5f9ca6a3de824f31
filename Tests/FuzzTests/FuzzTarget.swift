import Bytes
import Exposition
import MetricModel
import PromQLSyntax
import Storage

@testable import TSDB

/// What reads bytes from outside, each as something that can be fed any bytes: it returns, whatever they are.
///
/// `FuzzMain` drives them with libFuzzer, `MutationTests` with a fixed list of mutations in every test run.
enum FuzzTarget: String, CaseIterable, Sendable {
    case exposition, protobuf, promql, journal, segment, sealed, kernel, cgroups, machine, remoteWrite, symbolWrite
    case packed, configuration, remoteRead, imported, response, answers

    func run(_ bytes: [UInt8]) {
        switch self {
        case .exposition: Self.exposition(bytes)
        case .promql: Self.promql(bytes)
        case .journal: Self.journal(bytes)
        case .segment: Self.segment(bytes)
        case .sealed: Self.sealed(bytes)
        case .kernel: Self.kernel(bytes)
        case .protobuf: Self.protobuf(bytes)
        case .cgroups: Self.cgroups(bytes)
        case .machine: Self.machine(bytes)
        case .remoteWrite: Self.received(bytes, contentType: nil)
        case .symbolWrite: Self.received(bytes, contentType: FuzzSeeds.symbolWriteType)
        case .packed: Self.packed(bytes)
        case .configuration: Self.configuration(bytes)
        case .remoteRead: Self.remoteRead(bytes)
        case .imported: Self.imported(bytes)
        case .response: Self.response(bytes)
        case .answers: Self.answers(bytes)
        }
    }

    /// Inputs that mean something, to begin with: those made here, and those that long runs kept (`Corpora`).
    var seeds: [[UInt8]] { ownSeeds + FuzzCorpus.inputs(of: self) }

    private var ownSeeds: [[UInt8]] {
        switch self {
        case .exposition: FuzzSeeds.exposition.map { Array($0.utf8) }
        case .promql: FuzzSeeds.promql.map { Array($0.utf8) }
        case .journal: FuzzSeeds.journal
        case .segment: FuzzSeeds.segments
        case .sealed: FuzzSeeds.sealed
        case .kernel: FuzzSeeds.kernel.map { Array($0.utf8) }
        case .protobuf: FuzzSeeds.protobuf
        case .cgroups: CgroupFiles.all.indices.map { [UInt8($0)] + Array(CgroupFiles.all[$0].text.utf8) }
        case .machine: FuzzSeeds.machine.indices.map { [UInt8($0)] + Array(FuzzSeeds.machine[$0].text.utf8) }
        case .remoteWrite: FuzzSeeds.remoteWrite
        case .symbolWrite: FuzzSeeds.symbolWrite
        case .packed: FuzzSeeds.packed
        case .configuration: FuzzSeeds.configuration.map { Array($0.utf8) }
        case .remoteRead: FuzzSeeds.remoteRead
        case .imported: FuzzSeeds.imported.map { Array($0.utf8) }
        case .response: FuzzSeeds.response.map { Array($0.utf8) }
        case .answers: FuzzSeeds.answers
        }
    }

    // MARK: Text

    /// The parser and the scrape cache, which must agree on whether a page is sound when it meets it a second time.
    static func exposition(_ bytes: [UInt8]) {
        for format in [ExpositionFormat.text, .openMetrics] {
            var parser = ExpositionParser(bytes, format: format)
            do { while try parser.next() != nil {} } catch { _ = error.description }
            var cache = ScrapeCache()
            var page = ScrapePage()
            let first = Result { () throws(ExpositionError) in try cache.read(bytes, format: format, into: &page) }
            let seriesCount = page.series.count
            let second = Result { () throws(ExpositionError) in try cache.read(bytes, format: format, into: &page) }
            precondition((try? first.get()) == nil || (try? second.get()) != nil, "a page is sound only once")
            precondition((try? first.get()) == nil || page.series.count == seriesCount, "a page has other series later")
        }
    }

    /// What is parsed can be printed and parsed again.
    private static func promql(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            let tree = try Parser.parse(text)
            let printed = tree.description
            let again = Result { () throws(SyntaxError) in try Parser.parse(printed).description }
            switch again {
            case .success(let text): precondition(text == printed, "printing changes \(printed)")
            case .failure(let error):
                // Parentheses that printing adds, and full-length words, may go beyond a limit.
                let limits = ["nested deeper", "longer than", "has more than"]
                precondition(limits.contains { error.description.contains($0) }, "\(error): \(printed)")
            }
            _ = tree.prettyPrinted()
        } catch {
            _ = error.description
        }
        _ = try? Parser.parseMatchers(text)
        _ = try? SeriesNotation.parse(text)
    }

    // MARK: The store

    /// A journal's batch behind sound definitions, then everything that the head has from it.
    private static func journal(_ bytes: [UInt8]) {
        var contents = HeadContents()
        for seed in FuzzSeeds.definitions { unsafe seed.withUnsafeBytes { _ = unsafe contents.readDefinitions($0) } }
        let blob = JournalRecord.emptyHeader + bytes
        unsafe blob.withUnsafeBytes { bytes in
            _ = unsafe contents.readBatch(bytes)
            var others = HeadContents()
            _ = unsafe others.readDefinitions(bytes)
        }
        contents.finishLanes()
        for lane in contents.index.lanes.values {
            switch lane {
            case .rows(let lane):
                let rows = lane.rows()
                _ = rows.forEachPart(of: rows.clock.timestamps.indices) { slice, part in
                    var columns = SliceColumns(slots: Array(0..<lane.slotCount), rowCount: part.count)
                    return columns.append(rows.slices[slice], rows: part)
                }
            case .loose(let lane):
                let position = ViewPosition(sequence: .max, generation: .max, epoch: 0)
                let clocks = ClockCache()
                var reading = LooseReading()
                for slot in 0..<lane.withState({ $0.slotSeries.count }) {
                    var pieces = ColumnPieces()
                    _ = reading.read(lane, slot: slot, at: position, range: .all, clocks: clocks, into: &pieces)
                    _ = reading.readNewest(lane, slot: slot, at: position, range: .all, clocks: clocks, into: &pieces)
                }
            }
        }
    }

    /// A segment's frame as it is after decompression.
    private static func segment(_ bytes: [UInt8]) {
        var frame = SegmentFrame()
        do throws(SegmentDamage) {
            unsafe try frame.load(size: bytes.count, firstSeries: 0) { target throws(SegmentDamage) in
                unsafe target.copyBytes(from: bytes)
                return bytes.count
            }
        } catch {
            return
        }
        for index in frame.columns.indices {
            let count = frame.columns[index].tickCount
            precondition(count <= SegmentFormat.maximumTickCount, "a column without limit")
            let values = try? frame.values(index)
            precondition(values.map { $0.count == count } ?? true, "a value for each tick")
            _ = try? frame.startTimestamps(index)
        }
        for series in UInt32(0)..<130 { _ = frame.columnRange(of: series) }
    }

    /// What lies in sealed blobs: postings, clocks, histograms, and the blob itself.
    private static func sealed(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { raw in
            _ = unsafe try? SealedBlob.open(raw)
            _ = unsafe try? SegmentBlob.frame(0, in: raw)
            _ = unsafe JournalRecord.fault(in: raw)
        }
        guard let blob = try? SealedBlob.seal(bytes, compresses: false) else { return }
        unsafe blob.withUnsafeBytes { raw in
            _ = unsafe try? PostingsCodec.decode(raw, seriesCount: 1000)
            for count in [0, 1, 120, 1000] { _ = unsafe try? ClockCodec.decode(raw, count: count) }
            _ = unsafe try? HistogramChunk.decode(raw)
        }
    }
}
