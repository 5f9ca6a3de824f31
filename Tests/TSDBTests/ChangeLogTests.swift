import Storage
import Testing

@testable import TSDB

@Suite("Changes between views")
struct ChangeLogTests {
    @Test("a later view learns of the earliest time that was touched")
    func earliest() {
        let log = ChangeLog()
        let first = log.position
        #expect(log.earliestChange(since: first) == .max)
        log.end(log.begin(earliest: 500))
        let second = log.position
        log.end(log.begin(earliest: 900))
        #expect(log.earliestChange(since: first) == 500)
        #expect(log.earliestChange(since: second) == 900)
        #expect(log.earliestChange(since: log.position) == .max)
    }

    @Test("an append in flight belongs to the changes behind a view")
    func inFlight() {
        let log = ChangeLog()
        let ticket = log.begin(earliest: 100)
        let during = log.position
        for _ in 0..<9000 { log.end(log.begin(earliest: 5000)) }
        log.end(ticket)
        #expect(log.earliestChange(since: during) == 100)
        #expect(log.earliestChange(since: log.position) == .max)
    }

    @Test("what was forgotten and what belongs to another store is unknown")
    func unknown() {
        let log = ChangeLog()
        let start = log.position
        for _ in 0..<400_000 { log.end(log.begin(earliest: 5000)) }
        #expect(log.earliestChange(since: start) == nil)
        #expect(log.earliestChange(since: ChangeLog().position) == nil)
    }
}
