package import MetricModel
import Synchronization

/// What the page of the machine reads and the limits it keeps.
package struct MachineSettings: Sendable {
    /// Prefix of every path that is read, without a trailing slash; see `CollectorSettings.rootPath`.
    package var rootPath = ""
    /// Interfaces that belong to containers and would only add churn, by prefix.
    package var ignoredInterfacePrefixes = ["veth", "cali", "lxc", "nerdctl"]
    /// Lines of samples written per page at most; those beyond are counted and left out.
    package var maximumSeries = 100_000

    package init() {}
}

/// Writes what the machine itself does under node_exporter's names and labels.
///
/// Files are read when the page is asked for; the owner calls it on a thread that may block. File systems are asked on
/// a thread apart, so that a mount that hangs delays no page by more than 50 ms, and that once.
package final class MachineCollector: Sendable {
    private struct State {
        var files: MachineFiles
        var processors = MachineProcessors()
        var leftOut: UInt64 = 0
    }

    private let settings: MachineSettings
    private let clock: any WallClock
    private let prober: MountProber
    private let state: Mutex<State>

    package convenience init(settings: MachineSettings, clock: any WallClock = SystemClock()) {
        self.init(settings: settings, clock: clock, prober: MountProber(clock: clock))
    }

    init(settings: MachineSettings, clock: any WallClock, prober: MountProber) {
        self.settings = settings
        self.clock = clock
        self.prober = prober
        state = Mutex(State(files: MachineFiles(rootPath: settings.rootPath)))
    }

    /// Appends the page to the buffer.
    package func render(into output: inout [UInt8]) {
        state.withLock { state in
            var page = MachinePage(output, maximumSeries: settings.maximumSeries)
            output = []
            write(&state, &page)
            state.leftOut &+= page.leftOut
            output = page.output
        }
    }

    private typealias Part = (name: StaticString, write: (inout State, inout MachinePage) -> Bool)

    /// The parts of the page, by the names that node_exporter gives its collectors.
    private var parts: [Part] {
        let network = MachineNetwork(ignoredPrefixes: settings.ignoredInterfacePrefixes)
        let sockets = MachineSockets()
        let hardware = MachineHardware()
        let system = MachineSystem()
        return [
            ("arp", { sockets.writeNeighbours(&$0.files, &$1) }),
            ("bonding", { network.writeBonds(&$0.files, &$1) }),
            ("conntrack", { sockets.writeTracking(&$0.files, &$1) }),
            ("cpu", { $0.processors.writeTimes(&$0.files, &$1) }),
            ("cpufreq", { $0.processors.writeFrequencies(&$0.files, &$1) }),
            ("diskstats", { MachineDisks().write(&$0.files, &$1) }),
            ("dmi", { hardware.writeFirmware(&$0.files, &$1) }),
            ("edac", { hardware.writeMemoryErrors(&$0.files, &$1) }),
            ("entropy", { system.writeEntropy(&$0.files, &$1) }),
            ("filefd", { system.writeOpenFiles(&$0.files, &$1) }),
            ("filesystem", { [prober] in MachineFilesystems(prober: prober).write(&$0.files, &$1) }),
            ("hwmon", { MachineSensors().write(&$0.files, &$1) }),
            ("loadavg", { $0.processors.writeLoad(&$0.files, &$1) }),
            ("mdadm", { MachineArrays().write(&$0.files, &$1) }),
            ("meminfo", { MachineMemory().writeMemory(&$0.files, &$1) }),
            ("netclass", { network.writeInterfaces(&$0.files, &$1) }),
            ("netdev", { network.writeTraffic(&$0.files, &$1) }),
            ("netstat", { sockets.writeProtocols(&$0.files, &$1) }),
            ("os", { system.writeDistribution(&$0.files, &$1) }),
            ("pressure", { $0.processors.writePressure(&$0.files, &$1) }),
            ("schedstat", { $0.processors.writeScheduler(&$0.files, &$1) }),
            ("selinux", { system.writeSecurity(&$0.files, &$1) }),
            ("sockstat", { sockets.writeSockets(&$0.files, &$1) }),
            ("softnet", { $0.processors.writeSoftNet(&$0.files, &$1) }),
            ("thermal_zone", { hardware.writeThermalZones(&$0.files, &$1) }),
            ("time", { [clock] in system.writeTime(&$0.files, clock: clock, &$1) }),
            ("timex", { system.writeDiscipline(&$1) }),
            ("udp_queues", { sockets.writeQueues(&$0.files, &$1) }),
            ("uname", { system.writeKernel(&$0.files, &$1) }),
            ("vmstat", { MachineMemory().writeVirtualMemory(&$0.files, &$1) }),
        ]
    }

    private func write(_ state: inout State, _ page: inout MachinePage) {
        var took: [(name: StaticString, nanoseconds: UInt64, isThere: Bool)] = []
        for part in parts {
            let start = clock.monotonicNanoseconds
            let isThere = part.write(&state, &page)
            took.append((part.name, clock.monotonicNanoseconds &- start, isThere))
        }
        page.family("scrape_collector_duration_seconds", .gauge, "How long this part of the page took.")
        for part in took {
            page.label("collector", part.name)
            page.sample(.seconds(nanoseconds: part.nanoseconds))
        }
        page.family("scrape_collector_success", .gauge, "1 when the kernel offers what this part tells.")
        for part in took {
            page.label("collector", part.name)
            page.sample(.flag(part.isThere))
        }
    }
}
