import Glibc

/// Protocol counters, sockets in use, queues, neighbours and connection tracking of the host's network namespace.
struct MachineSockets {
    /// Which counters of `/proc/net/snmp`, `netstat` and `snmp6` are shown, as node_exporter chooses.
    static func isShown(protocol name: String, field: String) -> Bool {
        if field == "InErrors" || field == "InErrs" { return true }
        switch name {
        case "Ip": return field == "Forwarding"
        case "Ip6", "IpExt": return field == "InOctets" || field == "OutOctets"
        case "Icmp", "Icmp6": return field == "InMsgs" || field == "OutMsgs"
        case "Tcp":
            return ["ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab"]
                .contains(field)
        case "TcpExt":
            return field.hasPrefix("Listen") || field.hasPrefix("Syncookies")
                || ["TCPSynRetrans", "TCPTimeouts", "TCPOFOQueue", "TCPRcvQDrop"].contains(field)
        case "Udp", "Udp6":
            return ["InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors"].contains(field)
        default: return false
        }
    }

    func writeProtocols(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        var isThere = false
        for file in ["net/netstat", "net/snmp"] {
            guard let text = files.text(files.hostProcess(file)) else { continue }
            isThere = true
            // Lines come in pairs: `Tcp: names…` and `Tcp: numbers…`.
            var heading: MachineText.Words = []
            text.forEachLine { words in
                if let first = heading.first, text.word(first) == text.word(words[0]), heading.count == words.count {
                    writePair(text, heading, words, &page)
                    heading = []
                } else {
                    heading = words
                }
                return true
            }
        }
        guard let text = files.text(files.hostProcess("net/snmp6")) else { return isThere }
        text.forEachLine { words in
            // `Udp6InErrors`: the protocol ends with the six.
            let word = text.word(words[0])
            guard let six = word.firstIndex(of: UInt8(ascii: "6")), six + 1 < word.count else { return true }
            let name = String(decoding: word[...six], as: UTF8.self)
            let field = String(decoding: word[(six + 1)...], as: UTF8.self)
            if Self.isShown(protocol: name, field: field) {
                write(name, field, text.number(words, 1).map { .integer($0) }, &page)
            }
            return true
        }
        return isThere
    }

    private func writePair(
        _ text: MachineText, _ heading: MachineText.Words, _ words: MachineText.Words, _ page: inout MachinePage
    ) {
        let name = String(decoding: text.word(words[0]).dropLast(), as: UTF8.self)
        for (key, value) in zip(heading, words).dropFirst() {
            let field = String(decoding: text.word(key), as: UTF8.self)
            guard Self.isShown(protocol: name, field: field) else { continue }
            let number = text.number(value).map { MachineNumber.integer($0) } ?? text.signed(value).map { .signed($0) }
            write(name, field, number, &page)
        }
    }

    private func write(_ name: String, _ field: String, _ value: MachineNumber?, _ page: inout MachinePage) {
        page.family("netstat_", Array("\(name)_\(field)".utf8), "", .untyped, "The kernel's counter of this name.")
        page.sample(value)
    }

    /// `TCP: inuse 5 orphan 0 …`; memory is in pages and shown in bytes as well.
    func writeSockets(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        var isThere = false
        let pageBytes = UInt64(clamping: sysconf(Int32(_SC_PAGESIZE)))
        for file in ["net/sockstat", "net/sockstat6"] {
            guard let text = files.text(files.hostProcess(file)) else { continue }
            isThere = true
            text.forEachLine { words in
                let name = Array(text.word(words[0]).dropLast()) + [UInt8(ascii: "_")]
                for index in stride(from: 1, to: words.count - 1, by: 2) {
                    guard let number = text.number(words[index + 1]) else { continue }
                    let key = name + text.word(words[index])
                    page.family("sockstat_", key, "", .gauge, "Sockets of this kind and state, or their memory.")
                    page.sample(.integer(number))
                    if text.isWord(words[index], "mem") {
                        page.family("sockstat_", key, "_bytes", .gauge, "Memory of these sockets.")
                        page.sample(.integer(number &* pageBytes))
                    }
                }
                return true
            }
        }
        return isThere
    }

    /// Bytes in the queues of all UDP sockets; the kernel writes `tx:rx`, see proc_net_udp.rst.
    func writeQueues(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        page.family("udp_queues", .gauge, "Bytes waiting in the queues of UDP sockets.")
        var isThere = false
        for (file, version) in [("net/udp", "v4"), ("net/udp6", "v6")] as [(String, StaticString)] {
            guard let text = files.text(files.hostProcess(file)) else { continue }
            isThere = true
            let sockets = SocketText.datagrams(text.bytes.span)
            for (queue, bytes) in [("tx", sockets.transmitQueue), ("rx", sockets.receiveQueue)]
                as [(StaticString, UInt64)]
            {
                page.label("ip", version)
                page.label("queue", queue)
                page.sample(.integer(bytes))
            }
        }
        return isThere
    }

    func writeNeighbours(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text(files.hostProcess("net/arp")) else { return false }
        var devices: [(name: [UInt8], count: UInt64)] = []
        var isHeading = true
        text.forEachLine { words in
            defer { isHeading = false }
            guard !isHeading, words.count >= 6 else { return true }
            let name = text.word(words[5])
            if let index = devices.firstIndex(where: { $0.name == name }) {
                devices[index].count += 1
            } else {
                devices.append((name, 1))
            }
            return devices.count < MachineNetwork.maximumInterfaces
        }
        page.family("arp_entries", .gauge, "ARP entries by device.")
        for device in devices {
            page.label("device", device.name)
            page.sample(.integer(device.count))
        }
        return true
    }

    private static let tracking: [(String, StaticString, StaticString)] = [
        ("drop", "nf_conntrack_stat_drop", "Packets dropped because tracking failed."),
        ("early_drop", "nf_conntrack_stat_early_drop", "Entries dropped to make room."),
        ("found", "nf_conntrack_stat_found", "Entries searched for and found."),
        ("ignore", "nf_conntrack_stat_ignore", "Packets that are not tracked."),
        ("insert", "nf_conntrack_stat_insert", "Entries inserted."),
        ("insert_failed", "nf_conntrack_stat_insert_failed", "Entries that could not be inserted."),
        ("invalid", "nf_conntrack_stat_invalid", "Packets that cannot be tracked."),
        ("search_restart", "nf_conntrack_stat_search_restart", "Searches begun again because the table changed."),
    ]

    func writeTracking(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let folder = "/proc/sys/net/netfilter/"
        guard let count = files.number(folder + "nf_conntrack_count") else { return false }
        page.single("nf_conntrack_entries", .gauge, .signed(count), "Connections being tracked.")
        page.single(
            "nf_conntrack_entries_limit", .gauge, files.number(folder + "nf_conntrack_max").map { .signed($0) },
            "Connections that can be tracked.")
        guard let text = files.text(files.hostProcess("net/stat/nf_conntrack")) else { return true }
        let lines = text.lines
        guard let heading = lines.first else { return true }
        for (key, name, help) in Self.tracking {
            guard let column = heading.firstIndex(where: { text.word($0) == Array(key.utf8) }) else { continue }
            // A line a processor, in hexadecimal.
            let sum = lines.dropFirst().reduce(UInt64(0)) { sum, words in
                sum &+ (column < words.count ? text.hexadecimal(words[column]) ?? 0 : 0)
            }
            page.single(name, .gauge, .integer(sum), help)
        }
        return true
    }
}
