/// What one cgroup did on one block device.
struct BlockCounters {
    /// Major number in the upper half, minor in the lower.
    var device: UInt64
    var readBytes: UInt64 = 0
    var writeBytes: UInt64 = 0
    var discardBytes: UInt64 = 0
    var reads: UInt64 = 0
    var writes: UInt64 = 0
    var discards: UInt64 = 0
    /// Whether the kernel tells discards apart (version 1 from 4.19 on, all of version 2).
    var hasDiscards = false
    /// Whether a current reading mentioned the device's bytes or operations.
    var hasBytes = false
    var hasOperations = false

    /// What the controller io.cost says, nil where it is not on for the device.
    var cost: BlockCost?

    init(device: UInt64) { self.device = device }
}

/// Times of the controller io.cost in nanoseconds, see "IO Interface Files" in the kernel's admin-guide/cgroup-v2.rst.
struct BlockCost: Equatable {
    var usage: UInt64 = 0
    var wait: UInt64 = 0
    var inDebt: UInt64 = 0
    var inDelay: UInt64 = 0
}

/// Parsers of the block I/O files of both versions.
enum BlockText {
    /// Reads `blkio.*` lines such as `8:0 Read 4096` into the list.
    static func parseVersion1(
        _ bytes: Span<UInt8>, areBytes: Bool, into devices: inout [BlockCounters], limit: Int
    ) {
        for index in devices.indices {
            if areBytes { devices[index].hasBytes = false } else { devices[index].hasOperations = false }
        }
        var position = 0
        while position < bytes.count {
            if let device = deviceNumber(bytes, at: &position) {
                let operation = KernelText.word(bytes, at: &position)
                KernelText.skipSpaces(bytes, at: &position)
                if let number = KernelText.number(bytes, at: &position),
                    let index = index(of: device, in: &devices, limit: limit)
                {
                    if areBytes { devices[index].hasBytes = true } else { devices[index].hasOperations = true }
                    store(number, bytes, operation, areBytes: areBytes, into: &devices[index])
                }
            }
            KernelText.skipLine(bytes, at: &position)
        }
        devices.removeAll { !$0.hasBytes && !$0.hasOperations }
    }

    private static func store(
        _ number: UInt64, _ bytes: Span<UInt8>, _ operation: Range<Int>, areBytes: Bool,
        into counters: inout BlockCounters
    ) {
        if KernelText.matches(bytes, operation, "Read") {
            if areBytes { counters.readBytes = number } else { counters.reads = number }
        } else if KernelText.matches(bytes, operation, "Write") {
            if areBytes { counters.writeBytes = number } else { counters.writes = number }
        } else if KernelText.matches(bytes, operation, "Discard") {
            counters.hasDiscards = true
            if areBytes { counters.discardBytes = number } else { counters.discards = number }
        }
    }

    /// Reads `io.stat` lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
    ///
    /// Some kernels print a line of a device number alone; it says nothing, so it is passed over.
    static func parseUnified(_ bytes: Span<UInt8>, into devices: inout [BlockCounters], limit: Int) {
        for index in devices.indices {
            devices[index].hasBytes = false
            devices[index].hasOperations = false
        }
        var position = 0
        while position < bytes.count {
            if let device = deviceNumber(bytes, at: &position) {
                var counters = BlockCounters(device: device)
                parsePairs(bytes, at: &position, into: &counters)
                if counters.hasBytes || counters.hasOperations,
                    let index = index(of: device, in: &devices, limit: limit)
                {
                    devices[index] = counters
                }
            }
            KernelText.skipLine(bytes, at: &position)
        }
        devices.removeAll { !$0.hasBytes && !$0.hasOperations }
    }

    private static func parsePairs(_ bytes: Span<UInt8>, at position: inout Int, into counters: inout BlockCounters) {
        while position < bytes.count, bytes[position] == KernelText.space {
            KernelText.skipSpaces(bytes, at: &position)
            let start = position
            while position < bytes.count, bytes[position] > KernelText.space, bytes[position] != UInt8(ascii: "=") {
                position &+= 1
            }
            let key = start..<position
            guard position < bytes.count, bytes[position] == UInt8(ascii: "=") else { return }
            position &+= 1
            let number = KernelText.number(bytes, at: &position)
            // `cost.vrate` has decimals: whatever follows the digits is not ours.
            while position < bytes.count, bytes[position] > KernelText.space { position &+= 1 }
            guard let number else { continue }
            storeUnified(number, bytes, key, into: &counters)
        }
    }

    private static func storeUnified(
        _ number: UInt64, _ bytes: Span<UInt8>, _ key: Range<Int>, into counters: inout BlockCounters
    ) {
        if KernelText.matches(bytes, key, "rbytes") {
            counters.readBytes = number
            counters.hasBytes = true
        } else if KernelText.matches(bytes, key, "wbytes") {
            counters.writeBytes = number
            counters.hasBytes = true
        } else if KernelText.matches(bytes, key, "rios") {
            counters.reads = number
            counters.hasOperations = true
        } else if KernelText.matches(bytes, key, "wios") {
            counters.writes = number
            counters.hasOperations = true
        } else if KernelText.matches(bytes, key, "dbytes") {
            counters.discardBytes = number
            counters.hasDiscards = true
        } else if KernelText.matches(bytes, key, "dios") {
            counters.discards = number
        } else if key.count > 5, KernelText.matches(bytes, key.prefix(5), "cost.") {
            storeCost(number, bytes, key.dropFirst(5), into: &counters)
        }
    }

    private static func storeCost(
        _ microseconds: UInt64, _ bytes: Span<UInt8>, _ key: Range<Int>, into counters: inout BlockCounters
    ) {
        let (number, overflow) = microseconds.multipliedReportingOverflow(by: KernelKeys.nanosecondsPerMicrosecond)
        if overflow { return }
        var cost = counters.cost ?? BlockCost()
        if KernelText.matches(bytes, key, "usage") {
            cost.usage = number
        } else if KernelText.matches(bytes, key, "wait") {
            cost.wait = number
        } else if KernelText.matches(bytes, key, "indebt") {
            cost.inDebt = number
        } else if KernelText.matches(bytes, key, "indelay") {
            cost.inDelay = number
        } else {
            // `cost.vrate` alone stands on the root's lines.
            return
        }
        counters.cost = cost
    }

    /// Reads `major:minor`; nil leaves the position somewhere on the same line.
    static func deviceNumber(_ bytes: Span<UInt8>, at position: inout Int) -> UInt64? {
        guard let major = KernelText.number(bytes, at: &position), position < bytes.count,
            bytes[position] == UInt8(ascii: ":")
        else { return nil }
        position &+= 1
        guard let minor = KernelText.number(bytes, at: &position), major <= UInt64(UInt32.max),
            minor <= UInt64(UInt32.max)
        else { return nil }
        return major << 32 | minor
    }

    private static func index(of device: UInt64, in devices: inout [BlockCounters], limit: Int) -> Int? {
        for index in devices.indices where devices[index].device == device { return index }
        guard devices.count < limit else { return nil }
        devices.append(BlockCounters(device: device))
        return devices.count - 1
    }
}
