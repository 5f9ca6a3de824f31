import Bytes
import Logging
import SQLite
import Storage
import Synchronization
import Threads

/// The file that makes appends last: `journal.sqlite`, written by one thread in groups.
///
///     definition(id, lane, data)   what the lanes are and which series their slots mean; kept while the lane lives
///     batch(id, data)              rows and loose samples in the order in which they came; deleted when sealed
///     quarantine(id, reason, data) batches and definitions that could not be read
///
/// Writers append to a buffer in memory; the thread gathers what comes within the commit interval and writes it as one
/// row in one transaction. A commit does not wait for the disk; the commits of a sync interval share one wait. Batch
/// numbers only grow. A batch that the disk does not take waits and is tried again. The thread lives until `close()`.
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
        /// Times that the log was put on the disk for good.
        var syncs: UInt64 = 0
        /// Commits and syncs that the disk did not take.
        var failures: UInt64 = 0
        var lastFailure: String?
        /// SQLite said that the file is damaged: it takes nothing more until a new one begins.
        var isDamaged = false
    }

    /// What the thread does next.
    private enum Task {
        case write(Batch)
        case synchronize
    }

    private let monitor = Monitor()
    let file: JournalFile
    let logger: Logger
    private let commitIntervalNanoseconds: UInt64
    private let syncIntervalNanoseconds: UInt64
    private let retryIntervalNanoseconds: UInt64
    private let backlogLimitBytes: Int
    /// True while appends must be refused: read without the lock.
    let isOverLimit = Atomic<Bool>(false)

    // All of these are protected by `monitor`.
    private var pending: Batch
    private var firstArrival: UInt64 = 0
    private var closed: [Batch] = []
    private var spareBlob: [UInt8] = []
    /// The next batch begins with the record of a cut.
    private var isCutToTell = false
    private var isWriting = false
    /// When the oldest commit was made that a loss of power may take back; 0 where there is none.
    private var oldestUnsynced: UInt64 = 0
    private var isSyncWanted = false
    private var isStopping = false
    /// Nothing is written while the file is replaced.
    private var isPaused = false
    private var status = Status()
    private var thread: OwnThread?

    init(file: JournalFile, nextBatch: Int64, settings: DatabaseSettings, logger: Logger) {
        self.file = file
        self.logger = logger
        commitIntervalNanoseconds = UInt64(max(1, settings.commitIntervalMilliseconds)) * 1_000_000
        syncIntervalNanoseconds = UInt64(max(1, settings.syncIntervalMilliseconds)) * 1_000_000
        retryIntervalNanoseconds = UInt64(max(1, settings.retryIntervalMilliseconds)) * 1_000_000
        backlogLimitBytes = settings.journalBacklogLimitBytes
        pending = Batch(id: nextBatch)
        thread = OwnThread(name: "lapwing-journal") { while self.workOnce() {} }
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
        guard pending.blob.isEmpty else { return }
        pending.blob.append(contentsOf: JournalRecord.emptyHeader)
        guard isCutToTell else { return }
        isCutToTell = false
        unsafe JournalRecord.append(
            .cut, numbers: 0, 0, bytes: UnsafeRawBufferPointer(start: nil, count: 0), to: &pending.blob)
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
            // Needed when the batches before are still there at the next start, because sealing failed or did not end.
            isCutToTell = true
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

    // MARK: Replacing the file

    func updateStatus(_ body: (inout Status) -> Void) { monitor.withLock { body(&status) } }

    /// Returns when nothing is being written; nothing will be until `resume`.
    func pause() {
        monitor.withLock {
            isPaused = true
            while isWriting { monitor.wait() }
        }
    }

    func resume() {
        monitor.withLock {
            isPaused = false
            monitor.signalAll()
        }
    }

    /// Keeps the batches from a number on, with definitions of all lanes before them in place of their own.
    func keepWaiting(from batch: Int64, behind definitions: [(lane: UInt32, record: [UInt8])]) {
        monitor.withLock {
            closed.removeAll { $0.id < batch }
            for index in closed.indices { closed[index].definitions = [] }
            pending.definitions = []
            closed.insert(Batch(id: 0, definitions: definitions), at: 0)
            status.isDamaged = false
            status.backlogBytes = pending.byteCount + closed.reduce(0) { $0 + $1.byteCount }
        }
    }

    // MARK: Waiting

    /// Waits until everything appended before is in the file, and with `synchronizing` until it survives a loss of power;
    /// throws when the disk does not take it.
    func flush(synchronizing: Bool = false) throws(StorageError) {
        let failure: StorageError? = monitor.withLock {
            closePending()
            let target = pending.id
            let failuresBefore = status.failures
            if synchronizing { isSyncWanted = true }
            monitor.signalAll()
            while closed.first.map({ $0.id < target }) ?? false || isWriting || (synchronizing && oldestUnsynced != 0) {
                if status.failures != failuresBefore {
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
        thread.take()?.join()
        file.close()
    }

    // MARK: The thread

    /// Waits for something to do and does it; false when the thread shall end.
    private func workOnce() -> Bool {
        switch monitor.withLock({ nextTask() }) {
        case .write(var batch):
            do throws(StorageError) {
                try file.write(&batch)
                finish(batch)
            } catch {
                monitor.withLock { closed.insert(batch, at: 0) }
                return waitAfter(error)
            }
        case .synchronize:
            do throws(StorageError) {
                try file.synchronize()
                finishSync()
            } catch {
                return waitAfter(error)
            }
        case nil: return false
        }
        return true
    }

    /// Waits until a batch or a sync is due; nil when the thread shall end.
    ///
    /// Called with the lock.
    private func nextTask() -> Task? {
        while true {
            guard !isPaused else {
                monitor.wait()
                continue
            }
            let now = Monitor.monotonicNanoseconds
            let isCommitDue = firstArrival != 0 && now >= firstArrival + commitIntervalNanoseconds
            if isCommitDue || isStopping, closed.isEmpty { closePending() }
            let isSyncDue = oldestUnsynced != 0 && (isSyncWanted || now >= oldestUnsynced + syncIntervalNanoseconds)
            // Before a sync that somebody waits for comes what was appended before it.
            if !closed.isEmpty, isSyncWanted || !isSyncDue {
                isWriting = true
                return .write(closed.removeFirst())
            }
            if isSyncDue {
                isWriting = true
                return .synchronize
            }
            isSyncWanted = false
            if isStopping { return nil }
            var deadline = UInt64.max
            if firstArrival != 0 { deadline = firstArrival + commitIntervalNanoseconds }
            if oldestUnsynced != 0 { deadline = min(deadline, oldestUnsynced + syncIntervalNanoseconds) }
            if deadline == .max { monitor.wait() } else { monitor.wait(untilMonotonicNanoseconds: deadline) }
        }
    }

    private func finish(_ batch: Batch) {
        monitor.withLock {
            isWriting = false
            if oldestUnsynced == 0 { oldestUnsynced = Monitor.monotonicNanoseconds }
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

    private func finishSync() {
        monitor.withLock {
            isWriting = false
            oldestUnsynced = 0
            isSyncWanted = false
            status.syncs += 1
            status.lastFailure = nil
            monitor.signalAll()
        }
    }

    /// Notes a failure and waits before the next attempt; false when the thread shall end.
    private func waitAfter(_ error: StorageError) -> Bool {
        let isFirst = monitor.withLock {
            isWriting = false
            isSyncWanted = false
            status.failures += 1
            let isFirst = status.lastFailure == nil
            status.lastFailure = error.description
            if case .corrupt = error { status.isDamaged = true }
            monitor.signalAll()
            return isFirst
        }
        if isFirst {
            logger.error("the journal cannot be written; it is tried again", metadata: ["error": "\(error)"])
        }
        return monitor.withLock {
            let deadline = Monitor.monotonicNanoseconds + retryIntervalNanoseconds
            while !isStopping, Monitor.monotonicNanoseconds < deadline {
                monitor.wait(untilMonotonicNanoseconds: deadline)
            }
            return !isStopping
        }
    }
}
