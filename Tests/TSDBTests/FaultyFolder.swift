import FaultyDisk
import Glibc
import Storage
import TestSupport

@testable import TSDB

/// A folder on a disk that fails on demand and remembers what was asked of it (`Tests/FaultyDisk`).
@safe final class FaultyFolder: @unchecked Sendable {  // the disk has a lock of its own
    /// What a call does; the raw values are those of `faulty_disk.h`.
    struct Calls: OptionSet {
        let rawValue: Int32
        static let open = Calls(rawValue: 1)
        static let create = Calls(rawValue: 2)
        static let read = Calls(rawValue: 4)
        static let write = Calls(rawValue: 8)
        static let sync = Calls(rawValue: 16)
        static let name = Calls(rawValue: 32)
        static let lock = Calls(rawValue: 64)
        /// What a full disk refuses.
        static let space: Calls = [.create, .write]
        static let all: Calls = [.open, .create, .read, .write, .sync, .name, .lock]
    }

    let folder = TemporaryDirectory("lapwing-faulty")
    private let disk: OpaquePointer

    init(records: Bool = false) {
        guard let watched = unsafe faulty_disk_watch(folder.path, records) else {
            preconditionFailure("too many folders are watched")
        }
        unsafe disk = watched
    }

    deinit { unsafe faulty_disk_forget(disk) }

    /// The database's folder.
    var dataPath: String { folder.path + "/data" }

    /// Lets calls fail, after some that go well.
    func fail(_ calls: Calls, after skipped: Int = 0, count: Int = .max, with error: Int32) {
        unsafe faulty_disk_fail(disk, calls.rawValue, Int64(skipped), Int64(count), error)
    }

    func heal() { unsafe faulty_disk_heal(disk) }

    var failureCount: Int { unsafe Int(faulty_disk_failure_count(disk)) }

    func callCount(_ calls: Calls) -> Int { unsafe Int(faulty_disk_call_count(disk, calls.rawValue)) }

    /// The place in the record that stands for now: what was asked so far lies before it.
    func mark() -> Int { unsafe Int(faulty_disk_mark(disk, 0)) }

    var entryCount: Int { unsafe Int(faulty_disk_entry_count(disk)) }

    func entry(at index: Int) -> CrashReplay.Entry {
        let raw = unsafe faulty_disk_entry_at(disk, index)
        let path = unsafe raw.path.map { unsafe String(cString: $0) } ?? ""
        let data = unsafe UnsafeBufferPointer(start: raw.data, count: raw.data == nil ? 0 : raw.count)
        let file = unsafe raw.file
        let offset = unsafe Int(raw.offset)
        switch unsafe raw.kind {
        case 1: return .created(file, path)
        case 2: return .folder(path)
        case 3: return unsafe .wrote(file, offset: offset, Array(data))
        case 4: return .cut(file, length: offset)
        case 5: return .synced(file)
        case 6: return .syncedFolder(path)
        case 7: return unsafe .renamed(path, to: String(decoding: data.dropLast(), as: UTF8.self))
        case 8: return .removed(path)
        default: return .mark
        }
    }
}
