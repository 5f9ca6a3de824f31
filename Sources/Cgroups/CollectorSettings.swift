package import MetricModel

/// What the collector reads, how often, and the limits it keeps.
package struct CollectorSettings: Sendable {
    /// Prefix of every path that is read, without a trailing slash.
    ///
    /// Empty on the host itself, `/rootfs` in a container that has the host's root there, a temporary folder in tests.
    package var rootPath = ""
    /// A page asked for later than this after the last sweep makes a sweep of its own.
    package var freshnessMilliseconds: Int64 = 1_000
    /// How often the files are read that cost an open each: processes, block I/O, events, pressure, network.
    package var openedFilesIntervalMilliseconds: Int64 = 5_000
    /// How often limits and other files that seldom change are read.
    package var limitsIntervalMilliseconds: Int64 = 60_000
    /// How often all directories are listed although the kernel's notifications work.
    package var rescanIntervalMilliseconds: Int64 = 60_000
    /// How often all directories are listed when notifications are not to be had.
    package var pollingIntervalMilliseconds: Int64 = 5_000
    /// Whether directories are watched with inotify.
    package var watchesDirectories = true
    /// Directories watched at most; with more of them all are listed instead, as when the kernel gives no more.
    package var maximumWatches = 100_000
    /// The groups of families that are read and exported.
    package var groups: MetricGroups = .byDefault
    /// Only cgroups whose labels match all of these are exported; the others are known but not read, unless there are
    /// some below them.
    package var filters: [LabelMatcher] = []
    /// The container labels that are exported, as `container_label_<name>`; none unless they are named here.
    package var containerLabels: Set<String> = []
    /// Whether runtimes are asked over their sockets about containers that no file names.
    package var asksRuntimes = true
    /// Sockets of runtimes beside the usual ones.
    package var runtimeSockets: [RuntimeSocket] = []
    /// How long a round of questions to a runtime may take.
    package var runtimePatienceMilliseconds: UInt64 = 5_000
    /// Hears, on any thread, what people should be told once.
    package var notice: @Sendable (CollectorNotice) -> Void = { _ in }
    /// Where the names of a container stand.
    package var labelPlacement = LabelPlacement.everySeries
    /// Whether the soft limit of open files of the process is raised to its hard limit (at most 65,536).
    package var raisesDescriptorLimit = true
    /// Descriptors kept open at most; the process's own limit may lower it.
    package var maximumKeptDescriptors = 16_384
    /// Cgroups known at most; those beyond are counted and left out.
    package var maximumCgroups = 20_000
    /// Workloads remembered at most, living or ended, and for how long after their last end.
    package var maximumWorkloads = 4_096
    package var workloadsKeptMilliseconds: Int64 = 6 * 3_600_000
    /// Depth of the cgroup tree that is followed.
    package var maximumDepth = 64
    /// Block devices exported per cgroup at most.
    package var maximumDevicesPerCgroup = 64
    /// Interfaces exported per network namespace at most.
    package var maximumInterfacesPerNamespace = 64
    /// Lines of samples written per page at most; those beyond are counted and left out.
    package var maximumSeries = 2_000_000
    /// Attempts to learn names from files per sweep at most, so that a burst of containers cannot delay a sweep.
    package var maximumNameLookupsPerSweep = 200
    /// Whether a thread adds up what containers and pods take on disk; without it their figures are missing.
    package var walksDisks = true
    /// Files and folders that this thread looks at per second at most.
    package var diskEntriesPerSecond = 1_000
    /// The least time between two walks of one tree; a walk that takes long makes it longer.
    package var diskIntervalMilliseconds: Int64 = 60_000
    /// Trees walked at most: layers, logs and volumes.
    package var maximumDiskTrees = 20_000
    /// Interfaces of the host that belong to containers and would only add churn, by prefix.
    package var ignoredHostInterfacePrefixes = ["veth", "docker", "nerdctl", "cali", "lxc", "tunl"]

    package init() {}
}

/// Where the names of a container stand.
package enum LabelPlacement: String, CaseIterable, Sendable {
    /// On every series, as cAdvisor has them.
    case everySeries = "series"
    /// Once, on `container_info`; all other series have `id` alone and are joined with it.
    case info
}
