/// What one target takes of the room for scrapes: it remembers how much of its page was known the last time.
///
/// A large page that is known is let in before it is fetched, and waits for other such pages where there is no room for
/// both, so that known series keep flowing one page after the other. What is new is judged when it is there.
struct ScrapeShare {
    private let room: ScrapeRoom?
    /// Of the last page that went in whole, the part whose series were there before.
    private(set) var knownBytes = 0
    private var heldBytes = 0

    init(_ room: ScrapeRoom?) { self.room = room }

    /// Whether the page may be fetched now; `leave()` ends what begins with true.
    mutating func enter() -> Bool {
        guard let room, knownBytes > ScrapeRoom.smallBodyBytes else { return true }
        leave()
        guard room.enter(byteCount: knownBytes) else { return false }
        heldBytes = knownBytes
        return true
    }

    mutating func leave() {
        guard heldBytes > 0 else { return }
        room?.leave(byteCount: heldBytes)
        heldBytes = 0
    }

    /// Why a page that waited as long as it may was not fetched.
    var failure: ScrapeFailure { .bodyTooLarge(limitName: ScrapeRoom.limitName, limitBytes: knownBytes / 2) }

    /// The largest body that may come at a time of the monotonic clock.
    func bodyLimit(_ limit: (bytes: Int, name: String), nanoseconds: UInt64) -> (bytes: Int, name: String) {
        guard let room else { return limit }
        let judged = room.bodyLimit(limit, nanoseconds: nanoseconds)
        // A page grows by a digit here and there.
        let known = heldBytes + heldBytes / 4
        return judged.bytes < known ? (min(known, limit.bytes), known < limit.bytes ? judged.name : limit.name) : judged
    }

    /// Runs `body` where there is room for what becomes of a page of so many bytes, and remembers what was known of it.
    mutating func ingesting(
        byteCount: Int, _ report: inout ScrapeReport, _ body: (inout ScrapeReport) throws(ScrapeFailure) -> Void
    ) throws(ScrapeFailure) {
        guard let room else { return try body(&report) }
        try room.ingesting(byteCount: byteCount, knownBytes: knownBytes, heldBytes: heldBytes) {
            () throws(ScrapeFailure) in try body(&report)
        }
        let new = min(report.samplesScraped, report.seriesAdded + report.samplesWithoutRoom)
        knownBytes = byteCount / max(1, report.samplesScraped) * (report.samplesScraped - new)
    }
}
