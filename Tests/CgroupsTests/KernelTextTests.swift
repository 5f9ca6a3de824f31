import TestSupport
import Testing

@testable import Cgroups

@Suite("kernel files")
struct KernelTextTests {
    @Test(
        "a file of one number gives it, and nothing for words, signs and numbers over 64 bits",
        arguments: [
            ("0\n", 0), ("18446744073709551615\n", UInt64.max), ("18446744073709551616\n", nil),
            ("99999999999999999999999\n", nil), ("max\n", nil), ("-1\n", nil), ("", nil), (" 12 ", 12),
            ("9007199254740993", 9_007_199_254_740_993), ("9223372036854775808", 9_223_372_036_854_775_808),
        ] as [(String, UInt64?)])
    func numbers(text: String, expected: UInt64?) {
        #expect(KernelText.onlyNumber(Array(text.utf8).span) == expected)
    }

    @Test("keyed files give the known keys and pass over all else")
    func keyed() {
        var row = [UInt64](repeating: 0, count: Field.columnCount)
        let text = "anon 5\nfile\nunknown 7\nfile_mapped x\n\nkernel 18446744073709551616\ninactive_file 9"
        var malformed: UInt64 = 0
        let found = KernelKeys.memoryVersion2.parse(Array(text.utf8).span, into: &row, at: 0, malformed: &malformed)
        #expect(malformed == 2)
        #expect(found == FieldSet([.memoryResident, .memoryInactiveFile]))
        #expect(row[Int(Field.memoryResident.rawValue)] == 5)
        #expect(row[Int(Field.memoryInactiveFile.rawValue)] == 9)
    }

    @Test("the columns fit a row and a word")
    func columns() {
        #expect(Field.allCases.count <= Field.columnCount)
    }

    @Test("io.stat keeps devices with numbers and passes over lines without")
    func unifiedBlock() {
        var devices: [BlockCounters] = []
        let text = """
            8:16
            259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.vrate=100.00 cost.usage=7
            8:0 rbytes=18446744073709551615
            """
        BlockText.parseUnified(Array(text.utf8).span, into: &devices, limit: 8)
        #expect(devices.map(\.device) == [259 << 32, 8 << 32])
        #expect(devices.first?.writes == 4)
        #expect(devices.first?.discards == 6)
        #expect(devices.last?.readBytes == .max)
        BlockText.parseUnified([UInt8]().span, into: &devices, limit: 8)
        #expect(devices.isEmpty)
    }

    @Test("blkio files of bytes and operations make one entry for a device, never more than the limit")
    func version1Block() {
        var devices: [BlockCounters] = []
        let bytes = "8:0 Read 1\n8:0 Write 2\n8:0 Discard 3\n8:16 Read 4\n8:32 Read 5\nTotal 6\n"
        BlockText.parseVersion1(Array(bytes.utf8).span, areBytes: true, into: &devices, limit: 2)
        BlockText.parseVersion1(
            Array("8:0 Read 7\n8:0 Write 8\nTotal 15\n".utf8).span, areBytes: false, into: &devices, limit: 2)
        #expect(devices.count == 2)
        #expect(devices[0].readBytes == 1 && devices[0].writes == 8 && devices[0].discardBytes == 3)
        #expect(devices[0].hasDiscards && devices[1].hasBytes && !devices[1].hasOperations)
        BlockText.parseVersion1(Array("Total 0\n".utf8).span, areBytes: true, into: &devices, limit: 2)
        #expect(devices.count == 1)
    }

    @Test("pressure files give totals; a file with full alone gives that alone")
    func pressure() {
        let both = PressureText.parse(Array(CgroupTree.pressure(some: 12, full: 34).utf8).span)
        #expect(both.some == 12 && both.full == 34)
        let full = PressureText.parse(Array("full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n".utf8).span)
        #expect(full.some == nil && full.full == 5)
        let none = PressureText.parse(Array("some avg10=0.00\nfull total=\n".utf8).span)
        #expect(none.some == nil && none.full == nil)
    }

    @Test("net/dev gives interfaces but the loopback one, names with colons and numbers that touch the colon too")
    func network() {
        var interfaces: [InterfaceCounters] = []
        let text =
            CgroupTree.interfaces(receiveBytes: 9, name: "longhorn0") + "eth0:1:7 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0\n"
        NetworkText.parse(Array(text.utf8).span, into: &interfaces, limit: 8)
        #expect(interfaces.map { String(decoding: $0.name, as: UTF8.self) } == ["longhorn0", "eth0:1"])
        #expect(interfaces[0].receiveBytes == 9 && interfaces[0].transmitDropped == 4)
        #expect(interfaces[1].receiveBytes == 7 && interfaces[1].transmitBytes == 8)
        NetworkText.parse(Array(text.utf8).span, into: &interfaces, limit: 1)
        #expect(interfaces.count == 1)
    }

    @Test("the start of a process is found behind a name with spaces and parentheses")
    func processStart() {
        let text = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20"
        #expect(ProcessText.startTicks(Array(text.utf8).span) == 777)
        #expect(ProcessText.startTicks(Array("42 (a".utf8).span) == nil)
        #expect(ProcessText.startTicks(Array("42 (a) S 1".utf8).span) == nil)
    }

    @Test("diskstats gives disks that did something")
    func disks() {
        var disks: [DiskCounters] = []
        let text = "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12\n 8 0 sda 1 2\n"
        DiskStatistics.parse(Array(text.utf8).span, into: &disks)
        #expect(disks.map(\.device) == [259 << 32])
        #expect(disks.first?.weightedMilliseconds == 11)
    }

    @Test(
        "mount tables give each hierarchy with its controllers",
        arguments: [
            ("31 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct", true, ""),
            ("31 23 0:28 /docker/x /a\\040b rw - cgroup cgroup rw,memory", true, "/docker/x"),
            ("31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw", true, ""),
            ("31 23 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd", false, ""),
            ("31 23 0:28 / /proc rw - proc proc rw", false, ""), ("31 - cgroup2", false, ""), ("", false, ""),
        ])
    func mounts(line: String, isTaken: Bool, prefix: String) {
        let found = MountTable.hierarchies(in: line + "\n")
        #expect(found.isEmpty != isTaken)
        #expect(found.first.map(\.idPrefix) ?? "" == prefix)
        if line.contains("040") { #expect(found.first?.mountPoint == "/a b") }
    }

    @Test(
        "lists of processors, and lists that are none",
        arguments: [
            ("0-3,8\n", [0, 1, 2, 3, 8]), ("0", [0]), ("3-1", []), ("a-b", []), ("0-99999999999", []), ("", []),
        ])
    func processors(list: String, expected: [Int]) {
        #expect(MachineFacts.processors(in: list.split(separator: "\n").first.map(String.init) ?? "") == expected)
    }

    @Test("notifications cut short or of absurd length end the list")
    func notifications() {
        var bytes: [UInt8] = [1, 0, 0, 0, 0, 1, 0, 0x40, 0, 0, 0, 0, 4, 0, 0, 0, 0x61, 0x62, 0, 0]
        let whole = DirectoryWatcher.events(in: bytes.span)
        #expect(whole.count == 1 && whole[0].name == [0x61, 0x62])
        bytes[15] = 0xFF
        #expect(DirectoryWatcher.events(in: bytes.span).isEmpty)
        #expect(DirectoryWatcher.events(in: [1, 2, 3].span).isEmpty)
    }
}
