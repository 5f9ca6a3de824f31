/// One line of `/proc/diskstats`: what the whole machine did on a disk.
struct DiskCounters {
    static let bytesPerSector: UInt64 = 512

    var device: UInt64
    /// The first eleven numbers after the name, see admin-guide/iostats.rst: reads, merged, sectors, ms; the same of
    /// writes; in flight, busy ms, weighted ms.
    var numbers: InlineArray<11, UInt64> = .init(repeating: 0)

    var reads: UInt64 { numbers[0] }
    var readsMerged: UInt64 { numbers[1] }
    var readSectors: UInt64 { numbers[2] }
    var readMilliseconds: UInt64 { numbers[3] }
    var writes: UInt64 { numbers[4] }
    var writesMerged: UInt64 { numbers[5] }
    var writeSectors: UInt64 { numbers[6] }
    var writeMilliseconds: UInt64 { numbers[7] }
    var inFlight: UInt64 { numbers[8] }
    var busyMilliseconds: UInt64 { numbers[9] }
    var weightedMilliseconds: UInt64 { numbers[10] }

    init(device: UInt64) { self.device = device }
}

/// Reads `/proc/diskstats`.
enum DiskStatistics {
    /// Disks on the machine at most.
    static let maximumDisks = 1_024

    /// Replaces the list by the disks that ever did something.
    static func parse(_ bytes: Span<UInt8>, into disks: inout [DiskCounters]) {
        disks.removeAll(keepingCapacity: true)
        var position = 0
        while position < bytes.count, disks.count < maximumDisks {
            if let disk = line(bytes, at: &position), disk.reads > 0 || disk.writes > 0 { disks.append(disk) }
            KernelText.skipLine(bytes, at: &position)
        }
    }

    private static func line(_ bytes: Span<UInt8>, at position: inout Int) -> DiskCounters? {
        KernelText.skipSpaces(bytes, at: &position)
        guard let major = KernelText.number(bytes, at: &position) else { return nil }
        KernelText.skipSpaces(bytes, at: &position)
        guard let minor = KernelText.number(bytes, at: &position), major <= UInt64(UInt32.max),
            minor <= UInt64(UInt32.max), !KernelText.word(bytes, at: &position).isEmpty
        else { return nil }
        var disk = DiskCounters(device: major << 32 | minor)
        for index in disk.numbers.indices {
            KernelText.skipSpaces(bytes, at: &position)
            guard let number = KernelText.number(bytes, at: &position) else { return nil }
            disk.numbers[index] = number
        }
        return disk
    }
}
