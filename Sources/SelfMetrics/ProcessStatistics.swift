import Bytes
import Glibc

/// What the kernel says of this process, under the names that Prometheus' client libraries use.
///
/// Sources: proc(5), `/proc/self/stat` fields 14, 15, 22 to 24, and the entries of `/proc/self/fd`.
package enum ProcessStatistics {
    /// Adds `process_*` to a registry; the files are read when a page is written.
    package static func register(in registry: Registry) {
        registry.counter("process_cpu_seconds_total", help: "User and system CPU time spent, in seconds.") {
            cpuSeconds()
        }
        registry.gauge("process_resident_memory_bytes", help: "Resident memory, in bytes.") {
            Double(statField(24) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE)))
        }
        registry.gauge("process_virtual_memory_bytes", help: "Virtual memory, in bytes.") { Double(statField(23) ?? 0) }
        registry.gauge("process_threads", help: "Threads of the process.") { Double(statField(20) ?? 0) }
        registry.gauge("process_open_fds", help: "Open file descriptors.") { Double(openDescriptors()) }
        registry.gauge("process_max_fds", help: "The most file descriptors the process may open.") {
            var limit = rlimit()
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            return unsafe getrlimit(kind, &limit) == 0 ? Double(limit.rlim_cur) : 0
        }
        let start = startTimeSeconds()
        registry.gauge("process_start_time_seconds", help: "Start of the process in seconds since the epoch.") { start }
    }

    /// User and system time from the clock of the process.
    package static func cpuSeconds() -> Double {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func startTimeSeconds() -> Double {
        guard let ticks = statField(22) else { return 0 }
        var sinceBoot = timespec()
        var now = timespec()
        guard unsafe clock_gettime(CLOCK_BOOTTIME, &sinceBoot) == 0, unsafe clock_gettime(CLOCK_REALTIME, &now) == 0
        else {
            return 0
        }
        let boot = Double(now.tv_sec - sinceBoot.tv_sec) + Double(now.tv_nsec - sinceBoot.tv_nsec) / 1e9
        return boot + Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// A field of `/proc/self/stat` by the manual's number, from 4 on; the name in field 2 may hold spaces.
    private static func statField(_ number: Int) -> Int64? {
        let text = read("/proc/self/stat")
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard number - 3 < fields.count else { return nil }
        return Int64(String(decoding: fields[number - 3], as: UTF8.self))
    }

    private static func openDescriptors() -> Int { countedDescriptors() ?? listedDescriptors() }

    /// The number of descriptors as the size of the folder tells it since Linux 6.2; nil before.
    ///
    /// Listing thousands of them would cost as much as all else on a page.
    static func countedDescriptors() -> Int? {
        var status = stat()
        guard unsafe stat("/proc/self/fd", &status) == 0, status.st_size > 0 else { return nil }
        return Int(status.st_size)
    }

    /// The number of descriptors as the folder lists them.
    static func listedDescriptors() -> Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // `.`, `..` and the descriptor of the listing itself.
        return max(0, count - 3)
    }

    private static func read(_ path: String) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : []
    }
}
