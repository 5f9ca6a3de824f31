import Bytes
import SQLite
import Storage
import Synchronization
import Threads

/// What a thread beside the one that reads the definitions made of a journal's batches.
struct RestoredRows: Sendable {
    /// A record that is not a row of a lane: it needs its series.
    struct Record: Sendable {
        var kind: JournalRecord.Kind
        var lane: UInt32
        var second: UInt64
        var bytes: Range<Int>
    }

    var lanes: [UInt32: ReplayedRows] = [:]
    var rowCount = 0
    var byteCount = 0
    /// In the order of the journal, for whoever has the series.
    private(set) var records: [Record] = []
    /// Their bytes, one after the other.
    private(set) var recordBytes: [UInt8] = []
    /// The number of the first batch that was not read.
    var nextBatch: Int64 = 0

    /// Takes a batch over; false where anything in it is not as it should be.
    mutating func read(_ blob: UnsafeRawBufferPointer) -> Bool {
        guard unsafe JournalRecord.fault(in: blob) == nil else { return false }
        var isSound = true
        let isWhole = unsafe JournalRecord.forEach(in: blob) { kind, body in
            guard let (number, second, rest) = unsafe JournalRecord.parts(of: body) else {
                isSound = false
                return
            }
            switch kind {
            case .row: if unsafe !readRow(rest, lane: number, index: Int(clamping: second)) { isSound = false }
            case .loose, .runs, .cut:
                let start = recordBytes.count
                unsafe recordBytes.append(contentsOf: rest)
                records.append(Record(kind: kind, lane: number, second: second, bytes: start..<recordBytes.count))
            case .lane, .slots, .series: isSound = false
            }
        }
        return isWhole && isSound
    }

    private mutating func readRow(_ row: UnsafeRawBufferPointer, lane: UInt32, index: Int) -> Bool {
        guard let header = unsafe RowHeader(row),
            unsafe lanes[lane, default: ReplayedRows()].append(row, header: header, index: index)
        else { return false }
        rowCount += 1
        byteCount += row.count
        return true
    }
}

/// Reads the rows of a journal on a thread and a connection of its own, while the definitions are read.
///
/// It answers only for a journal in which everything is as it should be: of any other it gives nothing, and whoever started
/// it reads the batches in their order behind the definitions, and names what is wrong.
final class RowRestoration {
    private final class Result: Sendable {
        let rows = Mutex<RestoredRows?>(nil)
    }

    /// The most that is kept of records that wait for their series; what comes behind is read when they are there.
    private static let waitingByteLimit = 8 << 20

    private let result = Result()
    private var thread: OwnThread?

    init(_ file: JournalFile) {
        thread = OwnThread(name: "lapwing-rows") { [result] in
            let rows = Self.read(file)
            result.rows.withLock { $0 = rows }
        }
    }

    deinit { thread.take()?.join() }

    /// What was read, nil where that is no good; waits until it is there.
    func finish() -> RestoredRows? {
        thread.take()?.join()
        return result.rows.withLock { $0.take() }
    }

    private static func read(_ file: JournalFile) -> RestoredRows? {
        var rows = RestoredRows()
        var isSound = true
        do throws(StorageError) {
            unsafe try file.forEachBatchApart { id, blob in
                rows.nextBatch = id
                guard rows.recordBytes.count < waitingByteLimit else { return false }
                isSound = unsafe rows.read(blob)
                rows.nextBatch = id + 1
                return isSound
            }
        } catch {
            return nil
        }
        return isSound ? rows : nil
    }
}
