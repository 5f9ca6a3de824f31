import Bytes
import Logging
import SQLite
import Storage
import Synchronization

/// The file that makes appends last: `journal.sqlite`, written by one thread in groups.
///
///     definition(id, lane, data)   what the lanes are and which series their slots mean; kept while the lane lives
///     batch(id, data)              rows and loose samples in the order in which they came; deleted when sealed
///     quarantine(id, reason, data) batches and definitions that could not be read
///
/// Writers append to a buffer in memory; the thread gathers what comes within the commit interval and writes it as one
/// row in one transaction. Batch numbers only grow. The thread lives until `close()`. A batch that the disk does not take waits and is tried again.
@safe final class Journal: @unchecked Sendable {
    /// What goes into one transaction.
    struct Batch {
        var id: Int64
        var definitions: [(lane: UInt32, record: [UInt8])] = []
        var blob: [UInt8] = []
        var byteCount: Int { blob.count + definitions.reduce(0) { $0 + $1.record.count } }
    }

    /// How the journal is doing, for the status pages.
    struct Status: Sendable {
        var committedBatches: UInt64 = 0
        var committedBytes: UInt64 = 0
        var backlogBytes = 0
        var failedCommits: UInt64 = 0
        var lastFailure: String?
    }

    static let retryMilliseconds: Int64 = 1000

    private let monitor = Monitor()
    private let file: JournalFile
    private let logger: Logger
    private let commitIntervalNanoseconds: UInt64
    private let backlogLimitBytes: Int
    /// True while appends must be refused: read without the lock.
    let isOverLimit = Atomic<Bool>(false)

    // All of these are protected by `monitor`.
    private var pending: Batch
    private var firstArrival: UInt64 = 0
    private var closed: [Batch] = []
    private var spareBlob: [UInt8] = []
    private var isWriting = false
    private var isStopping = false
    private var isHurried = false
    private var status = Status()
    private var thread: BackgroundThread?

    init(file: JournalFile, nextBatch: Int64, settings: DatabaseSettings, logger: Logger) {
        self.file = file
        self.logger = logger
        commitIntervalNanoseconds = UInt64(max(1, settings.commitIntervalMilliseconds)) * 1_000_000
        backlogLimitBytes = settings.journalBacklogLimitBytes
        pending = Batch(id: nextBatch)
        thread = BackgroundThread(name: "lapwing-journal") { while self.writeOnce() {} }
    }

    var currentStatus: Status { monitor.withLock { status } }

    // MARK: Appending

    func appendDefinition(lane: UInt32, _ record: [UInt8]) {
        monitor.withLock {
            pending.definitions.append((lane, record))
            didAppend(record.count)
        }
    }

    func appendRow(lane: UInt32, index: Int, bytes: UnsafeRawBufferPointer) {
        monitor.withLock {
            startBlob()
            let before = pending.blob.count
            unsafe JournalRecord.append(
                .row, numbers: UInt64(lane), UInt64(index), bytes: bytes, to: &pending.blob)
            didAppend(pending.blob.count - before)
        }
    }

    func appendLoose(
        lane: UInt32, generation: UInt64, parts: [UInt8], kind: JournalRecord.Kind = .loose
    ) {
        monitor.withLock {
            startBlob()
            let before = pending.blob.count
            unsafe parts.withUnsafeBytes { bytes in
                unsafe JournalRecord.append(
                    kind, numbers: UInt64(lane), generation, bytes: bytes, to: &pending.blob)
            }
            didAppend(pending.blob.count - before)
        }
    }

    private func startBlob() {
        if pending.blob.isEmpty { pending.blob.append(contentsOf: JournalRecord.emptyHeader) }
    }

    private func didAppend(_ byteCount: Int) {
        if firstArrival == 0 {
            firstArrival = Monitor.monotonicNanoseconds
            monitor.signalAll()
        }
        status.backlogBytes += byteCount
        if status.backlogBytes > backlogLimitBytes { isOverLimit.store(true, ordering: .relaxed) }
    }

    // MARK: Cutting and truncating

    /// Ends the pending batch; all that was appended before stands in batches below the number returned.
    func cut() -> Int64 {
        monitor.withLock {
            closePending()
            return pending.id
        }
    }

    private func closePending() {
        guard firstArrival != 0 else { return }
        closed.append(pending)
        pending = Batch(id: pending.id + 1, blob: spareBlob)
        spareBlob = []
        firstArrival = 0
    }

    /// Deletes batches below a number and the definitions of lanes that have ended.
    func truncate(before batch: Int64, endedLanes: [UInt32]) throws(StorageError) {
        try file.truncate(before: batch, endedLanes: endedLanes)
    }

    /// What the journal's files take on the disk.
    var fileByteCount: Int {
        (FileStatus(file.path)?.byteCount ?? 0) + (FileStatus(file.path + "-wal")?.byteCount ?? 0)
    }

    // MARK: Waiting

    /// Waits until everything appended before is in the file; throws when the disk does not take it.
    func flush() throws(StorageError) {
        let failure: StorageError? = monitor.withLock {
            closePending()
            let target = pending.id
            let failuresBefore = status.failedCommits
            isHurried = true
            monitor.signalAll()
            while closed.first.map({ $0.id < target }) ?? false || isWriting {
                if status.failedCommits != failuresBefore {
                    return .inputOutput(path: file.path, reason: status.lastFailure ?? "unknown")
                }
                monitor.wait()
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// Writes what waits and ends the thread.
    ///
    /// Nothing may be appended afterwards.
    func close() {
        monitor.withLock {
            isStopping = true
            monitor.signalAll()
        }
        thread?.join()
        file.close()
    }

    // MARK: The thread

    /// Waits for a batch and writes it; false when the thread shall end.
    private func writeOnce() -> Bool {
        let batch: Batch? = monitor.withLock {
            while closed.isEmpty && firstArrival == 0 && !isStopping { monitor.wait() }
            while closed.isEmpty, firstArrival != 0, !isStopping, !isHurried {
                let deadline = firstArrival + commitIntervalNanoseconds
                if Monitor.monotonicNanoseconds >= deadline { break }
                monitor.wait(untilMonotonicNanoseconds: deadline)
            }
            if closed.isEmpty { closePending() }
            isHurried = false
            guard !closed.isEmpty else { return nil }
            isWriting = true
            return closed.removeFirst()
        }
        guard var batch else { return false }
        do {
            try file.write(&batch)
            finish(batch)
            return true
        } catch {
            return retry(batch, after: error)
        }
    }

    private func finish(_ batch: Batch) {
        monitor.withLock {
            isWriting = false
            status.committedBatches += 1
            status.committedBytes += UInt64(batch.byteCount)
            status.backlogBytes = pending.byteCount + closed.reduce(0) { $0 + $1.byteCount }
            status.lastFailure = nil
            if status.backlogBytes <= backlogLimitBytes { isOverLimit.store(false, ordering: .relaxed) }
            if spareBlob.isEmpty, batch.blob.capacity <= 4 << 20 {
                spareBlob = batch.blob
                spareBlob.removeAll(keepingCapacity: true)
            }
            monitor.signalAll()
        }
    }

    private func retry(_ batch: Batch, after error: StorageError) -> Bool {
        let isFirst = monitor.withLock {
            isWriting = false
            closed.insert(batch, at: 0)
            status.failedCommits += 1
            let isFirst = status.lastFailure == nil
            status.lastFailure = error.description
            monitor.signalAll()
            return isFirst
        }
        if isFirst {
            logger.error("the journal cannot be written; it is tried again", metadata: ["error": "\(error)"])
        }
        return monitor.withLock {
            if isStopping { return false }
            let deadline = Monitor.monotonicNanoseconds + UInt64(Self.retryMilliseconds) * 1_000_000
            while !isStopping, Monitor.monotonicNanoseconds < deadline {
                monitor.wait(untilMonotonicNanoseconds: deadline)
            }
            return true
        }
    }
}
