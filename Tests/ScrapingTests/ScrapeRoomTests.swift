import Synchronization
import Testing

@testable import Scraping

@Suite("Room for scrapes")
struct ScrapeRoomTests {
    @Test("the limit of a body is what the memory that is left has room for, and never above the configured one")
    func limits() {
        let resident = Mutex(100 << 20)
        let room = ScrapeRoom(limitBytes: 200 << 20) { resident.withLock { $0 } }
        #expect(room.bodyLimit((10 << 20, "body_size_limit")) == (10 << 20, "body_size_limit"))
        #expect(room.bodyLimit((64 << 20, "built-in")) == (25 << 20, ScrapeRoom.limitName))
        resident.withLock { $0 = 300 << 20 }
        #expect(room.bodyLimit((64 << 20, "built-in")).bytes == ScrapeRoom.smallBodyBytes)
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
