/// CPU time, frequencies, load, pressure and what the scheduler counts.
struct MachineProcessors {
    /// Processors shown at most.
    static let maximumProcessors = 8_192
    /// The modes of a line `cpu0 …` in `/proc/stat`, see proc_stat(5); two guest times follow them.
    private static let modes: [StaticString] = [
        "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
    ]
    private static let idle = 3
    private static let waiting = 4

    /// Idle and waiting times of each processor as last shown: the kernel's may step back by a few ticks.
    private var lastShown: [[UInt8]: (idle: UInt64, waiting: UInt64)] = [:]
    /// A step back beyond this is a new start of the processor and is shown.
    private static let stepBackTicks: UInt64 = 300

    mutating func writeTimes(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/stat") else { return false }
        let lines = text.lines
        let processors = lines.filter { words in
            text.hasPrefix(words[0], "cpu") && words[0].count > 3 && words.count > 8
        }.prefix(Self.maximumProcessors)
        page.family("cpu_guest_seconds_total", .counter, "Seconds the CPUs spent in guests (VMs) for each mode.")
        for words in processors {
            let name = Array(text.word(words[0]).dropFirst(3))
            for (index, mode) in [(9, "user"), (10, "nice")] as [(Int, StaticString)] {
                page.label("cpu", name)
                page.label("mode", mode)
                page.sample(text.number(words, index).map(Self.seconds))
            }
        }
        page.family("cpu_seconds_total", .counter, "Seconds the CPUs spent in each mode.")
        for words in processors {
            let name = Array(text.word(words[0]).dropFirst(3))
            for (index, mode) in Self.modes.enumerated() {
                guard var ticks = text.number(words, index + 1) else { continue }
                if index == Self.idle || index == Self.waiting { ticks = steadied(ticks, of: name, mode: index) }
                page.label("cpu", name)
                page.label("mode", mode)
                page.sample(Self.seconds(ticks))
            }
        }
        writeCounters(text, lines, &page)
        return !processors.isEmpty
    }

    private static func seconds(_ ticks: UInt64) -> MachineNumber {
        .seconds(nanoseconds: ticks &* KernelKeys.nanosecondsPerTick)
    }

    private mutating func steadied(_ ticks: UInt64, of name: [UInt8], mode: Int) -> UInt64 {
        var shown = lastShown[name] ?? (0, 0)
        let last = mode == Self.idle ? shown.idle : shown.waiting
        let steady = ticks < last && last - ticks <= Self.stepBackTicks ? last : ticks
        if mode == Self.idle { shown.idle = steady } else { shown.waiting = steady }
        if lastShown.count < Self.maximumProcessors || lastShown[name] != nil { lastShown[name] = shown }
        return steady
    }

    private func writeCounters(_ text: MachineText, _ lines: [MachineText.Words], _ page: inout MachinePage) {
        let counters: [(StaticString, StaticString, MachineKind, StaticString)] = [
            ("btime", "boot_time_seconds", .gauge, "When the machine started, in seconds since 1970."),
            ("ctxt", "context_switches_total", .counter, "Context switches."),
            ("processes", "forks_total", .counter, "Forks."),
            ("intr", "intr_total", .counter, "Interrupts serviced."),
            ("procs_blocked", "procs_blocked", .gauge, "Processes waiting for I/O to complete."),
            ("procs_running", "procs_running", .gauge, "Processes in runnable state."),
        ]
        for (key, name, kind, help) in counters {
            guard let words = lines.first(where: { text.isWord($0[0], key) }) else { continue }
            page.single(name, kind, text.number(words, 1).map { .integer($0) }, help)
        }
    }

    func writeLoad(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/loadavg"), let words = text.lines.first, words.count >= 3 else {
            return false
        }
        page.single("load1", .gauge, text.decimal(words[0]).map { .decimal($0) }, "1m load average.")
        page.single("load5", .gauge, text.decimal(words[1]).map { .decimal($0) }, "5m load average.")
        page.single("load15", .gauge, text.decimal(words[2]).map { .decimal($0) }, "15m load average.")
        return true
    }

    func writePressure(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let resources: [(String, waiting: StaticString?, stalled: StaticString?)] = [
            ("cpu", "pressure_cpu_waiting_seconds_total", nil),
            ("io", "pressure_io_waiting_seconds_total", "pressure_io_stalled_seconds_total"),
            ("irq", nil, "pressure_irq_stalled_seconds_total"),
            ("memory", "pressure_memory_waiting_seconds_total", "pressure_memory_stalled_seconds_total"),
        ]
        var isThere = false
        for (resource, waiting, stalled) in resources {
            guard let text = files.text("/proc/pressure/\(resource)"), !text.bytes.isEmpty else { continue }
            isThere = true
            let totals = PressureText.parse(text.bytes.span)
            func seconds(_ microseconds: UInt64?) -> MachineNumber? {
                microseconds.map { .seconds(nanoseconds: $0 &* KernelKeys.nanosecondsPerMicrosecond) }
            }
            if let waiting {
                page.single(waiting, .counter, seconds(totals.some), "Time in which some tasks waited for it.")
            }
            if let stalled {
                page.single(stalled, .counter, seconds(totals.full), "Time in which all tasks waited for it.")
            }
        }
        return isThere
    }

    /// `/proc/schedstat`: behind each processor nine numbers, the last three of which are these.
    func writeScheduler(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/schedstat") else { return false }
        let lines = text.lines.filter { $0.count >= 10 && text.hasPrefix($0[0], "cpu") }
        let families: [(Int, StaticString, StaticString)] = [
            (7, "schedstat_running_seconds_total", "Seconds a CPU spent running a process."),
            (8, "schedstat_waiting_seconds_total", "Seconds processes waited for this CPU."),
            (9, "schedstat_timeslices_total", "Timeslices executed by a CPU."),
        ]
        for (index, name, help) in families {
            page.family(name, .counter, help)
            for words in lines {
                page.label("cpu", Array(text.word(words[0]).dropFirst(3)))
                page.sample(text.number(words, index).map { index == 9 ? .integer($0) : .seconds(nanoseconds: $0) })
            }
        }
        return !lines.isEmpty
    }

    /// `/proc/net/softnet_stat`: hexadecimal columns, a line a processor, whose number stands in the 13th.
    func writeSoftNet(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/net/softnet_stat") else { return false }
        let families: [(Int, StaticString, MachineKind, StaticString)] = [
            (11, "softnet_backlog_len", .gauge, "Packets waiting in the backlog."),
            (8, "softnet_cpu_collision_total", .counter, "Collisions while obtaining the device's lock."),
            (1, "softnet_dropped_total", .counter, "Packets dropped because the backlog was full."),
            (10, "softnet_flow_limit_count_total", .counter, "Times that the flow limit was reached."),
            (0, "softnet_processed_total", .counter, "Packets processed."),
            (9, "softnet_received_rps_total", .counter, "Times that a CPU was woken by another's."),
            (2, "softnet_times_squeezed_total", .counter, "Times that packets were left because time ran out."),
        ]
        let lines = text.lines
        for (column, name, kind, help) in families {
            page.family(name, kind, help)
            for (row, words) in lines.enumerated() where column < words.count {
                let processor = words.count > 12 ? text.hexadecimal(words[12]) ?? UInt64(row) : UInt64(row)
                page.label("cpu", Array("\(processor)".utf8))
                page.sample(text.hexadecimal(words[column]).map { .integer($0) })
            }
        }
        return !lines.isEmpty
    }

    /// Frequencies in kHz from sysfs, and how often heat slowed a core or package down.
    func writeFrequencies(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let root = "/sys/devices/system/cpu"
        let processors = files.names(root).filter { $0.hasPrefix("cpu") && Int($0.dropFirst(3)) != nil }
        let families: [(String, StaticString, StaticString)] = [
            ("cpuinfo_cur_freq", "cpu_frequency_hertz", "Current CPU thread frequency in hertz."),
            ("cpuinfo_max_freq", "cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
            ("cpuinfo_min_freq", "cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
            ("scaling_cur_freq", "cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
            ("scaling_max_freq", "cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."),
            ("scaling_min_freq", "cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."),
        ]
        let scaled = processors.filter { files.exists("\(root)/\($0)/cpufreq") }
        for (file, name, help) in families {
            page.family(name, .gauge, help)
            for processor in scaled {
                guard let kilohertz = files.number("\(root)/\(processor)/cpufreq/\(file)"), kilohertz >= 0 else {
                    continue
                }
                page.label("cpu", Array(processor.utf8.dropFirst(3)))
                page.sample(.integer(UInt64(kilohertz) &* 1_000))
            }
        }
        page.family("cpu_scaling_governor", .gauge, "1 for the governor that chooses the frequency.")
        for processor in scaled {
            guard let governor = files.line("\(root)/\(processor)/cpufreq/scaling_governor") else { continue }
            page.label("cpu", Array(processor.utf8.dropFirst(3)))
            page.label("governor", governor)
            page.sample(.integer(1))
        }
        writeThrottles(processors.map { "\(root)/\($0)" }, &files, &page)
        return !scaled.isEmpty
    }

    private func writeThrottles(_ folders: [String], _ files: inout MachineFiles, _ page: inout MachinePage) {
        var cores: [(package: [UInt8], core: [UInt8], count: Int64)] = []
        var packages: [(package: [UInt8], count: Int64)] = []
        for folder in folders where files.exists(folder + "/thermal_throttle") {
            guard let package = files.line(folder + "/topology/physical_package_id"),
                let core = files.line(folder + "/topology/core_id")
            else { continue }
            // Threads of a core and cores of a package all tell the same number.
            if let count = files.number(folder + "/thermal_throttle/core_throttle_count"),
                !cores.contains(where: { $0.package == package && $0.core == core })
            {
                cores.append((package, core, count))
            }
            if let count = files.number(folder + "/thermal_throttle/package_throttle_count"),
                !packages.contains(where: { $0.package == package })
            {
                packages.append((package, count))
            }
        }
        page.family("cpu_core_throttles_total", .counter, "Times that this CPU core was throttled.")
        for (package, core, count) in cores {
            page.label("core", core)
            page.label("package", package)
            page.sample(.signed(count))
        }
        page.family("cpu_package_throttles_total", .counter, "Times that this CPU package was throttled.")
        for (package, count) in packages {
            page.label("package", package)
            page.sample(.signed(count))
        }
    }
}
