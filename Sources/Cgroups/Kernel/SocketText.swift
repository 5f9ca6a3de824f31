/// What a table of UDP sockets adds up to.
struct DatagramSockets: Equatable {
    var sockets: UInt64 = 0
    var transmitQueue: UInt64 = 0
    var receiveQueue: UInt64 = 0
    var drops: UInt64 = 0
}

/// Reads `/proc/PID/net/tcp`, `tcp6`, `udp` and `udp6`: a heading and a line a socket, see proc_net_tcp.rst.
///
///       sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode …
///        0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7317 …
enum SocketText {
    /// States 1 to 12 of include/net/tcp_states.h in order; the last is a socket half open on a listener.
    static let states: [StaticString] = [
        "established", "synsent", "synrecv", "finwait1", "finwait2", "timewait", "close", "closewait", "lastack",
        "listen", "closing", "newsynrecv",
    ]

    /// Adds the sockets of each state to the counts.
    static func countStates(_ bytes: Span<UInt8>, into counts: inout [12 of UInt64]) {
        var position = 0
        KernelText.skipLine(bytes, at: &position)
        while position < bytes.count {
            for _ in 0..<3 { _ = KernelText.word(bytes, at: &position) }
            KernelText.skipSpaces(bytes, at: &position)
            if let state = hexadecimal(bytes, at: &position), state >= 1, state <= 12 {
                counts[Int(state) - 1] &+= 1
            }
            KernelText.skipLine(bytes, at: &position)
        }
    }

    /// The sums of all lines; the queues stand as transmit, colon, receive, in hexadecimal, the drops last.
    static func datagrams(_ bytes: Span<UInt8>) -> DatagramSockets {
        var result = DatagramSockets()
        var position = 0
        KernelText.skipLine(bytes, at: &position)
        while position < bytes.count {
            for _ in 0..<4 { _ = KernelText.word(bytes, at: &position) }
            KernelText.skipSpaces(bytes, at: &position)
            if let transmit = hexadecimal(bytes, at: &position), position < bytes.count,
                bytes[position] == UInt8(ascii: ":")
            {
                position += 1
                result.sockets &+= 1
                result.transmitQueue &+= transmit
                result.receiveQueue &+= hexadecimal(bytes, at: &position) ?? 0
                result.drops &+= lastNumber(bytes, at: &position)
            }
            KernelText.skipLine(bytes, at: &position)
        }
        return result
    }

    /// The 13th word; lines of old kernels are shorter and tell no drops.
    private static func lastNumber(_ bytes: Span<UInt8>, at position: inout Int) -> UInt64 {
        for _ in 5..<12 { _ = KernelText.word(bytes, at: &position) }
        KernelText.skipSpaces(bytes, at: &position)
        return KernelText.number(bytes, at: &position) ?? 0
    }

    private static func hexadecimal(_ bytes: Span<UInt8>, at position: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var digits = 0
        while position < bytes.count, digits < 16 {
            let byte = bytes[position]
            let lower = byte | 0x20
            if byte &- 0x30 < 10 {
                value = value << 4 | UInt64(byte &- 0x30)
            } else if lower &- 0x61 < 6 {
                value = value << 4 | UInt64(lower &- 0x61 &+ 10)
            } else {
                break
            }
            digits += 1
            position += 1
        }
        return digits == 0 ? nil : value
    }
}
