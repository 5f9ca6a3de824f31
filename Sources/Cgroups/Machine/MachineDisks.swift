import Glibc

/// What each disk did, and what udev knows about it.
struct MachineDisks {
    static let maximumDisks = 1_024

    private struct Disk {
        var name: [UInt8]
        var major: UInt64
        var minor: UInt64
        /// The numbers behind the name, see admin-guide/iostats.rst; as many as the kernel gives.
        var numbers: [UInt64]
    }

    private struct Column {
        var index: Int
        var name: StaticString
        var kind = MachineKind.counter
        var unit = Unit.count
        var help: StaticString
    }

    private enum Unit { case count, sectors, milliseconds }

    private static let columns: [Column] = [
        Column(
            index: 14, name: "disk_discard_time_seconds_total", unit: .milliseconds,
            help: "Seconds spent by all discards."),
        Column(index: 13, name: "disk_discarded_sectors_total", help: "Sectors discarded successfully."),
        Column(index: 11, name: "disk_discards_completed_total", help: "Discards completed successfully."),
        Column(index: 12, name: "disk_discards_merged_total", help: "Discards merged."),
        Column(
            index: 16, name: "disk_flush_requests_time_seconds_total", unit: .milliseconds,
            help: "Seconds spent by all flush requests."),
        Column(index: 15, name: "disk_flush_requests_total", help: "Flush requests completed successfully."),
        Column(index: 8, name: "disk_io_now", kind: .gauge, help: "I/Os in progress."),
        Column(index: 9, name: "disk_io_time_seconds_total", unit: .milliseconds, help: "Seconds spent doing I/Os."),
        Column(
            index: 10, name: "disk_io_time_weighted_seconds_total", unit: .milliseconds,
            help: "Seconds spent doing I/Os, times I/Os in progress."),
        Column(index: 2, name: "disk_read_bytes_total", unit: .sectors, help: "Bytes read successfully."),
        Column(
            index: 3, name: "disk_read_time_seconds_total", unit: .milliseconds, help: "Seconds spent by all reads."),
        Column(index: 0, name: "disk_reads_completed_total", help: "Reads completed successfully."),
        Column(index: 1, name: "disk_reads_merged_total", help: "Reads merged."),
        Column(
            index: 7, name: "disk_write_time_seconds_total", unit: .milliseconds,
            help: "Seconds spent by all writes."),
        Column(index: 4, name: "disk_writes_completed_total", help: "Writes completed successfully."),
        Column(index: 5, name: "disk_writes_merged_total", help: "Writes merged."),
        Column(index: 6, name: "disk_written_bytes_total", unit: .sectors, help: "Bytes written successfully."),
    ]

    func write(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/diskstats") else { return false }
        let disks = text.lines.prefix(Self.maximumDisks * 16).compactMap { Self.disk(text, $0) }
            .prefix(Self.maximumDisks)
        writeFacts(Array(disks), &files, &page)
        for column in Self.columns {
            page.family(column.name, column.kind, column.help)
            for disk in disks where column.index < disk.numbers.count {
                let number = disk.numbers[column.index]
                page.label("device", disk.name)
                switch column.unit {
                case .count: page.sample(.integer(number))
                case .sectors: page.sample(.integer(number &* DiskCounters.bytesPerSector))
                case .milliseconds: page.sample(.seconds(nanoseconds: number &* 1_000_000))
                }
            }
        }
        return true
    }

    private static func disk(_ text: MachineText, _ words: MachineText.Words) -> Disk? {
        guard words.count >= 14, let major = text.number(words[0]), let minor = text.number(words[1]) else {
            return nil
        }
        let name = text.word(words[2])
        guard !isPart(name) else { return nil }
        var numbers: [UInt64] = []
        for word in words.dropFirst(3) {
            guard let number = text.number(word) else { return nil }
            numbers.append(number)
        }
        return Disk(name: name, major: major, minor: minor, numbers: numbers)
    }

    /// Partitions, loops, RAM disks and floppies: `^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`.
    static func isPart(_ name: [UInt8]) -> Bool {
        var stem = name[...]
        while let last = stem.last, last &- 0x30 < 10 { stem = stem.dropLast() }
        guard stem.count < name.count else { return false }
        let text = String(decoding: stem, as: UTF8.self)
        if ["ram", "loop", "fd"].contains(text) { return true }
        if let letter = stem.last, letter &- 0x61 < 26, ["hd", "sd", "vd", "xvd"].contains(text.dropLast()) {
            return true
        }
        guard text.hasPrefix("nvme"), text.hasSuffix("p") else { return false }
        let parts = text.dropFirst(4).dropLast().split(separator: "n", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }
    }

    // MARK: What udev knows

    private func writeFacts(_ disks: [Disk], _ files: inout MachineFiles, _ page: inout MachinePage) {
        let facts = disks.map { Self.udev(&files, major: $0.major, minor: $0.minor) }
        page.family("disk_info", .gauge, "What udev knows about the disk.")
        for (disk, known) in zip(disks, facts) {
            page.label("device", disk.name)
            page.label("major", Array("\(disk.major)".utf8))
            page.label("minor", Array("\(disk.minor)".utf8))
            for (label, property) in [
                ("model", "ID_MODEL"), ("path", "ID_PATH"), ("revision", "ID_REVISION"), ("serial", "ID_SERIAL_SHORT"),
                ("wwn", "ID_WWN"),
            ] as [(StaticString, String)] {
                page.label(label, Array((known[property] ?? "").utf8))
            }
            page.sample(.integer(1))
        }
        page.family("disk_filesystem_info", .gauge, "The filesystem on the disk, as udev knows it.")
        for (disk, known) in zip(disks, facts) where known["ID_FS_TYPE"] != nil {
            page.label("device", disk.name)
            for (label, property) in [
                ("type", "ID_FS_TYPE"), ("usage", "ID_FS_USAGE"), ("uuid", "ID_FS_UUID"), ("version", "ID_FS_VERSION"),
            ] as [(StaticString, String)] {
                page.label(label, Array((known[property] ?? "").utf8))
            }
            page.sample(.integer(1))
        }
        page.family("disk_device_mapper_info", .gauge, "The device mapper's disk, as udev knows it.")
        for (disk, known) in zip(disks, facts) where known["DM_NAME"] != nil {
            page.label("device", disk.name)
            for (label, property) in [
                ("name", "DM_NAME"), ("uuid", "DM_UUID"), ("vg_name", "DM_VG_NAME"), ("lv_name", "DM_LV_NAME"),
                ("lv_layer", "DM_LV_LAYER"),
            ] as [(StaticString, String)] {
                page.label(label, Array((known[property] ?? "").utf8))
            }
            page.sample(.integer(1))
        }
    }

    /// The properties in udev's database: lines `E:NAME=value`.
    private static func udev(_ files: inout MachineFiles, major: UInt64, minor: UInt64) -> [String: String] {
        guard let text = files.text("/run/udev/data/b\(major):\(minor)") else { return [:] }
        var properties: [String: String] = [:]
        for line in String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").prefix(512)
        where line.hasPrefix("E:") {
            let parts = line.dropFirst(2).split(separator: "=", maxSplits: 1)
            if parts.count == 2 { properties[String(parts[0])] = String(parts[1]) }
        }
        return properties
    }
}
