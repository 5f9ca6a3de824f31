import Glibc
import TestSupport
import Testing

@testable import Cgroups

/// Every parser of a kernel file on texts that were changed at random.
///
/// `LAPWING_MUTATIONS` names another number of rounds for a long run.
@Suite("changed kernel files")
struct KernelTextMutationTests {
    static let identifier = String(repeating: "0123456789abcdef", count: 4)

    static let texts: [String] =
        Array(CgroupTree.version1Container.values.sorted()) + CgroupTree.unifiedContainer.values.sorted() + [
            CgroupTree.interfaces(receiveBytes: 1, name: "eth0"),
            "42 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", "5 7 9\n",
            "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
            "123 456 0 789 \n", "total=9 N0=4 N1=5\nfile=1 N0=1 N1=0\nhierarchical_anon=7 N0=7\n",
            "anon N0=4096 N1=8192\nfile N0=0\n", "max 7\n",
            "Limit  Soft  Hard  Units\nMax open files            1024                 4096                 files\n",
            "Rss: 5 kB\nReferenced:           12 kB\n",
            "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.vrate=100.00 cost.usage=7 cost.wait=8\n",
        ]

    static var rounds: Int {
        guard let text = unsafe getenv("LAPWING_MUTATIONS") else { return 20_000 }
        return Int(unsafe String(cString: text)) ?? 20_000
    }

    @Test("no parser traps, and none goes past its limit")
    func parsers() {
        var random = SeededGenerator(seed: 42)
        let tables = [
            KernelKeys.memoryVersion1, KernelKeys.memoryVersion2, KernelKeys.cpuVersion1, KernelKeys.cpuVersion2,
            KernelKeys.memoryEvents, KernelKeys.oomControl, KernelKeys.cpuAccounting,
            KernelKeys.processEvents,
        ]
        var row = [UInt64](repeating: 0, count: Field.columnCount)
        var devices: [BlockCounters] = []
        var interfaces: [InterfaceCounters] = []
        var disks: [DiskCounters] = []
        var numbers: [UInt64] = []
        var nodes: [NodePages] = []
        var malformed: UInt64 = 0
        for round in 0..<Self.rounds {
            let bytes = random.mutated(Array(Self.texts[round % Self.texts.count].utf8))
            let table = tables[round % tables.count]
            _ = table.parse(bytes.span, into: &row, at: 0, malformed: &malformed)
            BlockText.parseUnified(bytes.span, into: &devices, limit: 4)
            BlockText.parseVersion1(bytes.span, areBytes: round % 2 == 0, into: &devices, limit: 4)
            NetworkText.parse(bytes.span, into: &interfaces, limit: 4)
            DiskStatistics.parse(bytes.span, into: &disks)
            ExtraText.parsePerCPU(bytes.span, into: &numbers)
            ExtraText.parseNodes(bytes.span, pageBytes: round % 2 == 0 ? 4_096 : nil, into: &nodes)
            _ = PressureText.parse(bytes.span)
            _ = ProcessText.startTicks(bytes.span)
            _ = ProcessText.state(bytes.span)
            _ = ProcessText.schedule(bytes.span)
            _ = ProcessText.openFilesLimit(bytes.span)
            _ = ProcessText.referencedBytes(bytes.span)
            _ = KernelText.onlyNumber(bytes.span)
            _ = DirectoryWatcher.events(in: bytes.span)
            if round % 8 == 0 { _ = MountTable.hierarchies(in: String(decoding: bytes, as: UTF8.self)) }
            #expect(devices.count <= 4 && interfaces.count <= 4)
        }
    }

    @Test("a collector on a tree whose files all change at random goes on and counts what it could not read")
    func wholeTree() {
        var random = SeededGenerator(seed: 7)
        let tree = CgroupTree(.hybrid)
        let clock = StillClock()
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups = .all
        let collector = Collector(settings: settings, clock: clock)
        for _ in 0..<40 {
            for (name, text) in CgroupTree.version1Container {
                let bytes = random.mutated(Array(text.utf8))
                tree.version1("/docker/\(Self.identifier)", [name: String(decoding: bytes, as: UTF8.self)])
            }
            for (name, text) in CgroupTree.unifiedContainer {
                let bytes = random.mutated(Array(text.utf8))
                tree.unified("/docker/\(Self.identifier)", [name: String(decoding: bytes, as: UTF8.self)])
            }
            clock.advance(seconds: 61)
            let page = Page(collector)
            #expect(page.values("container_last_seen", Self.identifier).count == 1)
        }
        #expect(Page(collector).values("lapwing_collector_errors_total", "malformed") != ["0"])
    }
}
