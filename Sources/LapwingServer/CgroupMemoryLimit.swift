import Glibc

/// The memory limits of the cgroups that the process is in, of both versions.
///
/// Sources: cgroups(7), Documentation/admin-guide/cgroup-v1/memory.rst (`memory.limit_in_bytes`) and cgroup-v2.rst
/// (`memory.max`, `memory.high`) of the kernel.
enum CgroupMemoryLimit {
    /// The smallest limit of the process' cgroup and those above it; nil where there is none.
    static func smallest(rootPath: String) -> Int? {
        var limits: [Int] = []
        let mounts = text(rootPath + "/proc/self/mountinfo").split(separator: "\n")
        for line in text(rootPath + "/proc/self/cgroup").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isUnified = parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
            let files = isUnified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
            for point in mountPoints(mounts, isUnified: isUnified) {
                var path = String(parts[2])
                // Inside a container the path may be that of the host; its own limit then stands at the mount point.
                while true {
                    for file in files {
                        let content = text(rootPath + point + path + "/" + file).filter { !$0.isWhitespace }
                        if let bytes = Int(content), bytes > 0 { limits.append(bytes) }
                    }
                    guard let slash = path.lastIndex(of: "/") else { break }
                    path = String(path[..<slash])
                }
            }
        }
        // Version 1 says a number near 2^63 where it means none.
        return limits.min().flatMap { $0 < 1 << 60 ? $0 : nil }
    }

    /// Where the hierarchy is mounted.
    private static func mountPoints(_ mounts: [Substring], isUnified: Bool) -> [String] {
        mounts.compactMap { line in
            let halves = line.split(separator: " - ")
            guard halves.count == 2 else { return nil }
            let fields = halves[0].split(separator: " ")
            let kind = halves[1].split(separator: " ")
            guard fields.count > 4, kind.count > 2 else { return nil }
            let isWanted =
                isUnified
                ? kind[0] == "cgroup2" : kind[0] == "cgroup" && kind[2].split(separator: ",").contains("memory")
            return isWanted ? String(fields[4]) : nil
        }
    }

    private static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < 1 << 20 {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
