/// A family of series with a device label: per cgroup, and for the root from the machine's disks.
struct BlockFamily {
    var name: [UInt8]
    /// Nil when the family before has the same name.
    var heading: [UInt8]?
    var unit: Family.Unit
    /// Labels after the device's.
    var labels: [UInt8]
    var ofCgroup: @Sendable (BlockCounters) -> UInt64?
    var ofHost: @Sendable (DiskCounters) -> UInt64?

    private init(
        _ name: String, _ kind: Family.Kind, _ unit: Family.Unit, _ help: String,
        _ ofCgroup: @escaping @Sendable (BlockCounters) -> UInt64?,
        _ ofHost: @escaping @Sendable (DiskCounters) -> UInt64?
    ) {
        self.name = Array(name.utf8)
        heading = Family.heading(name, kind, help)
        self.unit = unit
        labels = []
        self.ofCgroup = ofCgroup
        self.ofHost = ofHost
    }

    private static let nanosecondsPerMillisecond: UInt64 = 1_000_000

    static let perCgroup: [BlockFamily] =
        [
            BlockFamily(
                "container_fs_reads_bytes_total", .counter, .integer, "Bytes read from the device by the cgroup.",
                { $0.hasBytes ? $0.readBytes : nil }, { $0.readSectors &* DiskCounters.bytesPerSector }),
            BlockFamily(
                "container_fs_writes_bytes_total", .counter, .integer, "Bytes written to the device by the cgroup.",
                { $0.hasBytes ? $0.writeBytes : nil }, { $0.writeSectors &* DiskCounters.bytesPerSector }),
            BlockFamily(
                "container_fs_reads_total", .counter, .integer, "Reads from the device by the cgroup.",
                { $0.hasOperations ? $0.reads : nil }, { $0.reads }),
            BlockFamily(
                "container_fs_writes_total", .counter, .integer, "Writes to the device by the cgroup.",
                { $0.hasOperations ? $0.writes : nil }, { $0.writes }),
        ] + cost + usage + ofHost

    /// Only where the controller io.cost is on for the device.
    private static let cost: [BlockFamily] = [
        cost("usage", "Time that the device worked for the cgroup, by io.cost's model.") { $0.usage },
        cost("wait", "Time that operations waited to be let through.") { $0.wait },
        cost("indebt", "Time in which the cgroup had used more than its share.") { $0.inDebt },
        cost("indelay", "Time in which the cgroup was slowed down for its debts.") { $0.inDelay },
    ]

    private static func cost(
        _ name: String, _ help: String, _ value: @escaping @Sendable (BlockCost) -> UInt64
    ) -> BlockFamily {
        BlockFamily(
            "container_fs_io_cost_\(name)_seconds_total", .counter, .seconds, help, { $0.cost.map(value) },
            { _ in nil })
    }

    /// The same bytes by operation: one family in three parts, so that its lines stay together.
    private static let usage: [BlockFamily] = [
        usage("Read", { $0.hasBytes ? $0.readBytes : nil }, { $0.readSectors &* DiskCounters.bytesPerSector }),
        usage("Write", { $0.hasBytes ? $0.writeBytes : nil }, { $0.writeSectors &* DiskCounters.bytesPerSector }),
        usage("Discard", { $0.hasBytes && $0.hasDiscards ? $0.discardBytes : nil }, { _ in nil }),
    ]

    private static func usage(
        _ operation: String, _ ofCgroup: @escaping @Sendable (BlockCounters) -> UInt64?,
        _ ofHost: @escaping @Sendable (DiskCounters) -> UInt64?
    ) -> BlockFamily {
        var family = BlockFamily(
            "container_blkio_device_usage_total", .counter, .integer, "Bytes moved by the cgroup, by operation.",
            ofCgroup, ofHost)
        if operation != "Read" { family.heading = nil }
        family.labels = Array(",operation=\"\(operation)\"".utf8)
        return family
    }

    /// What only the machine's disks can tell; never under a container's labels.
    private static let ofHost: [BlockFamily] = [
        host("container_fs_sector_reads_total", .counter, .integer, "Sectors of 512 bytes read.") { $0.readSectors },
        host("container_fs_sector_writes_total", .counter, .integer, "Sectors of 512 bytes written.") {
            $0.writeSectors
        },
        host("container_fs_reads_merged_total", .counter, .integer, "Reads merged into others.") { $0.readsMerged },
        host("container_fs_writes_merged_total", .counter, .integer, "Writes merged into others.") { $0.writesMerged },
        host("container_fs_read_seconds_total", .counter, .seconds, "Time that reads took.") {
            $0.readMilliseconds &* nanosecondsPerMillisecond
        },
        host("container_fs_write_seconds_total", .counter, .seconds, "Time that writes took.") {
            $0.writeMilliseconds &* nanosecondsPerMillisecond
        },
        host("container_fs_io_current", .gauge, .integer, "Operations in flight.") { $0.inFlight },
        host("container_fs_io_time_seconds_total", .counter, .seconds, "Time in which the disk was busy.") {
            $0.busyMilliseconds &* nanosecondsPerMillisecond
        },
        host(
            "container_fs_io_time_weighted_seconds_total", .counter, .seconds,
            "Time in which the disk was busy times operations in flight."
        ) { $0.weightedMilliseconds &* nanosecondsPerMillisecond },
    ]

    private static func host(
        _ name: String, _ kind: Family.Kind, _ unit: Family.Unit, _ help: String,
        _ value: @escaping @Sendable (DiskCounters) -> UInt64
    ) -> BlockFamily {
        BlockFamily(name, kind, unit, help, { _ in nil }, value)
    }
}

/// A family of series with an interface label.
struct NetworkFamily: Sendable {
    var name: [UInt8]
    var heading: [UInt8]
    var value: @Sendable (InterfaceCounters) -> UInt64

    private init(_ name: String, _ help: String, _ value: @escaping @Sendable (InterfaceCounters) -> UInt64) {
        self.name = Array("container_network_\(name)_total".utf8)
        heading = Family.heading("container_network_\(name)_total", .counter, help)
        self.value = value
    }

    static let all: [NetworkFamily] = [
        NetworkFamily("receive_bytes", "Bytes received.") { $0.receiveBytes },
        NetworkFamily("receive_packets", "Packets received.") { $0.receivePackets },
        NetworkFamily("receive_errors", "Errors while receiving.") { $0.receiveErrors },
        NetworkFamily("receive_packets_dropped", "Packets dropped while receiving.") { $0.receiveDropped },
        NetworkFamily("transmit_bytes", "Bytes sent.") { $0.transmitBytes },
        NetworkFamily("transmit_packets", "Packets sent.") { $0.transmitPackets },
        NetworkFamily("transmit_errors", "Errors while sending.") { $0.transmitErrors },
        NetworkFamily("transmit_packets_dropped", "Packets dropped while sending.") { $0.transmitDropped },
    ]
}
