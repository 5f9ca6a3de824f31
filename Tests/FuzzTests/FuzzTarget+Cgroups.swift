import Exposition
import MetricModel
import TestSupport

@testable import Cgroups

/// The collector's whole page from a tree of kernel files, one of which is any bytes.
///
/// The parsers have a target of their own (`kernel`). Here each is met on the way that its file takes, with what stands
/// around it: which file is read, what its numbers are made of, where they go.
enum CgroupFiles {
    struct File: Sendable {
        let tree: CgroupTree
        let path: String
        let text: String
    }

    private static let identifier = String(repeating: "0123456789abcdef", count: 4)
    private static let container = "/docker/\(identifier)"

    /// The first byte of an input says which of them the rest replaces.
    static let all: [File] = hybrid + unified

    private static let hybrid: [File] = {
        let tree = CgroupTree(.hybrid)
        var files = CgroupTree.version1Container
        files["cpuacct.usage_percpu"] = "10 0 20 \n"
        files["memory.memsw.limit_in_bytes"] = "1073741824\n"
        files["memory.soft_limit_in_bytes"] = "268435456\n"
        files["pids.max"] = "50\n"
        files["memory.numa_stat"] = "total=3 N0=3\nfile=3 N0=1 N1=2\nhierarchical_anon=7 N0=7\n"
        tree.version1(container, files)
        var folders = files.keys.sorted().map { name in
            let hierarchy = ["cpuacct": "cpu,cpuacct", "cpu": "cpu,cpuacct", "memory": "memory", "blkio": "blkio"]
            return "sys/fs/cgroup/\(hierarchy[String(name.prefix { $0 != "." })] ?? "pids")\(container)/\(name)"
        }
        for name in ["cpu.pressure", "memory.pressure", "io.pressure", "irq.pressure"] {
            tree.unified(container, [name: CgroupTree.pressure(some: 5, full: 6)])
            folders.append("sys/fs/cgroup/unified\(container)/\(name)")
        }
        return listed(tree, folders + surroundings(tree))
    }()

    private static let unified: [File] = {
        let tree = CgroupTree(.unified)
        let more = [
            "hugetlb.2MB.rsvd.current": "2097152\n", "hugetlb.1GB.current": "1\n",
            "hugetlb.2MB.events": "max 3\n",
            "memory.numa_stat": "anon N0=40960\nkernel_stack N0=4096\n", "memory.high": "5000000\n",
            "memory.swap.peak": "9\n", "pids.peak": "12\n",
            "pids.events": "max 3\n", "memory.min": "4096\n",
        ]
        var files = CgroupTree.unifiedContainer.merging(more) { $1 }
        // Only ever read when the kernel tells that it changed.
        files["cgroup.events"] = nil
        tree.unified(container, files)
        let folders = files.keys.sorted().map { "sys/fs/cgroup\(container)/\($0)" }
        return listed(tree, folders + surroundings(tree))
    }()

    /// What is read beside the cgroups: the machine, the processes of the container, what its runtime wrote.
    private static func surroundings(_ tree: CgroupTree) -> [String] {
        let made = [
            "proc/diskstats": "   8       0 sda 10 2 30 4 50 6 70 8 0 10 11\n",
            "proc/partitions": "major minor  #blocks  name\n\n   8        0   20971520 sda\n",
            "sys/devices/system/node/node2/cpulist": "0-3\n", "sys/devices/system/node/node2/distance": "10 21\n",
            "sys/devices/system/node/node2/meminfo": "Node 2 MemTotal:  16384000 kB\n",
            "sys/devices/system/node/node2/hugepages/hugepages-2048kB/nr_hugepages": "3\n",
            "sys/devices/system/cpu/cpu0/cache/index0/level": "1\n",
            "sys/devices/system/cpu/cpu0/cache/index0/type": "Data\n",
            "sys/devices/system/cpu/cpu0/cache/index0/size": "32K\n",
            "sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list": "0-3\n",
            "sys/devices/system/cpu/cpu0/topology/physical_package_id": "1\n",
            "sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
            "sys/devices/system/edac/mc/mc0/dimm0/dimm_mem_type": "Unbuffered-DDR4\n",
            "sys/devices/system/edac/mc/mc0/dimm0/size": "8192\n",
            "proc/100/stat": "100 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4200 20\n",
            "proc/100/schedstat": "7000000000 2000000000 7\n",
            "proc/100/limits": "Max open files            1024     unlimited   files\n",
            "proc/100/smaps_rollup": "Rss: 1 kB\nReferenced:  10 kB\n",
            "proc/100/task/100/stat": "100 (a) b) R 1\n",
            "proc/100/net/dev": CgroupTree.interfaces(receiveBytes: 7, name: "eth0"),
            "proc/100/net/tcp": "  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 0:0 0 0\n",
            "proc/100/net/udp": "  sl\n  0: 00000000:0044 00000000:0000 07 00000001:00000002 00 0 0 0 0 0 0 5\n",
            "proc/100/net/snmp": "Tcp: OutSegs RetransSegs\nTcp: 50 2\n",
            "proc/100/net/netstat": "TcpExt: SyncookiesSent TCPTimeouts\nTcpExt: 1 2\n",
            "var/lib/docker/containers/\(identifier)/config.v2.json":
                #"{"ID":"\#(identifier)","Name":"/web","Config":{"Image":"shop","Labels":{"team":"a"}},"RestartCount":2}"#,
        ]
        for (path, text) in made { tree.folder.write(path, text) }
        // Of these the names alone are read.
        for size in ["2048kB", "1048576kB"] {
            tree.folder.write("sys/kernel/mm/hugepages/hugepages-\(size)/nr_hugepages", "4\n")
        }
        tree.folder.write("proc/100/fd/0", "")
        let always = [
            "proc/self/mountinfo", "proc/meminfo", "proc/stat", "etc/machine-id", "sys/devices/system/cpu/online",
            "proc/1/net/dev",
        ]
        return made.keys.sorted() + always
    }

    private static func listed(_ tree: CgroupTree, _ paths: [String]) -> [File] {
        paths.map { File(tree: tree, path: $0, text: TemporaryDirectory.read(tree.rootPath + "/" + $0)) }
    }

    /// The page with all groups, of a collector that has just begun.
    static func page(_ tree: CgroupTree) -> [UInt8] {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups = .all
        settings.containerLabels = ["team"]
        settings.asksRuntimes = false
        settings.walksDisks = false
        settings.watchesDirectories = false
        settings.raisesDescriptorLimit = false
        settings.maximumSeries = 4_000
        var page: [UInt8] = []
        Collector(settings: settings, clock: SystemClock()).render(into: &page)
        return page
    }
}

extension FuzzTarget {
    static func cgroups(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let file = CgroupFiles.all[Int(first) % CgroupFiles.all.count]
        file.tree.folder.write(file.path, bytes: Array(bytes.dropFirst()))
        let page = CgroupFiles.page(file.tree)
        file.tree.folder.write(file.path, file.text)
        precondition(String(validating: page, as: UTF8.self) != nil, "a page that is no UTF-8")
        var parser = ExpositionParser(page, format: .text)
        var lineCount = 0
        do { while try parser.next() != nil { lineCount += 1 } } catch { preconditionFailure("\(error)") }
        precondition(lineCount < 20_000, "a page without limit")
    }
}
