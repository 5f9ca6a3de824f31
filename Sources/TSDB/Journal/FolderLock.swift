import Glibc
import Storage
import Synchronization

/// The hold of one process on a data folder: `flock` on a file in it that names the holder.
///
/// The kernel lets go of it when the process ends, however that happens.
final class FolderLock: Sendable {
    /// -1 once the lock was let go.
    private let descriptor: Mutex<Int32>

    /// Takes the lock, or says who has it.
    init(folder: String) throws(StorageError) {
        let path = folder + "/lock"
        let opened = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else {
            throw StorageError.inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = unsafe text.withUnsafeMutableBytes { unsafe pread(opened, $0.baseAddress, $0.count, 0) }
            let holder = String(decoding: text.prefix(max(0, count)).prefix { $0 > 32 }, as: UTF8.self)
            Glibc.close(opened)
            throw StorageError.folderInUse(path: folder, by: holder.isEmpty ? "another process" : "process \(holder)")
        }
        var text = Array("\(getpid())\n".utf8)
        ftruncate(opened, 0)
        _ = unsafe text.withUnsafeMutableBytes { unsafe pwrite(opened, $0.baseAddress, $0.count, 0) }
        descriptor = Mutex(opened)
    }

    deinit { release() }

    /// Lets go of the folder.
    func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 {
                // A process that is just being started holds a copy of the descriptor until it runs its own program.
                flock(descriptor, LOCK_UN)
                Glibc.close(descriptor)
            }
            descriptor = -1
        }
    }
}
