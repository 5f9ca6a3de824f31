/// What TCP and UDP did in one network namespace.
struct SocketCounters {
    var sentSegments: UInt64?
    var retransmittedSegments: UInt64?
    /// Sockets by state, of `net/tcp` and `net/tcp6`; nil where the group is off.
    var states: [12 of UInt64]?
    var states6: [12 of UInt64]?
    var datagrams: DatagramSockets?
    var datagrams6: DatagramSockets?
    /// All counters of `net/snmp` and `net/netstat` about TCP, by their names in small letters.
    var advanced: [(name: [UInt8], value: UInt64)] = []
}

/// Reading protocol counters of a namespace; lists of sockets only when their groups are asked for.
extension Sweeper {
    /// Lists of sockets are read up to this size.
    private static let listLimitBytes = 16 << 20

    mutating func readSockets(process: String) -> SocketCounters {
        var counters = SocketCounters()
        let folder = "\(settings.rootPath)/proc/\(process)/net/"
        let wantsAll = settings.groups.contains(.advancedTCP)
        let isNetworkOn = settings.groups.contains(.network)
        if let text = text(folder + "snmp") {
            for (name, value) in ProtocolText.counters(text, of: "Tcp:") {
                if isNetworkOn, name == Array("OutSegs".utf8) { counters.sentSegments = value }
                if isNetworkOn, name == Array("RetransSegs".utf8) { counters.retransmittedSegments = value }
                if wantsAll { counters.advanced.append((Self.lowercased(name), value)) }
            }
        }
        if wantsAll, let text = text(folder + "netstat") {
            counters.advanced += ProtocolText.counters(text, of: "TcpExt:").map { (Self.lowercased($0.name), $0.value) }
        }
        if settings.groups.contains(.tcp) {
            counters.states = states(folder + "tcp")
            counters.states6 = states(folder + "tcp6")
        }
        if settings.groups.contains(.udp) {
            counters.datagrams = text(folder + "udp").map { SocketText.datagrams($0.bytes.span) }
            counters.datagrams6 = text(folder + "udp6").map { SocketText.datagrams($0.bytes.span) }
        }
        return counters
    }

    private mutating func text(_ path: String) -> MachineText? {
        reader.contents(path: path, limitBytes: Self.listLimitBytes).map { MachineText(bytes: $0) }
    }

    private mutating func states(_ path: String) -> [12 of UInt64]? {
        guard let text = text(path) else { return nil }
        var counts = [12 of UInt64](repeating: 0)
        SocketText.countStates(text.bytes.span, into: &counts)
        return counts
    }

    private static func lowercased(_ name: [UInt8]) -> [UInt8] {
        name.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    }
}

/// Reads `net/snmp` and `net/netstat`: pairs of lines `Tcp: names…` and `Tcp: numbers…`, see proc_net_snmp in networking/.
enum ProtocolText {
    /// The counters of a protocol; those that are negative (a limit of -1) or have no name of letters and digits are left out.
    static func counters(_ text: MachineText, of name: StaticString) -> [(name: [UInt8], value: UInt64)] {
        var heading: MachineText.Words = []
        var counters: [(name: [UInt8], value: UInt64)] = []
        text.forEachLine { words in
            guard text.isWord(words[0], name) else { return true }
            if heading.isEmpty {
                heading = words
                return true
            }
            for (key, value) in zip(heading, words).dropFirst() {
                let name = text.word(key)
                guard name.allSatisfy(isOfName), let number = text.number(value) else { continue }
                counters.append((name, number))
            }
            return false
        }
        return counters
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
            || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }
}
