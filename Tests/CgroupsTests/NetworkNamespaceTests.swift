import Glibc
import MetricModel
import TestSupport
import Testing

@testable import Cgroups

/// Each network namespace once, under the pod or container that has it.
@Suite("network namespaces")
struct NetworkNamespaceTests {
    private static let identifier = String(repeating: "0123456789abcdef", count: 4)
    private static let pod = "/kubepods.slice/kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice"

    private static let snmp = """
        Tcp: RtoAlgorithm MaxConn InSegs OutSegs RetransSegs
        Tcp: 1 -1 50 60 7
        Udp: InDatagrams
        Udp: 3

        """
    private static let sockets = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
           1: 0100007F:2382 0100007F:2383 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0

        """
    private static let datagrams = """
           sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
          1: 00000000:0044 00000000:0000 07 00000010:00000200 00:00000000 00000000     0        0 1 2 0 5

        """

    /// A pod of two containers with a namespace of its own, and a container of Docker's in the host's.
    private func page(groups: MetricGroups, filters: [LabelMatcher] = []) -> [String] {
        let tree = CgroupTree(.unified)
        var files = CgroupTree.unifiedContainer
        files["cgroup.procs"] = "100\n"
        tree.unified("\(Self.pod)/cri-containerd-\(Self.identifier).scope", files)
        files["cgroup.procs"] = "101\n"
        tree.unified("\(Self.pod)/cri-containerd-\(String(Self.identifier.reversed())).scope", files)
        files["cgroup.procs"] = "200\n"
        tree.unified("/system.slice/docker-\(Self.identifier).scope", files)
        tree.folder.write("proc/100/net/dev", CgroupTree.interfaces(receiveBytes: 77, name: "eth0"))
        tree.folder.write("proc/100/net/snmp", Self.snmp)
        tree.folder.write("proc/100/net/netstat", "TcpExt: ListenDrops PAWSEstab\nTcpExt: 4 5\n")
        tree.folder.write("proc/100/net/tcp", Self.sockets)
        tree.folder.write("proc/100/net/udp", Self.datagrams)
        tree.folder.write("proc/1/net/snmp", Self.snmp)
        // The namespace is told by the file's inode: the second container's is the first's, Docker's is the host's.
        for (process, target) in [("101", "100"), ("200", "1")] {
            unsafe mkdir(tree.rootPath + "/proc/\(process)", 0o755)
            unsafe symlink("../\(target)/net", tree.rootPath + "/proc/\(process)/net")
        }
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups = groups
        settings.filters = filters
        let collector = Collector(settings: settings)
        collector.sweep()
        var bytes: [UInt8] = []
        collector.render(into: &bytes)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func values(_ page: [String], _ name: String, _ parts: String...) -> [String] {
        page.filter { line in line.hasPrefix(name + "{") && parts.allSatisfy { line.contains($0) } }
            .compactMap { $0.split(separator: " ").last.map(String.init) }
    }

    @Test("a pod's namespace is counted once, under the pod")
    func once() {
        let page = page(groups: .all)
        #expect(values(page, "container_network_receive_bytes_total", #"interface="eth0""#).sorted() == ["1000", "77"])
        #expect(values(page, "container_network_receive_bytes_total", "id=\"\(Self.pod)\"") == ["77"])
        #expect(values(page, "container_network_receive_packets_dropped_total", "id=\"\(Self.pod)\"") == ["2"])
        #expect(values(page, "container_network_transmit_errors_total", "id=\"\(Self.pod)\"") == ["3"])
    }

    @Test("a container in the host's namespace is marked, and has no traffic of its own")
    func host() {
        let page = page(groups: .all)
        #expect(values(page, "container_network_is_host") == ["1"])
        #expect(values(page, "container_network_is_host", "/system.slice/docker-\(Self.identifier).scope") == ["1"])
        #expect(values(page, "container_network_receive_bytes_total", "docker-").isEmpty)
    }

    @Test(
        "retransmits come with the network, sockets by state and queues with their groups, queues the right way round")
    func sockets() {
        let page = page(groups: .all)
        let pod = "id=\"\(Self.pod)\""
        #expect(values(page, "container_network_tcp_retransmitted_segments_total", pod) == ["7"])
        #expect(values(page, "container_network_tcp_sent_segments_total", #"id="/""#) == ["60"])
        #expect(values(page, "container_network_tcp_usage_total", pod, #"tcp_state="listen""#) == ["1"])
        #expect(values(page, "container_network_tcp_usage_total", pod, #"tcp_state="established""#) == ["1"])
        #expect(values(page, "container_network_udp_usage_total", pod, #"udp_state="txqueued""#) == ["16"])
        #expect(values(page, "container_network_udp_usage_total", pod, #"udp_state="rxqueued""#) == ["512"])
        #expect(values(page, "container_network_udp_usage_total", pod, #"udp_state="dropped""#) == ["5"])
        #expect(values(page, "container_network_advance_tcp_stats_total", pod, #"tcp_state="pawsestab""#) == ["5"])
        #expect(values(page, "container_network_advance_tcp_stats_total", pod, #"tcp_state="maxconn""#).isEmpty)
        let plain = self.page(groups: [.network])
        #expect(values(plain, "container_network_tcp_retransmitted_segments_total", pod) == ["7"])
        #expect(!plain.contains { $0.contains("tcp_state=") || $0.contains("udp_state=") })
    }

    @Test("sockets are told without the group network, and nothing is told of what filters leave out")
    func alone() throws {
        let page = page(groups: [.tcp])
        let pod = "id=\"\(Self.pod)\""
        #expect(values(page, "container_network_tcp_usage_total", pod, #"tcp_state="listen""#) == ["1"])
        #expect(
            !page.contains { $0.contains("segments_total") || $0.contains("_is_host") || $0.contains("_bytes_total{") })
        let docker = try self.page(groups: .all, filters: [LabelMatcher("id", .regex, ".*docker-.*")])
        #expect(values(docker, "container_network_is_host") == ["1"])
        #expect(values(docker, "container_network_receive_bytes_total").isEmpty)
        #expect(values(docker, "container_network_tcp_sent_segments_total").isEmpty)
    }
}
