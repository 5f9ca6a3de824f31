/// What one target takes of the room for scrapes: it remembers how much of its page is known.
///
/// A large page that is known has precedence over new ones and over queries: room for it is kept (`ScrapeRoom.keptBytes`).
/// It takes that room when its answer begins, not while the target thinks, and where there is none for two such pages the
/// answers wait for each other in the kernel's buffers, so that known series keep flowing one page after the other.
struct ScrapeShare {
    /// A page grows by a digit here and there: another size is told to the room when it differs by more than this part.
    private static let toleratedPart = 16
    /// After this part of its timeout a page that waits is told to those who may give something back.
    private static let patientPart: Int64 = 4

    private let room: ScrapeRoom?
    /// Of the last page that went in whole, the part that will not be new when it comes again.
    private(set) var knownBytes = 0
    private var toldBytes = 0
    private var heldBytes = 0
    private var waitingSince: UInt64?
    private var isComplaining = false

    init(_ room: ScrapeRoom?) { self.room = room }

    /// Whether a page like the last one may be read only after `enter`.
    var needsAdmission: Bool { room != nil && knownBytes > ScrapeRoom.smallBodyBytes }

    /// Whether the page may be read now; `leave()` ends what begins with true.
    mutating func enter(nanoseconds: UInt64, timeoutMilliseconds: Int64) -> Bool {
        guard let room, needsAdmission else { return true }
        giveBack()
        if room.enter(byteCount: knownBytes) {
            heldBytes = knownBytes
            stopWaiting()
            return true
        }
        let since = waitingSince ?? nanoseconds
        waitingSince = since
        if !isComplaining, nanoseconds &- since > UInt64(timeoutMilliseconds / Self.patientPart) * 1_000_000 {
            isComplaining = true
            room.noteWaiting(by: 1)
        }
        return false
    }

    /// Takes what a page of new series needs beside what the page has already; false where there is no room for that.
    mutating func enterNew(byteCount: Int) -> Bool {
        guard let room, byteCount > ScrapeRoom.smallBodyBytes else { return true }
        let growth = byteCount * (ScrapeRoom.growthFactor - 1)
        guard room.enterNew(growth: growth) else { return false }
        heldBytes += growth
        return true
    }

    mutating func leave() {
        giveBack()
        stopWaiting()
    }

    /// The target is gone: nothing is kept for its page any more.
    mutating func close() {
        leave()
        knownBytes = 0
        tell()
    }

    private mutating func giveBack() {
        guard heldBytes > 0 else { return }
        room?.leave(byteCount: heldBytes)
        heldBytes = 0
    }

    private mutating func stopWaiting() {
        waitingSince = nil
        if isComplaining { room?.noteWaiting(by: -1) }
        isComplaining = false
    }

    /// Why a page that waited as long as it may was not read.
    var failure: ScrapeFailure { .bodyTooLarge(limitName: ScrapeRoom.limitName, limitBytes: knownBytes / 2) }

    /// The largest body that may come at a time of the monotonic clock.
    func bodyLimit(_ limit: (bytes: Int, name: String), nanoseconds: UInt64) -> (bytes: Int, name: String) {
        guard let room else { return limit }
        let judged = room.bodyLimit(limit, nanoseconds: nanoseconds)
        let known = needsAdmission ? knownBytes + knownBytes / 4 : 0
        return judged.bytes < known ? (min(known, limit.bytes), known < limit.bytes ? judged.name : limit.name) : judged
    }

    /// Runs `body` where there is room for what becomes of a page of so many bytes, and remembers what is known of it.
    mutating func ingesting(
        byteCount: Int, _ report: inout ScrapeReport, _ body: (inout ScrapeReport) throws(ScrapeFailure) -> Void
    ) throws(ScrapeFailure) {
        guard let room else { return try body(&report) }
        try room.ingesting(byteCount: byteCount, knownBytes: knownBytes, heldBytes: heldBytes) {
            () throws(ScrapeFailure) in try body(&report)
        }
        // What comes when all lines are learned stays; what is new beside known lines is a sign of what will be on the next.
        let new = report.learnedAllLines ? 0 : min(report.samplesScraped, report.seriesAdded)
        knownBytes = byteCount / max(1, report.samplesScraped) * (report.samplesScraped - new)
        tell()
    }

    private mutating func tell() {
        let bytes = needsAdmission ? knownBytes : 0
        guard bytes == 0 ? toldBytes > 0 : abs(bytes - toldBytes) > toldBytes / Self.toleratedPart else { return }
        room?.noteKnown(bytes, insteadOf: toldBytes)
        toldBytes = bytes
    }
}
