import Glibc

/// What the file system says about a path.
struct FileStatus {
    let byteCount: Int
    let isFolder: Bool

    /// Nil where there is nothing.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        byteCount = Int(status.st_size)
        isFolder = status.st_mode & S_IFMT == S_IFDIR
    }
}
