import Logging
import Storage
import Synchronization

/// Partition files that could not be opened and are left out of all answers: named in the state, and tried again.
///
/// SQLite calls a file damaged too when the disk does not give it (`SQLITE_IOERR_CORRUPTFS`), so nothing tells a disk that
/// will answer again from a file that never will.
final class UnreadablePartitions: Sendable {
    private let failures: Mutex<[String: StorageError]>

    init(_ failures: [String: StorageError]) { self.failures = Mutex(failures) }

    /// File and reason of each, in order of the names.
    var descriptions: [String] {
        failures.withLock { failures in
            failures.sorted { $0.key < $1.key }.map { name, error in
                switch error {
                case .corrupt(_, let reason), .inputOutput(_, let reason): "\(name): \(reason)"
                default: "\(name): \(error)"
                }
            }
        }
    }

    /// Adds a file that is left out from now on, under the name that it has now.
    func add(_ name: String, reason: String, path: String) {
        failures.withLock { $0[name] = .corrupt(path: path, what: reason) }
    }

    /// Opens those that can be opened now.
    func openAgain(in folder: PartitionFolder, logger: Logger) -> [PartitionReader] {
        let names = failures.withLock { $0.keys.filter { $0.hasSuffix(PartitionSchema.fileExtension) }.sorted() }
        var opened: [PartitionReader] = []
        for name in names {
            do throws(StorageError) {
                let reader = try folder.open(folder.path + "/" + name, logger: logger)
                failures.withLock { $0[name] = nil }
                logger.info("a partition can be read again", metadata: ["path": "\(reader.path)"])
                opened.append(reader)
            } catch {
                failures.withLock { $0[name] = error }
            }
        }
        return opened
    }
}
