import Glibc

/// A host's kernel files laid out in a temporary folder, for a collector whose root path is that folder.
package final class CgroupTree: Sendable {
    /// How the host mounts its cgroups.
    package enum Layout: Sendable {
        case version1
        case unified
        /// Version 1 with an empty unified tree beside it.
        case hybrid
    }

    package let folder = TemporaryDirectory("lapwing-cgroups")
    package let layout: Layout

    package var rootPath: String { folder.path }

    /// The folders of version 1's hierarchies; `cpu` and `cpuacct` are mounted together as on most hosts.
    private static let version1 = ["cpu,cpuacct", "memory", "blkio", "pids"]

    package init(_ layout: Layout) {
        self.layout = layout
        var mounts = "22 27 0:21 / /proc rw - proc proc rw\n"
        if layout != .unified {
            for (index, name) in Self.version1.enumerated() {
                mounts +=
                    "\(30 + index) 31 0:\(30 + index) / /sys/fs/cgroup/\(name) rw,relatime shared:9 - cgroup cgroup rw,\(name)\n"
                folder.write("sys/fs/cgroup/\(name)/cgroup.procs", "1\n")
            }
            mounts += "40 31 0:40 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
        }
        if layout != .version1 {
            let point = layout == .unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified"
            mounts += "41 31 0:41 / \(point) rw - cgroup2 cgroup2 rw,nsdelegate\n"
            let controllers = layout == .unified ? "cpuset cpu io memory hugetlb pids rdma misc\n" : "\n"
            folder.write("\(point.dropFirst())/cgroup.controllers", controllers)
        }
        folder.write("proc/self/mountinfo", mounts)
        folder.write("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\nSwapTotal:       2048000 kB\n")
        folder.write("proc/stat", "cpu  1 2 3\nbtime 1700000000\n")
        folder.write("proc/sys/kernel/random/boot_id", "b00t\n")
        folder.write("etc/machine-id", "0123456789abcdef\n")
        folder.write("sys/devices/system/cpu/online", "0-3\n")
        for processor in 0..<4 {
            let topology = "sys/devices/system/cpu/cpu\(processor)/topology"
            folder.write("\(topology)/physical_package_id", "0\n")
            folder.write("\(topology)/core_id", "\(processor / 2)\n")
        }
        folder.write("proc/1/net/dev", Self.interfaces(receiveBytes: 1_000, name: "eth0"))
    }

    /// The text of `net/dev` with the loopback interface and one other.
    package static func interfaces(receiveBytes: UInt64, name: String) -> String {
        """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
            lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
          \(name): \(receiveBytes)    5153    1    2    0     0          0         0   264301    3472    3    4    0     0       0          0

        """
    }

    /// Writes files of one cgroup of version 1; each name says which hierarchy it belongs to.
    package func version1(_ path: String, _ files: [String: String]) {
        for (name, text) in files {
            let hierarchy =
                switch name.split(separator: ".").first ?? "" {
                case "cpu", "cpuacct": "cpu,cpuacct"
                case "memory": "memory"
                case "blkio": "blkio"
                default: "pids"
                }
            folder.write("sys/fs/cgroup/\(hierarchy)\(path == "/" ? "" : path)/\(name)", text)
        }
    }

    /// Writes files of one cgroup of version 2.
    package func unified(_ path: String, _ files: [String: String]) {
        let point = layout == .unified ? "sys/fs/cgroup" : "sys/fs/cgroup/unified"
        for (name, text) in files { folder.write("\(point)\(path == "/" ? "" : path)/\(name)", text) }
    }

    /// Removes a cgroup from every hierarchy.
    package func removeCgroup(_ path: String) {
        let folders = layout == .unified ? [""] : Self.version1.map { "/" + $0 } + ["/unified"]
        for folder in folders { remove("sys/fs/cgroup\(folder)\(path)") }
    }

    /// Removes a folder below the tree with all files in it.
    package func remove(_ path: String) {
        let full = folder.path + "/" + path
        var names: [String] = []
        if let stream = unsafe opendir(full) {
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if name != "." && name != ".." { names.append(name) }
            }
            unsafe closedir(stream)
        }
        for name in names { unsafe unlink(full + "/" + name) }
        unsafe rmdir(full)
    }

    /// The files that a busy container has on version 1.
    package static let version1Container: [String: String] = [
        "cpuacct.usage": "585590849381\n", "cpuacct.stat": "user 48532\nsystem 10026\n",
        "cpu.stat": "nr_periods 10\nnr_throttled 3\nthrottled_time 1500000000\nnr_bursts 1\nburst_time 2000\n",
        "cpu.cfs_period_us": "100000\n", "cpu.cfs_quota_us": "20000\n", "cpu.shares": "1024\n",
        "memory.usage_in_bytes": "10000000\n", "memory.max_usage_in_bytes": "20000000\n",
        "memory.failcnt": "7\n", "memory.kmem.usage_in_bytes": "4096\n", "memory.limit_in_bytes": "536870912\n",
        "memory.memsw.limit_in_bytes": "9223372036854771712\n",
        "memory.soft_limit_in_bytes": "9223372036854710272\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        "memory.stat": """
        cache 1
        rss 2
        pgfault 11
        pgmajfault 12
        total_cache 3000000
        total_rss 4000000
        total_mapped_file 50000
        total_dirty 60
        total_writeback 70
        total_swap 80
        total_pgfault 21
        total_pgmajfault 22
        total_inactive_file 1000000
        total_active_file 2000000

        """,
        "blkio.throttle.io_service_bytes_recursive":
            "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Async 2\n8:0 Discard 512\n8:0 Total 12800\nTotal 12800\n",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n",
        "pids.current": "9\n", "pids.max": "max\n", "cgroup.procs": "100\n101\n102\n",
    ]

    /// The files that a busy container has on version 2.
    package static let unifiedContainer: [String: String] = [
        "cpu.stat": """
        usage_usec 577523901
        user_usec 478637946
        system_usec 98885955
        nr_periods 10
        nr_throttled 3
        throttled_usec 1500000
        nr_bursts 0
        burst_usec 0

        """,
        "cpu.max": "20000 100000\n", "cpu.weight": "100\n", "memory.current": "10000000\n",
        "memory.peak": "20000000\n", "memory.max": "536870912\n", "memory.swap.current": "80\n",
        "memory.swap.max": "0\n", "memory.min": "0\n",
        "memory.events": "low 0\nhigh 5\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n",
        "memory.stat": """
        anon 4000000
        file 3000000
        kernel 4096
        file_mapped 50000
        file_dirty 60
        file_writeback 70
        inactive_file 1000000
        active_file 2000000
        workingset_refault_anon 1
        workingset_refault_file 2
        pgscan 3
        pgsteal 4
        pgfault 21
        pgmajfault 22

        """,
        "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=512 dios=1\n",
        "cpu.pressure": pressure(some: 1_500_000, full: 0), "memory.pressure": pressure(some: 2_000_000, full: 3),
        "io.pressure": pressure(some: 4, full: 5), "pids.current": "9\n", "pids.max": "1027\n",
        "cgroup.procs": "100\n101\n102\n", "cgroup.events": "populated 1\nfrozen 0\n",
    ]

    /// The text of a pressure file with these totals in microseconds.
    package static func pressure(some: UInt64, full: UInt64) -> String {
        "some avg10=4.67 avg60=11.00 avg300=10.76 total=\(some)\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=\(full)\n"
    }
}
