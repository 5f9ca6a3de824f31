import Glibc

/// What the collector tells about the machine itself.
struct MachineFacts {
    /// The size of a page of memory.
    static let pageBytes = UInt64(clamping: max(1, sysconf(Int32(_SC_PAGESIZE))))

    private static let refreshNanoseconds: UInt64 = 300_000_000_000

    private let rootPath: String
    private var due: UInt64 = 0
    private(set) var memoryBytes: UInt64?
    private(set) var swapBytes: UInt64?
    private(set) var logicalCores: UInt64?
    private(set) var physicalCores: UInt64?
    private(set) var sockets: UInt64?
    /// When the machine started, in nanoseconds since the epoch; 0 when unknown.
    private(set) var bootNanoseconds: UInt64 = 0
    /// `boot_id="…",machine_id="…",system_uuid="…"`, what of it is known.
    private(set) var labels: [UInt8] = []
    private(set) var isReadable = false

    init(rootPath: String) {
        self.rootPath = rootPath
    }

    /// Reads everything again when five minutes have passed.
    mutating func refresh(now: UInt64, reader: inout FileReader) {
        guard now >= due else { return }
        due = now &+ Self.refreshNanoseconds
        readMemory(&reader)
        readProcessors(&reader)
        readBootTime(&reader)
        var labels: [UInt8] = []
        for (label, path) in [
            ("boot_id", "/proc/sys/kernel/random/boot_id"), ("machine_id", "/etc/machine-id"),
            ("system_uuid", "/sys/class/dmi/id/product_uuid"),
        ] as [(StaticString, String)] {
            CgroupLabels.append(label, Array(firstLine(path, &reader).utf8), to: &labels)
        }
        // They do not change while the machine is up; what cannot be read for once is kept.
        if labels.count > self.labels.count { self.labels = labels }
        isReadable = memoryBytes != nil
    }

    private func text(_ path: String, _ reader: inout FileReader) -> String {
        String(decoding: reader.contents(path: rootPath + path, limitBytes: 1 << 20) ?? [], as: UTF8.self)
    }

    private func firstLine(_ path: String, _ reader: inout FileReader) -> String {
        text(path, &reader).split(separator: "\n").first.map(String.init) ?? ""
    }

    private mutating func readMemory(_ reader: inout FileReader) {
        for line in text("/proc/meminfo", &reader).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, let kibibytes = UInt64(words[1]) else { continue }
            if words[0] == "MemTotal:" { memoryBytes = kibibytes &* 1_024 }
            if words[0] == "SwapTotal:" { swapBytes = kibibytes &* 1_024 }
        }
    }

    private mutating func readBootTime(_ reader: inout FileReader) {
        for line in text("/proc/stat", &reader).split(separator: "\n") where line.hasPrefix("btime ") {
            bootNanoseconds = (UInt64(line.dropFirst(6)) ?? 0) &* 1_000_000_000
        }
    }

    private mutating func readProcessors(_ reader: inout FileReader) {
        let online = Self.processors(in: firstLine("/sys/devices/system/cpu/online", &reader))
        guard !online.isEmpty else { return }
        logicalCores = UInt64(online.count)
        var cores: Set<String> = []
        var packages: Set<String> = []
        for processor in online {
            let folder = "/sys/devices/system/cpu/cpu\(processor)/topology"
            let package = firstLine(folder + "/physical_package_id", &reader)
            let core = firstLine(folder + "/core_id", &reader)
            if package.isEmpty || core.isEmpty { continue }
            packages.insert(package)
            cores.insert(package + "/" + core)
        }
        physicalCores = cores.isEmpty ? nil : UInt64(cores.count)
        sockets = packages.isEmpty ? nil : UInt64(packages.count)
    }

    /// Processors a machine has at most, for a list is written by others.
    private static let maximumProcessors = 8_192

    /// The numbers in a list such as `0-3,8`.
    static func processors(in list: String) -> [Int] {
        var processors: [Int] = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0) ?? -1 }
            guard let first = ends.first, let last = ends.last, first >= 0, last >= first, ends.count <= 2,
                last < maximumProcessors
            else { continue }
            processors.append(contentsOf: first...last)
        }
        return processors
    }
}
