import Glibc
import MetricModel

/// What is remembered of a cgroup's processes between readings, for counters that must not fall when one ends.
struct ProcessAccounts {
    struct Schedule: Equatable {
        var runNanoseconds: UInt64 = 0
        var waitNanoseconds: UInt64 = 0
        var slices: UInt64 = 0

        mutating func add(_ other: Schedule) {
            runNanoseconds &+= other.runNanoseconds
            waitNanoseconds &+= other.waitNanoseconds
            slices &+= other.slices
        }
    }

    /// What processes that ended had used when they were last seen.
    var ended = Schedule()
    var living: [UInt64: Schedule] = [:]
    /// When the load was last smoothed, and the two averages in thousandths.
    var loadNanoseconds: UInt64 = 0
    var load: Double = 0
    var uninterruptibleLoad: Double = 0
}

/// Looking at each process of a cgroup, for the groups that ask for it; none of them is on by default.
extension Sweeper {
    /// Processes of one cgroup looked at per reading at most.
    private static let maximumProcesses = 4_096
    /// Descriptors of one process counted at most.
    private static let maximumDescriptors = 1 << 20

    mutating func readEachProcess(_ slot: Int) {
        if processScratch.count > Self.maximumProcesses {
            statistics.count(.exhausted, UInt64(processScratch.count - Self.maximumProcesses))
        }
        let processes = Array(processScratch.prefix(Self.maximumProcesses))
        var accounts = table.records[slot].accounts ?? ProcessAccounts()
        if settings.groups.contains(.sched) { readSchedules(slot, processes, &accounts) }
        if settings.groups.contains(.cpuLoad) { readStates(slot, processes, &accounts) }
        if settings.groups.contains(.descriptors) { countDescriptors(slot, processes) }
        if settings.groups.contains(.referencedMemory) { sumReferenced(slot, processes) }
        table.records[slot].accounts = accounts
    }

    private mutating func readProcessFile(_ process: UInt64, _ name: String) -> Bool {
        reader.readRecords(at: AT_FDCWD, path: Array("\(settings.rootPath)/proc/\(process)/\(name)".utf8) + [0])
            == .read
    }

    /// `/proc/PID/schedstat`: time on a CPU and waiting for one in nanoseconds, and slices.
    private mutating func readSchedules(_ slot: Int, _ processes: [UInt64], _ accounts: inout ProcessAccounts) {
        var living: [UInt64: ProcessAccounts.Schedule] = [:]
        var total = ProcessAccounts.Schedule()
        for process in processes where readProcessFile(process, "schedstat") {
            guard let schedule = ProcessText.schedule(reader.buffer.span.extracting(0..<reader.byteCount)) else {
                continue
            }
            // A number that fell belongs to another process under the same number.
            if let before = accounts.living[process], before.runNanoseconds > schedule.runNanoseconds {
                accounts.ended.add(before)
            }
            living[process] = schedule
            total.add(schedule)
        }
        for (process, last) in accounts.living where living[process] == nil { accounts.ended.add(last) }
        accounts.living = living
        total.add(accounts.ended)
        table.set(.scheduledTime, of: slot, to: total.runNanoseconds)
        table.set(.runQueueTime, of: slot, to: total.waitNanoseconds)
        table.set(.timeSlices, of: slot, to: total.slices)
    }

    /// Counts threads by state, and smooths the numbers of those that run and of those that cannot be interrupted.
    private mutating func readStates(_ slot: Int, _ processes: [UInt64], _ accounts: inout ProcessAccounts) {
        var counts: [UInt8: UInt64] = [:]
        for process in processes {
            let folder = "\(settings.rootPath)/proc/\(process)/task"
            for thread in DirectoryListing.names(path: folder, limit: Self.maximumProcesses) ?? [] {
                let name = "task/\(String(decoding: thread, as: UTF8.self))/stat"
                guard readProcessFile(process, name),
                    let state = ProcessText.state(reader.buffer.span.extracting(0..<reader.byteCount))
                else { continue }
                counts[state, default: 0] &+= 1
            }
        }
        let running = counts[UInt8(ascii: "R")] ?? 0
        let uninterruptible = counts[UInt8(ascii: "D")] ?? 0
        let idle = counts[UInt8(ascii: "I")] ?? 0
        let stopped = (counts[UInt8(ascii: "T")] ?? 0) &+ (counts[UInt8(ascii: "t")] ?? 0)
        table.set(.tasksRunning, of: slot, to: running)
        table.set(.tasksSleeping, of: slot, to: (counts[UInt8(ascii: "S")] ?? 0) &+ idle)
        table.set(.tasksStopped, of: slot, to: stopped)
        table.set(.tasksUninterruptible, of: slot, to: uninterruptible)
        table.set(.tasksWaitingForIO, of: slot, to: uninterruptible)
        let now = clock.monotonicNanoseconds
        // The same decay as the machine's own load average, over 10 seconds: the weight of the past is e^(-t/10).
        let seconds = accounts.loadNanoseconds == 0 ? 1e9 : Double(now &- accounts.loadNanoseconds) / 1e9
        let past = exp(-seconds / 10)
        accounts.load = accounts.load * past + Double(running) * 1_000 * (1 - past)
        accounts.uninterruptibleLoad =
            accounts.uninterruptibleLoad * past + Double(uninterruptible) * 1_000 * (1 - past)
        accounts.loadNanoseconds = now
        table.set(.loadAverage, of: slot, to: UInt64(accounts.load.rounded()))
        table.set(.uninterruptibleLoadAverage, of: slot, to: UInt64(accounts.uninterruptibleLoad.rounded()))
    }

    /// Counts open files and those that are sockets; a process whose files may not be seen counts as denied.
    private mutating func countDescriptors(_ slot: Int, _ processes: [UInt64]) {
        var files: UInt64 = 0
        var sockets: UInt64 = 0
        var wasSeen = processes.isEmpty
        for process in processes {
            let folder = "\(settings.rootPath)/proc/\(process)/fd"
            guard let names = DirectoryListing.names(path: folder, limit: Self.maximumDescriptors) else {
                if errno == EACCES || errno == EPERM { statistics.count(.denied) }
                continue
            }
            wasSeen = true
            files &+= UInt64(names.count)
            for name in names {
                let link = folder + "/" + String(decoding: name, as: UTF8.self)
                if SymbolicLink.target(of: link)?.hasPrefix("socket:") == true { sockets &+= 1 }
            }
        }
        table.records[slot].present.subtract(FieldSet([.fileDescriptors, .sockets, .openFilesLimit]))
        guard wasSeen else { return }
        table.set(.fileDescriptors, of: slot, to: files)
        table.set(.sockets, of: slot, to: sockets)
        if let first = processes.first, readProcessFile(first, "limits"),
            let limit = ProcessText.openFilesLimit(reader.buffer.span.extracting(0..<reader.byteCount))
        {
            table.set(.openFilesLimit, of: slot, to: limit)
        }
    }

    /// The sum of `Referenced:` in `/proc/PID/smaps_rollup`; nothing is ever reset.
    private mutating func sumReferenced(_ slot: Int, _ processes: [UInt64]) {
        var sum: UInt64 = 0
        var wasSeen = processes.isEmpty
        for process in processes where readProcessFile(process, "smaps_rollup") {
            wasSeen = true
            sum &+= ProcessText.referencedBytes(reader.buffer.span.extracting(0..<reader.byteCount))
        }
        table.records[slot].present.subtract(Field.referencedMemory.bit)
        if wasSeen { table.set(.referencedMemory, of: slot, to: sum) }
    }
}
