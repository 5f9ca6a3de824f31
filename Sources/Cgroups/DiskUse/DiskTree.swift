/// A folder whose size is wanted.
struct DiskTree: Hashable, Sendable {
    enum Measure: Hashable, Sendable {
        /// Its files are added up; only those whose names begin so, where there are any.
        case walk(names: [String])
        /// It is a mount of its own, whose file system tells how full it is.
        case mount
    }

    /// The path on the host, without the settings' root path.
    var path: String
    var measure = Measure.walk(names: [])
}

/// What a tree is of its container or pod.
enum DiskPart: Hashable, Sendable {
    case layer
    case log
    case volume(String)
}

/// A container or pod whose disk use is wanted, as far as the sweeps know it.
struct DiskSubject: Equatable, Sendable {
    /// Its place in the table of cgroups.
    struct Key: Hashable, Sendable {
        var slot: Int
        var generation: UInt32
    }

    var key: Key
    var identity: CgroupIdentity
    var cgroupPath: String
    var names: ContainerNames
    /// One of its processes, 0 when none is known.
    var process: UInt64
}

/// Why a tree has no figure, or an old one.
enum DiskFailure: Int, CaseIterable, Sendable {
    /// It may not be read.
    case denied
    /// It went, or was never there.
    case missing
    /// It lies on a network's or another process' file system, which is not asked.
    case remote
    /// It did not answer; its thread waits still.
    case hanging
    /// No descriptors are left.
    case exhausted
    /// Something in it was passed over, so the figure is too small.
    case partial
    /// There are more trees than `CollectorSettings.maximumDiskTrees`.
    case ceiling
    case other

    init(errorNumber: Int32) {
        switch errorNumber {
        case 13, 1: self = .denied
        case 2, 20, 40: self = .missing
        case 23, 24, 12: self = .exhausted
        default: self = .other
        }
    }

    var text: String { "\(self)" }
}

/// The figure of one tree.
struct DiskFigure: Equatable, Sendable {
    var use = TreeUse()
    /// The space of the file system it lies on, or what a project's quota leaves of it.
    var space: FileSystemSpace?
    /// What cAdvisor calls the file system: its device, or its mount point where it has none.
    var device = ""
    /// When it was taken, on the monotonic clock.
    var takenNanoseconds: UInt64 = 0
}
