import Glibc
import MetricModel

/// Reads the target groups of a file; what it throws is shown as the reason.
///
/// JSON is YAML, so one reader does both.
package typealias TargetFileReader = @Sendable (_ bytes: [UInt8], _ path: String) throws -> [TargetGroup]

/// The files of one `file_sd_configs` entry and what they said last.
///
/// Files are looked at by name, time and size every few seconds and read again when these changed, or when the refresh
/// interval has passed. A file that cannot be read or understood keeps its last good content; one that is gone takes its
/// targets with it.
struct FileDiscovery: Sendable {
    /// What tells one content of a file from another without reading it.
    private struct Stamp: Sendable, Hashable {
        var seconds: Int
        var nanoseconds: Int
        var size: Int
        var inode: UInt64
    }

    private struct KnownFile: Sendable {
        var stamp: Stamp?
        var groups: [TargetGroup] = []
        var problem: String?
    }

    let settings: FileDiscoverySettings
    private var files: [String: KnownFile] = [:]
    private var order: [String] = []
    private var lastFullRead: Timestamp?

    init(settings: FileDiscoverySettings) { self.settings = settings }

    /// The groups of all files, in order of path.
    var groups: [TargetGroup] { order.flatMap { files[$0]?.groups ?? [] } }

    /// What is wrong with files right now.
    var problems: [String] { order.compactMap { files[$0]?.problem } }

    /// Looks at the files; true when groups or problems may have changed.
    mutating func poll(now: Timestamp, reader: TargetFileReader) -> Bool {
        let sinceFullRead = lastFullRead.map { now.milliseconds &- $0.milliseconds }
        let isDue = sinceFullRead.map { $0 < 0 || $0 >= settings.refreshIntervalMilliseconds } ?? true
        if isDue { lastFullRead = now }
        let paths = Self.expand(settings.paths)
        var hasChanged = paths != order
        order = paths
        files = files.filter { paths.contains($0.key) }
        for path in paths {
            let stamp = Self.stamp(of: path)
            let known = files[path]
            if !isDue, let known, known.stamp == stamp, stamp != nil { continue }
            var file = known ?? KnownFile()
            let previousGroups = file.groups
            let previousProblem = file.problem
            file.stamp = stamp
            do {
                let groups = try reader(try Self.read(path), path)
                file.groups = groups.enumerated().map { Self.marked($1, path: path, index: $0) }
                file.problem = nil
            } catch {
                file.problem = "\(path): \(error)"
            }
            if file.groups != previousGroups || file.problem != previousProblem { hasChanged = true }
            files[path] = file
        }
        return hasChanged
    }

    /// The group with the label that names its file.
    private static func marked(_ group: TargetGroup, path: String, index: Int) -> TargetGroup {
        var labels = LabelSetBuilder(group.labels)
        labels.set(TargetLabel.filePath, to: path)
        return TargetGroup(targets: group.targets, labels: labels.build(), source: "\(path):\(index)")
    }

    /// The paths that the patterns name now, sorted, each once.
    ///
    /// A pattern without wildcards names its file even when it is not there, so that its absence is shown.
    private static func expand(_ patterns: [String]) -> [String] {
        var found: Set<String> = []
        for pattern in patterns {
            guard pattern.utf8.contains(where: { "*?[".utf8.contains($0) }) else {
                found.insert(pattern)
                continue
            }
            var result = unsafe glob_t()
            if unsafe glob(pattern, 0, nil, &result) == 0 {
                for index in 0..<Int(unsafe result.gl_pathc) {
                    if let path = unsafe result.gl_pathv[index] { found.insert(unsafe String(cString: path)) }
                }
            }
            unsafe globfree(&result)
        }
        return found.sorted()
    }

    private static func stamp(of path: String) -> Stamp? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Stamp(
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, size: Int(status.st_size),
            inode: UInt64(status.st_ino))
    }

    private static func read(_ path: String) throws(FileDiscoveryError) -> [UInt8] {
        try FileContent.read(path, limitBytes: ScrapeSafety.discoveryFileBytes)
    }
}

/// Why a file with targets or credentials could not be read.
package enum FileDiscoveryError: Error, Sendable, Hashable {
    case unreadable(errno: Int32)
    case tooLarge(limitBytes: Int)
}

extension FileDiscoveryError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let number): unsafe String(cString: strerror(number))
        case .tooLarge(let limit): "larger than \(limit) bytes"
        }
    }
}

/// Whole small files.
enum FileContent {
    static func read(_ path: String, limitBytes: Int) throws(FileDiscoveryError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(errno: errno) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &block, block.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(errno: errno) }
            if count == 0 { return content }
            guard content.count + count <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
            content.append(contentsOf: block[..<count])
        }
    }
}
