/// What went through one network interface.
struct InterfaceCounters {
    /// The kernel's name; at most 15 bytes, anything but `/` and white space.
    var name: [UInt8]
    var receiveBytes: UInt64 = 0
    var receivePackets: UInt64 = 0
    var receiveErrors: UInt64 = 0
    var receiveDropped: UInt64 = 0
    var transmitBytes: UInt64 = 0
    var transmitPackets: UInt64 = 0
    var transmitErrors: UInt64 = 0
    var transmitDropped: UInt64 = 0

    init(name: [UInt8]) { self.name = name }
}

/// Reads `/proc/PID/net/dev`.
enum NetworkText {
    /// Columns of numbers after the name: eight received, eight transmitted.
    private static let columnCount = 16

    /// Replaces the list by the interfaces of the file, `lo` left out, without allocating when they are the same.
    static func parse(_ bytes: Span<UInt8>, into interfaces: inout [InterfaceCounters], limit: Int) {
        var position = 0
        var count = 0
        while position < bytes.count, count < limit {
            if let name = name(bytes, at: &position), !KernelText.matches(bytes, name, "lo") {
                let existing = count < interfaces.count ? interfaces[count].name : []
                let isSame = existing.count == name.count && isEqual(existing, bytes, name)
                var counters = InterfaceCounters(name: isSame ? existing : KernelText.copy(bytes, name))
                if parseColumns(bytes, at: &position, into: &counters) {
                    if count < interfaces.count {
                        interfaces[count] = counters
                    } else {
                        interfaces.append(counters)
                    }
                    count += 1
                }
            }
            KernelText.skipLine(bytes, at: &position)
        }
        if interfaces.count > count { interfaces.removeSubrange(count...) }
    }

    /// The name before the colon; nil for the two heading lines, which have none.
    private static func name(_ bytes: Span<UInt8>, at position: inout Int) -> Range<Int>? {
        KernelText.skipSpaces(bytes, at: &position)
        let start = position
        var colon = -1
        // A name may hold colons (`eth0:1`), so the last one before the first number's space counts.
        while position < bytes.count, bytes[position] > KernelText.space {
            if bytes[position] == UInt8(ascii: ":") { colon = position }
            position &+= 1
        }
        guard colon > start else { return nil }
        position = colon + 1
        return start..<colon
    }

    private static func parseColumns(
        _ bytes: Span<UInt8>, at position: inout Int, into counters: inout InterfaceCounters
    ) -> Bool {
        for column in 0..<columnCount {
            KernelText.skipSpaces(bytes, at: &position)
            guard let number = KernelText.number(bytes, at: &position) else { return false }
            switch column {
            case 0: counters.receiveBytes = number
            case 1: counters.receivePackets = number
            case 2: counters.receiveErrors = number
            case 3: counters.receiveDropped = number
            case 8: counters.transmitBytes = number
            case 9: counters.transmitPackets = number
            case 10: counters.transmitErrors = number
            case 11: counters.transmitDropped = number
            default: break
            }
        }
        return true
    }

    private static func isEqual(_ name: [UInt8], _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for offset in 0..<name.count where name[offset] != bytes[range.lowerBound + offset] { return false }
        return true
    }
}
