/// What TCP and UDP did in each network namespace, and which containers use the host's.
extension Renderer {
    /// Labels of a namespace's owner, and its counters.
    typealias SocketSource = (labels: [UInt8], sockets: SocketCounters)

    private static let states = SocketText.states.map { ",tcp_state=\"\($0)\"" }.map { Array($0.utf8) }

    mutating func renderSockets(_ sweeper: Sweeper, into output: inout [UInt8]) {
        if groups.contains(.network) { renderHostNetwork(sweeper, into: &output) }
        guard let root = sweeper.table.slot(of: CgroupTable.rootPath) else { return }
        var sources: [SocketSource] = []
        if sweeper.table.records[root].isShown {
            sources.append((sweeper.table.records[root].labels, sweeper.networks.hostSockets))
        }
        for namespace in sweeper.networks.namespaces {
            let record = sweeper.table.records[namespace.slot]
            guard record.isShown, record.generation == namespace.generation else { continue }
            sources.append((record.labels, namespace.sockets))
        }
        family("container_network_tcp_sent_segments_total", .counter, "TCP segments sent.", sources, &output) {
            $0.sentSegments.map { [([], $0)] } ?? []
        }
        family(
            "container_network_tcp_retransmitted_segments_total", .counter, "TCP segments sent again.", sources, &output
        ) { $0.retransmittedSegments.map { [([], $0)] } ?? [] }
        family("container_network_tcp_usage_total", .gauge, "TCP sockets by state.", sources, &output) {
            Self.lines($0.states)
        }
        family("container_network_tcp6_usage_total", .gauge, "TCP sockets of IPv6 by state.", sources, &output) {
            Self.lines($0.states6)
        }
        family("container_network_udp_usage_total", .gauge, "UDP sockets, their queues and drops.", sources, &output) {
            Self.lines($0.datagrams)
        }
        family(
            "container_network_udp6_usage_total", .gauge, "UDP sockets of IPv6, their queues and drops.", sources,
            &output
        ) { Self.lines($0.datagrams6) }
        family(
            "container_network_advance_tcp_stats_total", .gauge, "The kernel's counters of TCP.", sources, &output
        ) { sockets in
            sockets.advanced.map { (Array(",tcp_state=\"".utf8) + $0.name + Array("\"".utf8), $0.value) }
        }
    }

    /// Pods and containers in the host's namespace have no traffic of their own: what they send is the host's.
    private mutating func renderHostNetwork(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let name = Array("container_network_is_host".utf8)
        var hasHeading = false
        for record in sweeper.table.records where record.isShown && record.identity.kind == .container {
            guard record.networkNamespace != 0, record.networkNamespace == sweeper.networks.hostInode, takeLine() else {
                continue
            }
            if !hasHeading {
                output.append(
                    contentsOf: Family.heading(
                        "container_network_is_host", .gauge, "1 for a container in the host's network namespace."))
            }
            hasHeading = true
            SampleText.appendSeries(name, record.labels, to: &output)
            SampleText.appendInteger(1, to: &output)
        }
    }

    private mutating func family(
        _ name: String, _ kind: Family.Kind, _ help: String, _ sources: [SocketSource], _ output: inout [UInt8],
        _ lines: (SocketCounters) -> [(labels: [UInt8], value: UInt64)]
    ) {
        var hasHeading = false
        for source in sources {
            for line in lines(source.sockets) {
                guard takeLine() else { continue }
                if !hasHeading { output.append(contentsOf: Family.heading(name, kind, help)) }
                hasHeading = true
                SampleText.appendSeries(Array(name.utf8), source.labels, line.labels, to: &output)
                SampleText.appendInteger(line.value, to: &output)
            }
        }
    }

    private static func lines(_ counts: [12 of UInt64]?) -> [(labels: [UInt8], value: UInt64)] {
        guard let counts else { return [] }
        return counts.indices.map { (states[$0], counts[$0]) }
    }

    private static func lines(_ sockets: DatagramSockets?) -> [(labels: [UInt8], value: UInt64)] {
        guard let sockets else { return [] }
        let values = [
            ("dropped", sockets.drops), ("listen", sockets.sockets), ("rxqueued", sockets.receiveQueue),
            ("txqueued", sockets.transmitQueue),
        ]
        return values.map { (Array(",udp_state=\"\($0.0)\"".utf8), $0.1) }
    }
}
