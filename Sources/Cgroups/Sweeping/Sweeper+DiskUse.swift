import MetricModel

/// Handing over to the walker who is there; its figures are for the page alone.
extension Sweeper {
    /// Tells the walker of the containers and pods, and looks whether it still makes progress.
    mutating func followDisks(now: UInt64) {
        disk.watch()
        guard now >= diskDue else { return }
        diskDue = due(settings.openedFilesIntervalMilliseconds, after: now)
        hostSpaces.refresh()
        var subjects: [DiskSubject] = []
        for slot in table.records.indices where table.records[slot].isShown {
            let kind = table.records[slot].identity.kind
            guard kind == .container || kind == .pod && table.records[slot].identity.isKubernetes else { continue }
            let record = table.records[slot]
            // The process that is held is number 1 inside; the first listed may be gone in a moment.
            let held = record.life.process.isOpen ? record.life.processID : 0
            subjects.append(
                DiskSubject(
                    key: DiskSubject.Key(slot: slot, generation: record.generation), identity: record.identity,
                    cgroupPath: String(decoding: record.id, as: UTF8.self), names: record.names,
                    process: held > 0 ? held : record.firstProcess))
        }
        disk.setSubjects(subjects)
    }
}

/// How full the host's own file systems are, for the root's series.
struct HostSpaces {
    private var files: MachineFiles
    private let prober: MountProber
    private(set) var known: [(device: String, space: FileSystemSpace)] = []

    init(rootPath: String, clock: any WallClock) {
        files = MachineFiles(rootPath: rootPath)
        prober = MountProber(clock: clock)
    }

    /// Takes what was answered since the last time and asks anew; a mount that hangs is not waited for.
    mutating func refresh() {
        guard let text = files.text(files.hostProcess("mounts")) else { return }
        let mounts = MachineFilesystems.mounts(text).filter { !MountEntry.isRemote(type: $0.type) }
        let outcomes = prober.knownOutcomes(of: mounts.map { files.rootPath + $0.point })
        known = []
        for mount in mounts {
            guard case .space(let space)? = outcomes[files.rootPath + mount.point], space.sizeBytes > 0 else {
                continue
            }
            let source = String(decoding: mount.device, as: UTF8.self)
            let device = source.hasPrefix("/dev/") ? source : mount.point
            // A device mounted at several places is one file system.
            if known.contains(where: { $0.device == device }) { continue }
            known.append((device, space))
        }
    }
}
