import Exposition
import TestSupport

@testable import Cgroups

/// What the collector reads: files of the kernel and of container runtimes.
extension FuzzTarget {
    /// Every parser of one file, on the same bytes.
    static func kernel(_ bytes: [UInt8]) {
        let span = bytes.span
        var row = [UInt64](repeating: 0, count: Field.columnCount)
        var malformed: UInt64 = 0
        for table in keyTables { _ = table.parse(span, into: &row, at: 0, malformed: &malformed) }
        var devices: [BlockCounters] = []
        BlockText.parseVersion1(span, areBytes: true, into: &devices, limit: 64)
        BlockText.parseUnified(span, into: &devices, limit: 64)
        precondition(devices.count <= 64, "more devices than the limit")
        var disks: [DiskCounters] = []
        DiskStatistics.parse(span, into: &disks)
        var numbers: [UInt64] = []
        ExtraText.parsePerCPU(span, into: &numbers)
        var nodes: [NodePages] = []
        ExtraText.parseNodes(span, pageBytes: 4096, into: &nodes)
        ExtraText.parseNodes(span, pageBytes: nil, into: &nodes)
        var interfaces: [InterfaceCounters] = []
        NetworkText.parse(span, into: &interfaces, limit: 64)
        precondition(interfaces.count <= 64, "more interfaces than the limit")
        var states = [12 of UInt64](repeating: 0)
        SocketText.countStates(span, into: &states)
        _ = SocketText.datagrams(span)
        _ = PressureText.parse(span)
        _ = KernelText.onlyNumber(span)
        _ = KernelText.keyed(span, "populated")
        _ = ProcessText.startTicks(span)
        _ = ProcessText.state(span)
        _ = ProcessText.isFirstInNamespace(span)
        _ = ProcessText.schedule(span)
        _ = ProcessText.openFilesLimit(span)
        _ = ProcessText.referencedBytes(span)
        _ = DirectoryWatcher.events(in: span)
        names(bytes)
        ends(bytes)
    }

    /// What runtimes write about ends.
    private static func ends(_ bytes: [UInt8]) {
        _ = RuntimeEnds.docker(bytes, started: 1)
        _ = RuntimeEnds.containerd(bytes)
        _ = RuntimeEnds.conmon(bytes)
    }

    private static func names(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = MountTable.hierarchies(in: text)
        let identity = CgroupPathParser.identity(of: text)
        let names = RuntimeFiles.docker(bytes, labels: ["a"])
        _ = RuntimeFiles.annotations(bytes, labels: ["a"])
        _ = RuntimeFiles.podman(bytes, identifier: "0123456789abcdef")
        if let names { _ = CgroupLabels.rendered(path: bytes, identity: identity, names: names) }
        _ = MachineFilesystems.mounts(MachineText(bytes: bytes))
        _ = NameFiles.containerLog(text)
        _ = NameFiles.podFolder(text)
        _ = MachineFacts.processors(in: text)
        _ = MachineTopology.bytes(text)
        _ = ProtocolText.counters(MachineText(bytes: bytes), of: "Tcp:")
        let mounts = MountText.parse(bytes)
        let host = HostMounts(mounts)
        for volume in ContainerMounts(mounts).volumes.prefix(8) {
            if let path = host.path(of: volume.root, device: volume.device) { _ = host.points(below: path) }
            _ = host.mount(of: volume.root)
        }
    }

    private static let keyTables = [
        KernelKeys.memoryVersion1, KernelKeys.memoryVersion2, KernelKeys.cpuVersion1, KernelKeys.cpuVersion2,
        KernelKeys.memoryEvents, KernelKeys.oomControl, KernelKeys.cpuAccounting,
        KernelKeys.processEvents,
    ]

    // MARK: The machine

    /// The machine's files in a folder; the first byte of an input says which of them the rest replaces.
    static func machine(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let file = FuzzSeeds.machine[Int(first) % FuzzSeeds.machine.count]
        machineTree.write(file.path, bytes: Array(bytes.dropFirst()))
        var settings = MachineSettings()
        settings.rootPath = machineTree.path
        settings.maximumSeries = 2000
        var page: [UInt8] = []
        MachineCollector(settings: settings).render(into: &page)
        machineTree.write(file.path, file.text)
        // Read once: the parsers have targets of their own, and instrumented they take most of the time.
        var parser = ExpositionParser(page, format: .text)
        var lineCount = 0
        do { while try parser.next() != nil { lineCount += 1 } } catch { preconditionFailure("\(error)") }
        precondition(lineCount < 20_000, "a page without limit")
    }

    private static let machineTree: TemporaryDirectory = {
        let tree = TemporaryDirectory("lapwing-fuzz")
        for file in FuzzSeeds.machine { tree.write(file.path, file.text) }
        return tree
    }()
}
