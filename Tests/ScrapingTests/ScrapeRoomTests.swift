import MetricModel
import Synchronization
import Testing

@testable import Scraping

@Suite("Room for scrapes")
struct ScrapeRoomTests {
    @Test("the limit of a body is what the memory that is left has room for, and never above the configured one")
    func limits() {
        let resident = Mutex(100 << 20)
        let room = ScrapeRoom(limitBytes: 200 << 20) { resident.withLock { $0 } }
        #expect(room.bodyLimit((10 << 20, "body_size_limit"), nanoseconds: 5) == (10 << 20, "body_size_limit"))
        #expect(room.bodyLimit((64 << 20, "built-in"), nanoseconds: 5) == (25 << 20, ScrapeRoom.limitName))
        resident.withLock { $0 = 300 << 20 }
        let later = 5 + ScrapeRoom.lookNanoseconds
        #expect(room.bodyLimit((64 << 20, "built-in"), nanoseconds: later).bytes == ScrapeRoom.smallBodyBytes)
    }

    @Test("a look at the memory counts for a while, but not beyond the next large page")
    func looks() throws {
        let looks = Mutex(0)
        let room = ScrapeRoom(limitBytes: 200 << 20) {
            looks.withLock { $0 += 1 }
            return 100 << 20
        }
        for step: UInt64 in 0..<10 {
            _ = room.bodyLimit((64 << 20, "built-in"), nanoseconds: 7 + step * ScrapeRoom.lookNanoseconds / 10)
            try room.ingesting(byteCount: ScrapeRoom.smallBodyBytes) { () throws(ScrapeFailure) in }
        }
        #expect(looks.withLock { $0 } == 1)
        try room.ingesting(byteCount: ScrapeRoom.smallBodyBytes + 1) { () throws(ScrapeFailure) in }
        _ = room.bodyLimit((64 << 20, "built-in"), nanoseconds: 8)
        #expect(looks.withLock { $0 } == 3)
    }

    @Test("a page is read where there is room for what becomes of it; of two at a time one is refused")
    func ingesting() throws {
        let room = ScrapeRoom(limitBytes: 200 << 20) { 100 << 20 }
        var read = 0
        try room.ingesting(byteCount: 20 << 20) { () throws(ScrapeFailure) in
            read += 1
            #expect(throws: ScrapeFailure.self) {
                try room.ingesting(byteCount: 20 << 20) { () throws(ScrapeFailure) in read += 1 }
            }
            try room.ingesting(byteCount: 1000) { () throws(ScrapeFailure) in read += 1 }
        }
        try room.ingesting(byteCount: 20 << 20) { () throws(ScrapeFailure) in read += 1 }
        #expect(read == 3)
        let error = #expect(throws: ScrapeFailure.self) {
            try room.ingesting(byteCount: 40 << 20) { () throws(ScrapeFailure) in read += 1 }
        }
        #expect(error.map { "\($0)" }?.contains("--memory.limit") == true)
    }

    /// A page of so many bytes went in; of its 100 samples so many were new.
    private func scrape(_ share: inout ScrapeShare, byteCount: Int, new: Int = 0) throws(ScrapeFailure) {
        var report = ScrapeReport(timestamp: Timestamp(milliseconds: 0), durationSeconds: 0)
        try share.ingesting(byteCount: byteCount, &report) { (report) throws(ScrapeFailure) in
            report.samplesScraped = 100
            report.seriesAdded = new
            report.learnedAllLines = new == 100
        }
    }

    @Test("large pages whose series are known wait for each other where new ones would be refused")
    func knownPages() throws {
        let resident = Mutex(0)
        let room = ScrapeRoom(limitBytes: 200 << 20) { resident.withLock { $0 } }
        var shares = (0..<4).map { _ in ScrapeShare(room) }
        for index in shares.indices {
            #expect(!shares[index].needsAdmission, "what is not known yet is judged when it is there")
            try scrape(&shares[index], byteCount: 20 << 20, new: 100)
            #expect(shares[index].knownBytes > 19 << 20, "what came with the first page is known from then on")
            try scrape(&shares[index], byteCount: 20 << 20)
            #expect(shares[index].knownBytes > 19 << 20)
        }
        resident.withLock { $0 = 170 << 20 }
        #expect(throws: ScrapeFailure.self) {
            var new = ScrapeShare(room)
            try scrape(&new, byteCount: 20 << 20, new: 100)
        }
        let alone = (
            shares[0].enter(nanoseconds: 1, timeoutMilliseconds: 1000),
            shares[1].enter(nanoseconds: 1, timeoutMilliseconds: 1000)
        )
        #expect(alone == (true, false), "room for one")
        #expect(shares[0].bodyLimit((64 << 20, "built-in"), nanoseconds: 1).bytes > 20 << 20)
        resident.withLock { $0 = 190 << 20 }
        try scrape(&shares[0], byteCount: 20 << 20)
        resident.withLock { $0 = 170 << 20 }
        shares[0].leave()
        let next = shares[1].enter(nanoseconds: 1, timeoutMilliseconds: 1000)
        #expect(next)
        shares[1].leave()
        resident.withLock { $0 = 130 << 20 }
        let several = (0..<3).map { shares[$0].enter(nanoseconds: 1, timeoutMilliseconds: 1000) }
        #expect(several == [true, true, false])
        shares[1].leave()
        let last = shares[2].enter(nanoseconds: 1, timeoutMilliseconds: 1000)
        #expect(last)
    }

    @Test("of a page that came with other series the new part is judged like a new page")
    func newPart() throws {
        let resident = Mutex(0)
        let room = ScrapeRoom(limitBytes: 200 << 20) { resident.withLock { $0 } }
        var share = ScrapeShare(room)
        try scrape(&share, byteCount: 20 << 20, new: 100)
        try scrape(&share, byteCount: 20 << 20, new: 75)
        #expect((4 << 20...5 << 20).contains(share.knownBytes))
        resident.withLock { $0 = 160 << 20 }
        let isIn = share.enter(nanoseconds: 1, timeoutMilliseconds: 1000)
        #expect(isIn)
        #expect(throws: ScrapeFailure.self) { try scrape(&share, byteCount: 20 << 20, new: 75) }
        share.leave()
    }

    @Test("room for the largest known page is kept from new ones and from queries until its target is gone")
    func keptRoom() throws {
        let resident = Mutex(0)
        let room = ScrapeRoom(limitBytes: 200 << 20) { resident.withLock { $0 } }
        var small = ScrapeShare(room)
        var large = ScrapeShare(room)
        try scrape(&small, byteCount: 1000)
        #expect(room.keptBytes == 0)
        try scrape(&large, byteCount: 40 << 20)
        #expect((49 << 20...50 << 20).contains(room.keptBytes), "with what grows beside it")
        resident.withLock { $0 = 110 << 20 }
        #expect((9 << 20...11 << 20).contains(room.bodyLimit((64 << 20, "built-in"), nanoseconds: 1 << 40).bytes))
        try scrape(&large, byteCount: 40 << 20, new: 100)
        #expect((49 << 20...50 << 20).contains(room.keptBytes), "a page whose lines are learned again stays known")
        var new = ScrapeShare(room)
        let isIn = new.enterNew(byteCount: 20 << 20)
        #expect(!isIn)
        #expect(throws: ScrapeFailure.self) { try scrape(&new, byteCount: 20 << 20, new: 100) }
        large.close()
        #expect(room.keptBytes == 0)
        try scrape(&new, byteCount: 20 << 20, new: 100)
    }

    @Test("a known page that waits for a quarter of its timeout is told to those who can give something back")
    func complaint() throws {
        let resident = Mutex(0)
        let room = ScrapeRoom(limitBytes: 200 << 20) { resident.withLock { $0 } }
        var share = ScrapeShare(room)
        try scrape(&share, byteCount: 20 << 20)
        resident.withLock { $0 = 190 << 20 }
        for (milliseconds, isWaiting) in [(UInt64(1000), false), (1200, false), (1260, true), (1500, true)] {
            let isIn = share.enter(nanoseconds: milliseconds * 1_000_000, timeoutMilliseconds: 1000)
            #expect(!isIn)
            #expect(room.isAnyPageWaiting == isWaiting, "\(milliseconds)")
        }
        resident.withLock { $0 = 150 << 20 }
        let isIn = share.enter(nanoseconds: 1_600_000_000, timeoutMilliseconds: 1000)
        #expect(isIn && !room.isAnyPageWaiting)
    }
}
