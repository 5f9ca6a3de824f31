import MetricModel
import Storage
import Synchronization
import TestSupport
import Testing

@testable import TSDB

/// A reservation that allows everything up to a limit, and compares what was counted with what the allocator gave out.
private final class WatchedReservation: MemoryReservation {
    private struct State {
        var counted = 0
        var highestCounted = 0
        /// The most by which the memory taken was more than the memory counted for it.
        var uncounted = 0
    }

    private let state = Mutex(State())
    private let baseBytes: Int
    private let limitBytes: Int

    init(limitBytes: Int = .max) {
        self.limitBytes = limitBytes
        baseBytes = AllocatedMemory.byteCount
    }

    var countedBytes: Int { state.withLock { $0.counted } }
    var highestCountedBytes: Int { state.withLock { $0.highestCounted } }
    var uncountedBytes: Int { state.withLock { $0.uncounted } }

    func look() {
        let taken = AllocatedMemory.byteCount - baseBytes
        state.withLock { $0.uncounted = max($0.uncounted, taken - $0.counted) }
    }

    func offer(_ byteCount: Int) -> Bool {
        look()
        return state.withLock { state in
            guard state.counted + byteCount <= limitBytes else { return false }
            state.counted += byteCount
            state.highestCounted = max(state.highestCounted, state.counted)
            return true
        }
    }

    func hold(_ byteCount: Int) throws(StorageError) {
        guard offer(byteCount) else { throw .memory(wanted: byteCount, maximum: limitBytes, isShared: false) }
    }

    func release(_ byteCount: Int) { state.withLock { $0.counted -= byteCount } }
}

@Suite("Memory of selections")
struct SelectionMemoryTests {
    private static let seriesPerTarget = 6000
    private static let targets = 2
    private static let seriesCount = seriesPerTarget * targets
    private static let padding = String(repeating: "x", count: 300)

    private static func labels(_ series: Int, _ target: Int) -> LabelSet {
        LabelSet(["__name__": "m", "i": "\(series)\(padding)", "instance": "host-\(target)"])
    }

    private static func makeDatabase(_ folder: TemporaryDirectory) throws -> TimeSeriesDatabase {
        let database = try DatabaseFixture.open(folder)
        for target in 0..<targets {
            let writer = try database.openSource(named: "t\(target)")
            for series in 0..<seriesPerTarget { _ = try writer.slot(for: labels(series, target)) }
            for row in 1...3 {
                try writer.append(
                    timestamp: Timestamp(milliseconds: Int64(row) * 1000),
                    values: (0..<seriesPerTarget).map { Double($0 + row) }, histograms: [])
            }
        }
        // The journal's buffers are not the query's.
        try database.flush()
        return database
    }

    private static func request(_ reservation: any MemoryReservation, onlyNewest: Bool = false) throws -> SelectRequest
    {
        SelectRequest(
            matchers: [try LabelMatcher("__name__", .regex, ".+")], range: .all, needsOnlyNewest: onlyNewest,
            isOrdered: true, reservation: reservation)
    }

    /// Selects all series, in a process of its own, and compares what was counted with what was taken.
    private static func check(_ database: TimeSeriesDatabase, bytesPerSeries: Int) throws {
        // What the first query makes and keeps is the store's.
        _ = try database.querier().select(
            SelectRequest(matchers: [LabelMatcher(equal: "instance", "host-0")], range: .all))
        for onlyNewest in [false, true] {
            let reservation = WatchedReservation()
            do {
                let selected = try database.querier().select(try request(reservation, onlyNewest: onlyNewest))
                reservation.look()
                precondition(selected.count == seriesCount, "\(selected.count) series")
                let allowed = reservation.highestCountedBytes / 10 + (256 << 10)
                precondition(
                    reservation.uncountedBytes < allowed,
                    "\(reservation.uncountedBytes) bytes beyond \(reservation.highestCountedBytes) counted")
                precondition(
                    reservation.highestCountedBytes < seriesCount * bytesPerSeries,
                    "\(reservation.highestCountedBytes / seriesCount) bytes counted a series")
                let before = AllocatedMemory.byteCount
                precondition(selected.labels(at: 0) == labels(0, 0))
                precondition(selected.labelBytes(at: 0) == labels(0, 0).encoded.count)
                precondition(AllocatedMemory.byteCount - before < 64 << 10, "labels are made one by one")
            }
            precondition(reservation.countedBytes == 0, "what was counted is given back")
        }
        let reservation = WatchedReservation()
        do {
            let all = [try LabelMatcher("__name__", .regex, ".+")]
            let listed = try database.querier().series(
                matching: [all], in: .all, limit: 0, reservation: reservation)
            reservation.look()
            precondition(listed.count == seriesCount)
            precondition(
                reservation.uncountedBytes < reservation.highestCountedBytes / 10 + (256 << 10),
                "\(reservation.uncountedBytes) bytes of a list beyond \(reservation.highestCountedBytes)")
            var held = HeldMemory(reservation)
            let values = try database.querier().labelValues(
                of: "i", matching: [all], in: .all, limit: 0, holding: &held)
            reservation.look()
            precondition(values.count == seriesPerTarget)
            // The partition's own list is counted when it is there.
            precondition(
                reservation.uncountedBytes < reservation.highestCountedBytes / 2,
                "\(reservation.uncountedBytes) bytes of values beyond \(reservation.highestCountedBytes)")
        }
        precondition(reservation.countedBytes == 0, "what was counted is given back")
    }

    @Test("a wide selection of the head counts what it takes and copies no labels")
    func head() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryDirectory("lapwing-selection")
            try SelectionMemoryTests.check(try SelectionMemoryTests.makeDatabase(folder), bytesPerSeries: 300)
        }
    }

    @Test("one of head and partition counts what it takes and copies no labels that the head has")
    func sealed() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryDirectory("lapwing-selection")
            let database = try SelectionMemoryTests.makeDatabase(folder)
            try database.seal()
            try SelectionMemoryTests.check(database, bytesPerSeries: 450)
        }
    }

    @Test("one of a partition alone counts each text once")
    func partition() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryDirectory("lapwing-selection")
            var database = try SelectionMemoryTests.makeDatabase(folder)
            try database.seal()
            database.close()
            database = try DatabaseFixture.open(folder)
            // Two series share a text of 300 bytes.
            try SelectionMemoryTests.check(database, bytesPerSeries: 450)
        }
    }

    @Test("without room for it a selection is refused, and nothing stays counted")
    func refused() throws {
        let folder = TemporaryDirectory("lapwing-selection")
        let database = try DatabaseFixture.open(folder)
        let writer = try database.openSource(named: "t")
        for series in 0..<100 { _ = try writer.slot(for: Self.labels(series, 0)) }
        try writer.append(
            timestamp: Timestamp(milliseconds: 1000), values: [Double](repeating: 1, count: 100), histograms: [])
        let reservation = WatchedReservation(limitBytes: 5000)
        #expect(throws: StorageError.self) { _ = try database.querier().select(try Self.request(reservation)) }
        #expect(throws: StorageError.self) {
            _ = try database.querier().series(
                matching: [], in: .all, limit: 0, reservation: WatchedReservation(limitBytes: 500))
        }
        #expect(reservation.countedBytes == 0)
    }
}
