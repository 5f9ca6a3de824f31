import Glibc
import Storage

/// Files and folders that are there whole or not at all, a loss of power included.
enum DurableFile {
    /// Syncs a finished file, gives it its name, and syncs the folder so that the name lasts.
    static func publish(_ temporaryPath: String, as path: String, in folder: String) throws(StorageError) {
        try sync(temporaryPath)
        guard unsafe rename(temporaryPath, path) == 0 else { throw systemError(path) }
        try sync(folder)
    }

    /// Makes a folder whose name lasts; nothing where it is there already.
    static func makeFolder(_ path: String) throws(StorageError) {
        if let status = FileStatus(path) {
            guard status.isFolder else { throw .inputOutput(path: path, reason: "is not a folder") }
            return
        }
        guard unsafe mkdir(path, 0o755) == 0 else { throw systemError(path) }
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try sync(path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent)
    }

    /// Waits until a file or folder is on the disk.
    static func sync(_ path: String) throws(StorageError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError(path) }
    }

    private static func systemError(_ path: String) -> StorageError {
        .inputOutput(path: path, reason: unsafe String(cString: strerror(errno)))
    }
}
