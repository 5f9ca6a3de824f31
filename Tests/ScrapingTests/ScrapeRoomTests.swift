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
}
