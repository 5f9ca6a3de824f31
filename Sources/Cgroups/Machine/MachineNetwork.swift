/// The host's network interfaces: what went through them, and what sysfs tells of each.
struct MachineNetwork {
    static let maximumInterfaces = 1_024

    /// Interfaces that belong to containers and would only add churn, by prefix.
    let ignoredPrefixes: [String]

    private func isIgnored(_ name: some StringProtocol) -> Bool { ignoredPrefixes.contains { name.hasPrefix($0) } }

    /// The columns of `/proc/net/dev` behind the name.
    private static let columns: [(Int, StaticString, StaticString)] = [
        (0, "network_receive_bytes_total", "Bytes received."),
        (6, "network_receive_compressed_total", "Compressed packets received."),
        (3, "network_receive_drop_total", "Packets dropped while receiving."),
        (2, "network_receive_errs_total", "Errors while receiving."),
        (4, "network_receive_fifo_total", "FIFO errors while receiving."),
        (5, "network_receive_frame_total", "Framing errors while receiving."),
        (7, "network_receive_multicast_total", "Multicast packets received."),
        (1, "network_receive_packets_total", "Packets received."),
        (8, "network_transmit_bytes_total", "Bytes sent."),
        (14, "network_transmit_carrier_total", "Carrier errors while sending."),
        (13, "network_transmit_colls_total", "Collisions while sending."),
        (15, "network_transmit_compressed_total", "Compressed packets sent."),
        (11, "network_transmit_drop_total", "Packets dropped while sending."),
        (10, "network_transmit_errs_total", "Errors while sending."),
        (12, "network_transmit_fifo_total", "FIFO errors while sending."),
        (9, "network_transmit_packets_total", "Packets sent."),
    ]

    func writeTraffic(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text(files.hostProcess("net/dev")) else { return false }
        var interfaces: [(name: [UInt8], numbers: [UInt64])] = []
        text.forEachLine { words in
            if let interface = Self.interface(text, words),
                !isIgnored(String(decoding: interface.name, as: UTF8.self))
            {
                interfaces.append(interface)
            }
            return interfaces.count < Self.maximumInterfaces
        }
        for (column, name, help) in Self.columns {
            page.family(name, .counter, help)
            for interface in interfaces {
                page.label("device", interface.name)
                page.sample(.integer(interface.numbers[column]))
            }
        }
        page.family("network_receive_nohandler_total", .counter, "Packets received that nobody wanted.")
        for interface in interfaces {
            let folder = "/sys/class/net/\(String(decoding: interface.name, as: UTF8.self))/statistics"
            page.label("device", interface.name)
            page.sample(files.number(folder + "/rx_nohandler").map { .signed($0) })
        }
        return true
    }

    /// A line `eth0: 1 2 …`; on old kernels the first number follows the colon at once.
    static func interface(_ text: MachineText, _ words: MachineText.Words) -> (name: [UInt8], numbers: [UInt64])? {
        let first = text.word(words[0])
        guard let colon = first.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        var ranges = Array(words.dropFirst())
        if colon < first.count - 1 {
            ranges.insert(words[0].lowerBound + colon + 1..<words[0].upperBound, at: 0)
        }
        let numbers = ranges.compactMap { text.number($0) }
        return numbers.count >= 16 && numbers.count == ranges.count ? (Array(first[..<colon]), numbers) : nil
    }

    // MARK: What sysfs tells

    private static let attributes: [(String, StaticString, MachineKind, StaticString)] = [
        ("addr_assign_type", "network_address_assign_type", .gauge, "How the address was assigned."),
        ("carrier", "network_carrier", .gauge, "1 when the link is there."),
        ("carrier_changes", "network_carrier_changes_total", .counter, "Times that the link came or went."),
        ("carrier_down_count", "network_carrier_down_changes_total", .counter, "Times that the link went."),
        ("carrier_up_count", "network_carrier_up_changes_total", .counter, "Times that the link came."),
        ("dev_id", "network_device_id", .gauge, "Tells devices apart that share an address."),
        ("dormant", "network_dormant", .gauge, "1 when the interface waits for an event."),
        ("flags", "network_flags", .gauge, "The interface's flags as one number."),
        ("ifindex", "network_iface_id", .gauge, "The interface's number."),
        ("iflink", "network_iface_link", .gauge, "The number of the interface it is linked to."),
        ("link_mode", "network_iface_link_mode", .gauge, "The interface's link mode."),
        ("mtu", "network_mtu_bytes", .gauge, "The largest packet."),
        ("name_assign_type", "network_name_assign_type", .gauge, "How the name was assigned."),
        ("netdev_group", "network_net_dev_group", .gauge, "The group the interface belongs to."),
        ("type", "network_protocol_type", .gauge, "The protocol of the interface as a number."),
        ("tx_queue_len", "network_transmit_queue_length", .gauge, "Packets that the queue may hold."),
    ]

    func writeInterfaces(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let root = "/sys/class/net"
        // Files such as `bonding_masters` stand between the interfaces.
        let names = files.names(root).filter { !isIgnored($0) && files.exists("\(root)/\($0)/ifindex") }
            .prefix(Self.maximumInterfaces)
        for (file, name, kind, help) in Self.attributes {
            page.family(name, kind, help)
            for interface in names {
                guard let number = files.number("\(root)/\(interface)/\(file)") else { continue }
                page.label("device", Array(interface.utf8))
                page.sample(.signed(number))
            }
        }
        page.family("network_speed_bytes", .gauge, "The link's speed in bytes a second; absent where it is unknown.")
        for interface in names {
            guard let megabits = files.number("\(root)/\(interface)/speed"), megabits >= 0 else { continue }
            page.label("device", Array(interface.utf8))
            page.sample(.signed(megabits &* 125_000))
        }
        writeFacts(Array(names), &files, &page)
        return !names.isEmpty
    }

    private func writeFacts(_ names: [String], _ files: inout MachineFiles, _ page: inout MachinePage) {
        var states: [[UInt8]] = []
        page.family("network_info", .gauge, "What sysfs tells of the interface in words.")
        for interface in names {
            let folder = "/sys/class/net/\(interface)"
            let state = files.line(folder + "/operstate") ?? []
            states.append(state)
            page.label("address", files.line(folder + "/address") ?? [])
            page.label("broadcast", files.line(folder + "/broadcast") ?? [])
            page.label("device", Array(interface.utf8))
            page.label("duplex", files.line(folder + "/duplex") ?? [])
            page.label("ifalias", files.line(folder + "/ifalias") ?? [])
            page.label("operstate", state)
            page.sample(.integer(1))
        }
        page.family("network_up", .gauge, "1 when the interface is up.")
        for (interface, state) in zip(names, states) {
            page.label("device", Array(interface.utf8))
            page.sample(.flag(state == Array("up".utf8)))
        }
    }

    /// Bonds: how many interfaces each has and how many of them work.
    func writeBonds(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/sys/class/net/bonding_masters"), let masters = text.lines.first else {
            return false
        }
        var bonds: [(master: [UInt8], slaves: Int, active: Int)] = []
        for master in masters.prefix(Self.maximumInterfaces) {
            let folder = "/sys/class/net/\(String(decoding: text.word(master), as: UTF8.self))"
            let slaves = (files.line(folder + "/bonding/slaves") ?? []).split(separator: KernelText.space)
            let active = slaves.filter { slave in
                let name = String(decoding: slave, as: UTF8.self)
                let status =
                    files.line("\(folder)/lower_\(name)/bonding_slave/mii_status")
                    ?? files.line("\(folder)/slave_\(name)/bonding_slave/mii_status")
                return status == Array("up".utf8)
            }
            bonds.append((text.word(master), slaves.count, active.count))
        }
        page.family("bonding_active", .gauge, "Interfaces of the bond that work.")
        for bond in bonds {
            page.label("master", bond.master)
            page.sample(.integer(UInt64(bond.active)))
        }
        page.family("bonding_slaves", .gauge, "Interfaces of the bond.")
        for bond in bonds {
            page.label("master", bond.master)
            page.sample(.integer(UInt64(bond.slaves)))
        }
        return true
    }
}
