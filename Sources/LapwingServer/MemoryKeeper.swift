import CMalloc
import Glibc
import Logging
import PromQL
import Scraping
import SelfMetrics
import ServiceLifecycle
import Synchronization

/// What to do about the memory of the process, decided from what the kernel says it has.
///
/// Two things make a process larger than what its parts count. The allocator keeps what was freed: after queries over
/// 100,000 series it held 250 of 304 MB (glibc 2.36; `malloc_trim` gave them back). And some bytes nobody counts. So
/// memory is given back when queries have ended, and when the process goes beyond its limit all the same, or a page of series
/// that are known waits long for room, the query that holds most is ended.
struct MemoryKeeperState {
    enum Action: Equatable { case nothing, giveBack, endLargestQuery }

    /// Less than this is not worth the walk over the allocator's lists.
    static let worthwhileBytes = 16 << 20
    /// The least time from one walk to the next.
    static let pauseNanoseconds: UInt64 = 1_000_000_000
    /// The same where memory is short.
    static let shortPauseNanoseconds: UInt64 = 100_000_000

    /// How much more than after the last walk makes another one worthwhile where memory is short.
    static let worthwhileBytesWhereShort = 4 << 20

    let limitBytes: Int
    /// What was left after memory was given back, without what queries held then.
    private var floorBytes = 0
    private var ownBytesAfterWalk = 0
    private var lastWalk: UInt64?
    private var isOverAfterWalk = false
    /// A query was ended, and what it frees is to be given back before another one is.
    private var isWalkDue = false
    private var wasPageWaiting = false

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    /// Whether so little is left that it is looked at often.
    func isShort(residentBytes: Int) -> Bool { residentBytes > limitBytes / 4 * 3 }

    /// - Parameters:
    ///   - residentBytes: Memory of the process in all.
    ///   - ownBytes: The part of it that no file stands behind.
    ///   - heldBytes: What queries say that they hold.
    ///   - isPageWaiting: Whether scrapes of known series wait for memory.
    mutating func look(
        residentBytes: Int, ownBytes: Int, heldBytes: Int, isPageWaiting: Bool = false, nanoseconds: UInt64
    ) -> Action {
        let sinceWalk = lastWalk.map { nanoseconds &- $0 } ?? .max
        let isShort = isShort(residentBytes: residentBytes)
        guard sinceWalk >= (isShort || isPageWaiting ? Self.shortPauseNanoseconds : Self.pauseNanoseconds) else {
            return .nothing
        }
        if isPageWaiting {
            // First what is free already, then what a query holds, then what it freed, and so on.
            let isWalked = wasPageWaiting && !isWalkDue && heldBytes > 0
            wasPageWaiting = true
            isWalkDue = isWalked
            return isWalked ? .endLargestQuery : .giveBack
        }
        wasPageWaiting = false
        if residentBytes > limitBytes, isOverAfterWalk, heldBytes > 0 {
            isOverAfterWalk = false
            isWalkDue = true
            return .endLargestQuery
        }
        let isWorthwhile =
            isWalkDue || ownBytes - heldBytes > floorBytes + Self.worthwhileBytes
            || isShort && ownBytes > ownBytesAfterWalk + Self.worthwhileBytesWhereShort
        return isWorthwhile ? .giveBack : .nothing
    }

    /// Notes what was left after memory was given back.
    mutating func noteWalk(residentBytes: Int, ownBytes: Int, heldBytes: Int, nanoseconds: UInt64) {
        lastWalk = nanoseconds
        isWalkDue = false
        ownBytesAfterWalk = ownBytes
        floorBytes = max(0, ownBytes - heldBytes)
        isOverAfterWalk = residentBytes > limitBytes
    }
}

/// Looks at the memory of the process and does what `MemoryKeeperState` decides.
struct MemoryKeeper: Service {
    /// How often it looks while queries run or memory is short, and otherwise.
    private static let busyMilliseconds = 50
    private static let idleMilliseconds = 1000
    /// When start and first scrapes are over.
    private static let settledSeconds: UInt64 = 5

    private final class Counts: Sendable {
        let walks = Atomic<Int>(0)
        let endedQueries = Atomic<Int>(0)
    }

    private let limitBytes: Int
    private let active: ActiveQueries
    private let room: ScrapeRoom
    private let logger: Logger
    private let counts = Counts()

    init(limitBytes: Int, active: ActiveQueries, room: ScrapeRoom, registry: Registry, logger: Logger) {
        self.limitBytes = limitBytes
        self.active = active
        self.room = room
        self.logger = logger
        registry.counter(
            "lapwing_memory_given_back_total", help: "Times that freed memory was given back to the kernel."
        ) { [counts] in Double(counts.walks.load(ordering: .relaxed)) }
        registry.counter(
            "lapwing_memory_ended_queries_total",
            help:
                "Queries ended because the process was beyond lapwing_memory_limit_bytes, or scrapes waited for memory."
        ) { [counts] in Double(counts.endedQueries.load(ordering: .relaxed)) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await keep() }
    }

    private func keep() async {
        var state = MemoryKeeperState(limitBytes: limitBytes)
        let memory = ResidentMemory()
        let start = active.now
        var isSettled = false
        while !Task.isCancelled {
            let now = memory.read()
            let isBusy = active.budget.usedBytes > 0 || state.isShort(residentBytes: now.residentBytes)
            try? await Task.sleep(for: .milliseconds(isBusy ? Self.busyMilliseconds : Self.idleMilliseconds))
            if !isSettled, active.now &- start > Self.settledSeconds * 1_000_000_000 {
                isSettled = true
                malloc_trim(0)
            }
            look(&state, memory)
        }
    }

    private func look(_ state: inout MemoryKeeperState, _ memory: borrowing ResidentMemory) {
        let now = memory.read()
        let held = active.budget.usedBytes
        switch state.look(
            residentBytes: now.residentBytes, ownBytes: now.ownBytes, heldBytes: held,
            isPageWaiting: room.isAnyPageWaiting, nanoseconds: active.now)
        {
        case .nothing: return
        case .endLargestQuery: endLargestQuery(residentBytes: now.residentBytes)
        case .giveBack:
            malloc_trim(0)
            counts.walks.add(1, ordering: .relaxed)
            let after = memory.read()
            state.noteWalk(
                residentBytes: after.residentBytes, ownBytes: after.ownBytes, heldBytes: active.budget.usedBytes,
                nanoseconds: active.now)
        }
    }

    private func endLargestQuery(residentBytes: Int) {
        let holding = active.list().filter { $0.state != .waiting && !$0.isEnding }
        guard let largest = holding.max(by: { $0.progress.bytes < $1.progress.bytes }) else { return }
        guard active.end(id: largest.id) else { return }
        counts.endedQueries.add(1, ordering: .relaxed)
        logger.warning(
            residentBytes > limitBytes
                ? "the process is beyond its memory limit; the query that holds most is ended"
                : "scrapes of known series wait for memory; the query that holds most is ended",
            metadata: [
                "resident": "\(residentBytes >> 20)MiB", "limit": "\(limitBytes >> 20)MiB",
                "held": "\(largest.progress.bytes >> 20)MiB", "query": "\(largest.description.text.prefix(200))",
            ])
    }
}
