import Glibc
import MetricModel
import Storage

/// The names of partition files: first and last sample in UTC, so that a listing is in order of time.
enum PartitionName {
    /// `2026-11-23T14.00.00-2026-11-23T15.59.45`, seconds rounded down.
    static func make(start: Int64, end: Int64) -> String { text(start) + "-" + text(end) }

    private static func text(_ milliseconds: Int64) -> String {
        let date = CivilDate(Timestamp(milliseconds: milliseconds))
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        return
            "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(date.hour)).\(two(date.minute)).\(two(date.second))"
    }
}

/// Files that are there whole or not at all.
enum DurableFile {
    /// Syncs a finished file, gives it its name, and syncs the folder so that the name lasts.
    static func publish(_ temporaryPath: String, as path: String, in folder: String) throws(StorageError) {
        try sync(temporaryPath)
        guard unsafe rename(temporaryPath, path) == 0 else { throw systemError(path) }
        try sync(folder)
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
