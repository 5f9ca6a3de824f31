import Glibc

/// The network namespaces that containers were found in.
struct NetworkTable {
    /// Namespaces followed at most.
    static let maximumNamespaces = 4_096

    struct Namespace {
        /// The number that tells namespaces apart: the inode of their `net/dev`.
        var inode: UInt64
        var process: UInt64
        /// The cgroup whose labels the series carry.
        var slot: Int
        var generation: UInt32
        var interfaces: [InterfaceCounters] = []
        var sockets = SocketCounters()
    }

    var hostInode: UInt64 = 0
    var hostInterfaces: [InterfaceCounters] = []
    var hostSockets = SocketCounters()
    /// The process whose namespace the host's is: 1, or we ourselves where it is not to be seen.
    var hostProcess = "1"
    var namespaces: [Namespace] = []
    var due: UInt64 = 0
}

/// Reading the interfaces of the host and of each namespace once.
extension Sweeper {
    mutating func readNetworks(now: UInt64) {
        readHostNetwork()
        findNamespaces()
        guard now >= networks.due else { return }
        networks.due = due(settings.openedFilesIntervalMilliseconds, after: now)
        networks.hostSockets = readSockets(process: networks.hostProcess)
        var index = 0
        while index < networks.namespaces.count {
            if readNamespace(index) {
                index += 1
            } else {
                forgetNamespace(index)
            }
        }
    }

    /// The host's interfaces as process 1 sees them, or we ourselves where process 1 is not to be seen.
    private mutating func readHostNetwork() {
        for process in ["1", "self"] {
            let path = Array("\(settings.rootPath)/proc/\(process)/net/dev".utf8) + [0]
            guard let status = FileStatus.of(path, at: AT_FDCWD),
                reader.readRecords(at: AT_FDCWD, path: path) == .read
            else { continue }
            networks.hostInode = status.inode
            networks.hostProcess = process
            let buffer = reader.buffer
            NetworkText.parse(
                buffer.span.extracting(0..<reader.byteCount), into: &networks.hostInterfaces,
                limit: settings.maximumInterfacesPerNamespace)
            let ignored = settings.ignoredHostInterfacePrefixes
            networks.hostInterfaces.removeAll { counters in
                ignored.contains { counters.name.starts(with: $0.utf8) }
            }
            return
        }
    }

    private func networkPath(_ process: UInt64) -> [UInt8] {
        Array("\(settings.rootPath)/proc/\(process)/net/dev".utf8) + [0]
    }

    /// Looks at the namespace of each cgroup's first process that was not looked at yet.
    ///
    /// The inode of `/proc/PID/net/dev` belongs to the namespace and, unlike the link `/proc/PID/ns/net`, may be asked
    /// for by any user.
    private mutating func findNamespaces() {
        for slot in table.records.indices where table.records[slot].isLive {
            let process = table.records[slot].firstProcess
            guard process != 0, process != table.records[slot].networkProcess else { continue }
            table.records[slot].networkProcess = process
            guard let status = FileStatus.of(networkPath(process), at: AT_FDCWD) else { continue }
            noteProcessStart(slot, process)
            table.records[slot].networkNamespace = status.inode
            guard status.inode != networks.hostInode,
                !networks.namespaces.contains(where: { $0.inode == status.inode })
            else { continue }
            guard networks.namespaces.count < NetworkTable.maximumNamespaces else {
                statistics.count(.exhausted)
                return
            }
            let owner = owner(of: slot)
            networks.namespaces.append(
                NetworkTable.Namespace(
                    inode: status.inode, process: process, slot: owner, generation: table.records[owner].generation))
            networks.due = 0
        }
    }

    /// A namespace belongs to the pod, else to the container or machine that the process runs in, else to its cgroup.
    private func owner(of slot: Int) -> Int {
        var container = slot
        var current = slot
        while current >= 0 {
            switch table.records[current].identity.kind {
            case .pod: return current
            case .container, .machine: container = current
            default: break
            }
            current = table.parentSlot(of: table.records[current].path)
        }
        return container
    }

    /// False when the process is gone, has another namespace now, or the owner is no more.
    private mutating func readNamespace(_ index: Int) -> Bool {
        let namespace = networks.namespaces[index]
        let record = table.records[namespace.slot]
        guard record.isLive, record.generation == namespace.generation else { return false }
        let path = networkPath(namespace.process)
        guard FileStatus.of(path, at: AT_FDCWD)?.inode == namespace.inode,
            reader.readRecords(at: AT_FDCWD, path: path) == .read
        else { return false }
        let buffer = reader.buffer
        NetworkText.parse(
            buffer.span.extracting(0..<reader.byteCount), into: &networks.namespaces[index].interfaces,
            limit: settings.maximumInterfacesPerNamespace)
        networks.namespaces[index].sockets = readSockets(process: String(namespace.process))
        return true
    }

    /// Lets another cgroup that shares the namespace take it over at the next sweep.
    private mutating func forgetNamespace(_ index: Int) {
        let inode = networks.namespaces[index].inode
        networks.namespaces.remove(at: index)
        for slot in table.records.indices where table.records[slot].networkNamespace == inode {
            table.records[slot].networkNamespace = 0
            table.records[slot].networkProcess = 0
        }
    }

    /// A container has started when its first process has; see proc_pid_stat(5), field 22.
    private mutating func noteProcessStart(_ slot: Int, _ process: UInt64) {
        guard table.records[slot].identity.kind == .container, machine.bootNanoseconds > 0,
            !table.records[slot].knowsStart
        else { return }
        let path = Array("\(settings.rootPath)/proc/\(process)/stat".utf8) + [0]
        guard reader.read(at: AT_FDCWD, path: path) == .read,
            let ticks = ProcessText.startTicks(reader.buffer.span.extracting(0..<reader.byteCount))
        else { return }
        table.records[slot].knowsStart = true
        table.set(
            .startTime, of: slot, to: machine.bootNanoseconds &+ ticks &* KernelKeys.nanosecondsPerTick)
    }

    /// What all disks of the machine did, for the root cgroup.
    mutating func readHostDisks() {
        let path = Array("\(settings.rootPath)/proc/diskstats".utf8) + [0]
        guard reader.readRecords(at: AT_FDCWD, path: path) == .read else {
            hostDisks.removeAll(keepingCapacity: true)
            return
        }
        let buffer = reader.buffer
        DiskStatistics.parse(buffer.span.extracting(0..<reader.byteCount), into: &hostDisks)
        for index in hostDisks.indices.reversed() where devices.isPartition(hostDisks[index].device) {
            hostDisks.remove(at: index)
        }
    }
}
