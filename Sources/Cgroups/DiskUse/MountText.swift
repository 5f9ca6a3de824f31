/// One line of a mount table (`/proc/PID/mountinfo`, see proc_pid_mountinfo(5)).
struct MountEntry: Equatable, Sendable {
    /// The number of the device, major in the upper half.
    var device: UInt64
    /// The folder of the file system that is mounted.
    var root: String
    var point: String
    var type: String
    var source: String
    /// The folder that takes what is written, of an overlay.
    var upperFolder: String?

    /// Whether reading it may wait for another machine or another process.
    var isRemote: Bool { Self.isRemote(type: type) }

    static func isRemote(type: String) -> Bool {
        type.hasPrefix("fuse") && type != "fuseblk" || remoteTypes.contains(type)
    }

    private static let remoteTypes: Set<String> = [
        "9p", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs",
    ]
}

/// Reads mount tables as bytes.
enum MountText {
    /// Lines taken from one table at most.
    static let maximumEntries = 20_000

    /// The mounts of a table in its order; lines that are none are passed over.
    static func parse(_ bytes: [UInt8]) -> [MountEntry] {
        var entries: [MountEntry] = []
        for line in bytes.split(separator: KernelText.newline) {
            guard entries.count < maximumEntries else { break }
            let fields = line.split(separator: KernelText.space, maxSplits: 64)
            guard let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }), dash >= 6,
                fields.count > dash + 2
            else { continue }
            let number = Array(fields[2])
            var position = 0
            guard let device = BlockText.deviceNumber(number.span, at: &position) else { continue }
            var entry = MountEntry(
                device: device, root: text(fields[3]), point: text(fields[4]), type: text(fields[dash + 1]),
                source: text(fields[dash + 2]))
            if entry.type == "overlay", fields.count > dash + 3 {
                // Commas inside a value stand as octal digits, see seq_show_option in the kernel.
                let key = Array("upperdir=".utf8)
                let options = fields[dash + 3].split(separator: UInt8(ascii: ","))
                entry.upperFolder = options.first { $0.starts(with: key) }.map { text($0.dropFirst(key.count)) }
            }
            entries.append(entry)
        }
        return entries
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: MachineFilesystems.unescaped(Array(field)), as: UTF8.self)
    }
}

/// The mounts of the host, asked where a path lies.
struct HostMounts: Sendable {
    private let entries: [MountEntry]

    init(_ entries: [MountEntry] = []) { self.entries = entries }

    /// The mount that a path lies on: the longest of those above it, the last of those at one place.
    func mount(of path: String) -> MountEntry? {
        var best: MountEntry?
        for entry in entries where Self.isAt(path, orBelow: entry.point) {
            if entry.point.utf8.count >= best?.point.utf8.count ?? 0 { best = entry }
        }
        return best
    }

    /// Whether something is mounted at the path itself.
    func isPoint(_ path: String) -> Bool { entries.contains { $0.point == path } }

    /// The mount points below a path.
    func points(below path: String) -> [String] {
        entries.map(\.point).filter { $0 != path && Self.isAt($0, orBelow: path) }
    }

    /// Where a folder of a file system is to be seen on the host; nil when it is not mounted there.
    func path(of root: String, device: UInt64) -> String? {
        for entry in entries where entry.device == device && Self.isAt(root, orBelow: entry.root) {
            let rest = root.utf8.dropFirst(entry.root == "/" ? 0 : entry.root.utf8.count)
            let point = entry.point == "/" ? "" : entry.point
            return point + String(decoding: Array(rest), as: UTF8.self)
        }
        return nil
    }

    private static func isAt(_ path: String, orBelow folder: String) -> Bool {
        folder == "/" || path == folder
            || path.utf8.starts(with: folder.utf8) && path.utf8.dropFirst(folder.utf8.count).first == UInt8(ascii: "/")
    }
}

/// What a container's own mount table tells of its files.
struct ContainerMounts: Equatable {
    /// A volume of Docker, Podman or nerdctl as the folder of a file system.
    struct Volume: Equatable {
        var name: String
        var device: UInt64
        var root: String
    }

    /// The folder that takes what the container writes, as it was given to mount(2): perhaps relative.
    var upperFolder: String?
    var volumes: [Volume] = []

    init(_ entries: [MountEntry]) {
        // The first at `/` may be covered by another.
        upperFolder = entries.last { $0.point == "/" }?.upperFolder
        for entry in entries {
            // …/volumes/NAME/_data, with nerdctl a namespace before the name.
            let parts = entry.root.split(separator: "/")
            guard parts.count >= 3, parts.last == "_data", parts.dropLast(2).suffix(2).contains("volumes") else {
                continue
            }
            let volume = Volume(name: String(parts[parts.count - 2]), device: entry.device, root: entry.root)
            if !volumes.contains(volume) { volumes.append(volume) }
        }
    }
}
