/// The space of mounted file systems.
struct MachineFilesystems {
    static let maximumMounts = 1_024

    struct Mount: Equatable {
        var device: [UInt8]
        var point: String
        var type: String
        var isReadOnly: Bool
    }

    /// File systems without space of their own.
    private static let ignoredTypes: Set<String> = [
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl",
        "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs",
        "selinuxfs", "squashfs", "sysfs", "tracefs",
    ]
    /// Folders whose mounts belong to the kernel; what lies below them as well.
    private static let ignoredTrees = ["/dev", "/proc", "/sys"]
    /// Folders below which mounts belong to containers.
    private static let ignoredBelow = [
        "/run/containerd/", "/run/credentials/", "/run/docker/", "/run/k3s/containerd/", "/run/netns/",
        "/var/lib/containers/storage/", "/var/lib/docker/", "/var/lib/kubelet/pods/",
    ]

    private let prober: MountProber

    init(prober: MountProber) {
        self.prober = prober
    }

    func write(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text(files.hostProcess("mounts")) else { return false }
        let mounts = Self.mounts(text)
        let root = files.rootPath
        let outcomes = prober.outcomes(of: mounts.map { root + $0.point })
        let known = mounts.compactMap { mount in outcomes[root + mount.point].map { (mount, $0) } }
        let families: [(StaticString, StaticString, (Mount, FileSystemSpace) -> UInt64)] = [
            (
                "filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.",
                { $1.availableBytes }
            ),
            ("filesystem_files", "Filesystem total file nodes.", { $1.files }),
            ("filesystem_files_free", "Filesystem total free file nodes.", { $1.filesFree }),
            ("filesystem_free_bytes", "Filesystem free space in bytes.", { $1.freeBytes }),
            ("filesystem_readonly", "Filesystem read-only status.", { mount, _ in mount.isReadOnly ? 1 : 0 }),
            ("filesystem_size_bytes", "Filesystem size in bytes.", { $1.sizeBytes }),
        ]
        for (name, help, value) in families {
            page.family(name, .gauge, help)
            for case (let mount, .space(let space)) in known {
                label(mount, &page)
                page.sample(.integer(value(mount, space)))
            }
        }
        page.family(
            "filesystem_device_error", .gauge, "1 when the filesystem could not be asked, or did not answer for 5 s.")
        for (mount, outcome) in known {
            label(mount, &page)
            if case .space = outcome { page.sample(.integer(0)) } else { page.sample(.integer(1)) }
        }
        return true
    }

    private func label(_ mount: Mount, _ page: inout MachinePage) {
        page.label("device", mount.device)
        page.label("fstype", Array(mount.type.utf8))
        page.label("mountpoint", Array(mount.point.utf8))
    }

    /// The mounts of a table as in `/proc/self/mounts`, see fstab(5); the last of those at one place counts.
    static func mounts(_ text: MachineText) -> [Mount] {
        var mounts: [Mount] = []
        text.forEachLine { words in
            guard words.count >= 4 else { return true }
            let type = String(decoding: text.word(words[2]), as: UTF8.self)
            let point = String(decoding: unescaped(text.word(words[1])), as: UTF8.self)
            guard !ignoredTypes.contains(type), !isIgnored(point) else { return true }
            let options = text.word(words[3]).split(separator: UInt8(ascii: ","))
            let mount = Mount(
                device: unescaped(text.word(words[0])), point: point, type: type,
                isReadOnly: options.contains { $0.elementsEqual("ro".utf8) })
            mounts.removeAll { $0.point == point }
            mounts.append(mount)
            return mounts.count < maximumMounts
        }
        return mounts
    }

    static func isIgnored(_ point: String) -> Bool {
        ignoredTrees.contains { point == $0 || point.hasPrefix($0 + "/") }
            || ignoredBelow.contains { point.hasPrefix($0) }
    }

    /// Spaces, tabs, newlines and backslashes stand as three octal digits.
    static func unescaped(_ word: [UInt8]) -> [UInt8] {
        guard word.contains(UInt8(ascii: "\\")) else { return word }
        var result: [UInt8] = []
        var position = 0
        while position < word.count {
            let digits = word[position...].dropFirst().prefix(3)
            if word[position] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ $0 &- 0x30 < 8 }) {
                result.append(digits.reduce(0) { $0 &* 8 &+ ($1 &- 0x30) })
                position += 4
            } else {
                result.append(word[position])
                position += 1
            }
        }
        return result
    }
}
