import Glibc

/// Cgroups of version 1 made for a measurement, with a process in each that works a little every second.
struct CgroupLoad {
    private static let root = "/sys/fs/cgroup"
    private static let folder = "lapwing-benchmark"

    let controllers: [String]
    private(set) var names: [String] = []
    private(set) var processes: [pid_t] = []

    init() {
        controllers = ["cpu", "cpuacct", "memory", "blkio", "pids"].filter {
            unsafe access("\(Self.root)/\($0)/cgroup.procs", W_OK) == 0
        }
    }

    func path(_ controller: String, _ name: String) -> String { "\(Self.root)/\(controller)/\(Self.folder)/\(name)" }

    mutating func make(count: Int) {
        for controller in controllers { unsafe mkdir("\(Self.root)/\(controller)/\(Self.folder)", 0o755) }
        for number in 0..<count { add("c\(number)", withProcess: true) }
    }

    mutating func add(_ name: String, withProcess: Bool) {
        for controller in controllers { unsafe mkdir(path(controller, name), 0o755) }
        names.append(name)
        guard withProcess, let process = Self.spawn(["/proc/self/exe", "worker"]) else { return }
        processes.append(process)
        for controller in controllers { Self.write("\(process)\n", to: path(controller, name) + "/cgroup.procs") }
    }

    mutating func remove() {
        for process in processes { kill(process, SIGKILL) }
        for process in processes {
            var status: Int32 = 0
            unsafe waitpid(process, &status, 0)
        }
        processes = []
        for name in names { removeDirectories(name) }
        for controller in controllers { unsafe rmdir("\(Self.root)/\(controller)/\(Self.folder)") }
        names = []
    }

    func removeDirectories(_ name: String) {
        for controller in controllers { unsafe rmdir(path(controller, name)) }
    }

    static func write(_ text: String, to path: String) {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    static func spawn(_ arguments: [String]) -> pid_t? {
        var process: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        let result = unsafe posix_spawn(&process, arguments[0], nil, nil, words, environ)
        return result == 0 ? process : nil
    }

    /// What each process does: some CPU time and some memory every second, each at a phase of its own.
    static func work() -> Never {
        var memory: [UInt8] = []
        usleep(UInt32(getpid() % 1_000) * 1_000)
        while true {
            memory = [UInt8](repeating: 1, count: (64 << 10) << Int(getpid() & 1))
            var sum: UInt64 = 0
            for round in 0..<100_000 as Range<UInt64> {
                sum = sum &* 31 &+ round &+ UInt64(memory[Int(round & 0xFFFF)])
            }
            memory[0] = UInt8(truncatingIfNeeded: sum)
            usleep(1_000_000)
        }
    }
}
