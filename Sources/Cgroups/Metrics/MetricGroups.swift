/// The groups of metric families that can be switched on and off.
///
/// A group that is off is neither read nor written.
package struct MetricGroups: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let cpu = MetricGroups(rawValue: 1 << 0)
    package static let memory = MetricGroups(rawValue: 1 << 1)
    package static let diskIO = MetricGroups(rawValue: 1 << 2)
    package static let network = MetricGroups(rawValue: 1 << 3)
    package static let process = MetricGroups(rawValue: 1 << 4)
    package static let pressure = MetricGroups(rawValue: 1 << 5)
    package static let oomEvent = MetricGroups(rawValue: 1 << 6)
    package static let machine = MetricGroups(rawValue: 1 << 7)
    package static let disk = MetricGroups(rawValue: 1 << 8)
    package static let perCPU = MetricGroups(rawValue: 1 << 9)
    package static let cpuLoad = MetricGroups(rawValue: 1 << 10)
    package static let sched = MetricGroups(rawValue: 1 << 11)
    package static let hugetlb = MetricGroups(rawValue: 1 << 12)
    package static let cpuset = MetricGroups(rawValue: 1 << 13)
    package static let memoryNUMA = MetricGroups(rawValue: 1 << 14)
    package static let referencedMemory = MetricGroups(rawValue: 1 << 15)
    package static let tcp = MetricGroups(rawValue: 1 << 16)
    package static let udp = MetricGroups(rawValue: 1 << 17)
    package static let advancedTCP = MetricGroups(rawValue: 1 << 18)
    package static let cpuTopology = MetricGroups(rawValue: 1 << 19)
    /// Open files and sockets of each process: cAdvisor's dearest reading, a part of its group `process`.
    package static let descriptors = MetricGroups(rawValue: 1 << 20)
    /// Exits, restarts, kills and totals by workload, which outlive their containers.
    package static let workload = MetricGroups(rawValue: 1 << 21)

    /// Those for which network namespaces are looked at.
    static let ofNamespaces: MetricGroups = [.network, .tcp, .udp, .advancedTCP]

    /// What is on when nothing is said: all that costs little per container.
    package static let byDefault: MetricGroups = [
        .cpu, .memory, .diskIO, .network, .process, .pressure, .oomEvent, .machine, .disk, .workload,
    ]

    /// Everything there is.
    package static let all = words.reduce(into: MetricGroups()) { $0.formUnion($1.groups) }

    /// The words of `--enable_metrics` and `--disable_metrics`: cAdvisor's 22, then those that only we have.
    ///
    /// A word without groups is one of cAdvisor's for which nothing is exported here; it is accepted so that a command
    /// line for cAdvisor works.
    package static let words: [(word: String, groups: MetricGroups)] = [
        ("cpu", .cpu), ("percpu", .perCPU), ("memory", .memory), ("cpuLoad", .cpuLoad), ("diskIO", .diskIO),
        ("disk", .disk), ("network", .network), ("app", []), ("perf_event", []), ("oom_event", .oomEvent),
        ("pressure", .pressure), ("memory_numa", .memoryNUMA), ("tcp", .tcp), ("udp", .udp),
        ("advtcp", .advancedTCP), ("sched", .sched), ("process", [.process, .descriptors]), ("hugetlb", .hugetlb),
        ("referenced_memory", .referencedMemory), ("cpu_topology", .cpuTopology), ("resctrl", []),
        ("cpuset", .cpuset),
        ("descriptors", .descriptors), ("machine", .machine), ("workload", .workload),
    ]

    /// The groups that two lists of words select.
    ///
    /// As with cAdvisor a list of enabled groups replaces the default and makes the other list void (`machine`, which
    /// has no word there, stays on then), and a list of disabled groups replaces the list of those that are off by
    /// default: what it does not name is on, but for the load, for which cAdvisor wants a switch of its own. nil is a
    /// list that was not given.
    package static func selection(
        enabled: [String], disabled: [String]?
    ) throws(UnknownMetricGroup) -> MetricGroups {
        if !enabled.isEmpty { return try groups(of: enabled).union(.machine) }
        guard let disabled else { return byDefault }
        return try all.subtracting(.cpuLoad).subtracting(groups(of: disabled))
    }

    private static func groups(of list: [String]) throws(UnknownMetricGroup) -> MetricGroups {
        var groups: MetricGroups = []
        for word in list {
            guard let known = words.first(where: { $0.word == word }) else { throw UnknownMetricGroup(word: word) }
            groups.formUnion(known.groups)
        }
        return groups
    }
}

/// A word that names no group of metrics.
package struct UnknownMetricGroup: Error, Equatable, CustomStringConvertible {
    package var word: String

    package var description: String {
        "'\(word)' is no group of metrics; there are "
            + MetricGroups.words.map(\.word).joined(separator: ", ")
    }
}
