import Glibc

/// Which resource controllers a hierarchy carries.
struct ControllerSet: OptionSet {
    let rawValue: UInt16

    static let cpu = ControllerSet(rawValue: 1 << 0)
    static let cpuAccounting = ControllerSet(rawValue: 1 << 1)
    static let memory = ControllerSet(rawValue: 1 << 2)
    static let blockIO = ControllerSet(rawValue: 1 << 3)
    static let processes = ControllerSet(rawValue: 1 << 4)
    static let cpuset = ControllerSet(rawValue: 1 << 5)
    static let hugetlb = ControllerSet(rawValue: 1 << 6)

    init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The controller that the kernel calls by this name, on version 1 or 2.
    init(kernelName: Substring) {
        switch kernelName {
        case "cpu": self = .cpu
        case "cpuacct": self = .cpuAccounting
        case "memory": self = .memory
        case "blkio", "io": self = .blockIO
        case "pids": self = .processes
        case "cpuset": self = .cpuset
        case "hugetlb": self = .hugetlb
        default: self = []
        }
    }
}

/// One mounted tree of cgroups.
struct Hierarchy {
    var isUnified: Bool
    var controllers: ControllerSet
    /// Where it is mounted, as the mount table says, without the settings' root path.
    var mountPoint: String
    /// What comes before the path below the mount point in a cgroup's id; empty when the whole hierarchy is mounted.
    var idPrefix: String
    /// The open mount point, or -1.
    var descriptor: Int32 = -1

    /// Whether version 1's block I/O files that include descendants exist.
    var hasRecursiveBlockIO: Bool {
        let plain = "blkio.throttle.io_service_bytes"
        let isThere = { (name: String) in FileStatus.of(Array(name.utf8) + [0], at: self.descriptor) != nil }
        return isThere(plain + "_recursive") || !isThere(plain)
    }
}

/// Finds the hierarchies in a mount table (`/proc/PID/mountinfo`, see proc_pid_mountinfo(5)).
enum MountTable {
    /// Hierarchies that carry a controller we read, or the unified one, one entry for each mount in the table's order.
    static func hierarchies(in table: String) -> [Hierarchy] {
        var found: [Hierarchy] = []
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator >= 6, fields.count > separator + 1 else {
                continue
            }
            let type = fields[separator + 1]
            guard type == "cgroup" || type == "cgroup2" else { continue }
            let options = fields.count > separator + 3 ? fields[separator + 3] : ""
            let root = unescaped(fields[3])
            var hierarchy = Hierarchy(
                isUnified: type == "cgroup2", controllers: [], mountPoint: unescaped(fields[4]),
                // "/.." is a mount seen from inside a cgroup namespace: ids are then relative to what is mounted.
                idPrefix: root == "/" || root.hasPrefix("/..") ? "" : root)
            if type == "cgroup" {
                for option in options.split(separator: ",") {
                    hierarchy.controllers.formUnion(ControllerSet(kernelName: option))
                }
                if hierarchy.controllers.isEmpty { continue }
            }
            found.append(hierarchy)
        }
        return found
    }

    /// Mount points write space, tab, newline and backslash as three octal digits.
    private static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(digits.reduce(UInt8(0)) { $0 &* 8 &+ ($1 &- 0x30) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads the mount table and opens what is worth reading, one mount of each hierarchy.
    ///
    /// A mount of the whole hierarchy is preferred to one of a part of it. Mounts that cannot be opened are passed
    /// over: a host's table read through `/rootfs` names mounts that are not there.
    static func open(rootPath: String, reader: inout FileReader) -> [Hierarchy] {
        let limitBytes = 16 << 20
        var table: String?
        for process in ["self", "1"] where table == nil {
            table = reader.contents(path: rootPath + "/proc/\(process)/mountinfo", limitBytes: limitBytes)
                .map { String(decoding: $0, as: UTF8.self) }
        }
        var opened: [Hierarchy] = []
        let candidates = hierarchies(in: table ?? "")
        for candidate in candidates.filter({ $0.idPrefix.isEmpty }) + candidates.filter({ !$0.idPrefix.isEmpty }) {
            let isKnown = opened.contains {
                candidate.isUnified
                    ? $0.isUnified : !$0.isUnified && !$0.controllers.isDisjoint(with: candidate.controllers)
            }
            guard !isKnown, opened.count < 16 else { continue }
            var hierarchy = candidate
            hierarchy.descriptor = FileReader.openDirectory(rootPath + candidate.mountPoint)
            guard hierarchy.descriptor >= 0 else { continue }
            if hierarchy.isUnified {
                hierarchy.controllers = unifiedControllers(hierarchy.descriptor, reader: &reader)
            }
            opened.append(hierarchy)
        }
        return opened
    }

    private static func unifiedControllers(_ descriptor: Int32, reader: inout FileReader) -> ControllerSet {
        guard reader.read(at: descriptor, path: Array("cgroup.controllers".utf8) + [0]) == .read else {
            return [.cpu, .memory, .blockIO, .processes]
        }
        let names = String(decoding: reader.buffer[..<reader.byteCount], as: UTF8.self)
        return names.split(whereSeparator: \.isWhitespace).reduce(into: ControllerSet()) {
            $0.formUnion(ControllerSet(kernelName: $1))
        }
    }
}
