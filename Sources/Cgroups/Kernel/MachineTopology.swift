import Glibc

/// Nodes, cores, caches and memory modules, as series that are rendered when they are read.
///
/// They hardly ever change, so they are read every five minutes.
struct MachineTopology {
    private static let refreshNanoseconds: UInt64 = 300_000_000_000
    /// Entries of one folder of the kernel's looked at, at most.
    private static let maximumEntries = 8_192

    struct Series {
        var labels: [(name: StaticString, value: String)]
        var value: UInt64
    }

    struct Group {
        var name: String
        var help: String
        var series: [Series] = []
    }

    /// One processor's place.
    private struct Thread {
        var number: Int
        var core: String
        var node: String
    }

    private let rootPath: String
    private let isDetailed: Bool
    private var due: UInt64 = 0
    private(set) var groups: [Group] = []

    /// - Parameter isDetailed: whether nodes, cores and caches are wanted too, not only memory modules.
    init(rootPath: String, isDetailed: Bool) {
        self.rootPath = rootPath
        self.isDetailed = isDetailed
    }

    mutating func refresh(now: UInt64, reader: inout FileReader) {
        guard now >= due else { return }
        due = now &+ Self.refreshNanoseconds
        groups = modules(&reader)
        guard isDetailed else { return }
        let threads = threads(&reader)
        groups += [siblings(threads), caches(threads, &reader)] + nodes(&reader)
        groups.removeAll { $0.series.isEmpty }
    }

    // MARK: Memory modules

    /// The modules that the memory controllers report, see the kernel's admin-guide/ras.rst, added up by type.
    private func modules(_ reader: inout FileReader) -> [Group] {
        let folder = "/sys/devices/system/edac/mc"
        var types: [String: (count: UInt64, bytes: UInt64)] = [:]
        for controller in numbered("mc", in: folder) {
            for module in numbered("dimm", in: "\(folder)/\(controller.name)") {
                let path = "\(folder)/\(controller.name)/\(module.name)"
                let type = line(path + "/dimm_mem_type", &reader)
                guard !type.isEmpty, let mebibytes = UInt64(line(path + "/size", &reader)), mebibytes < 1 << 40 else {
                    continue
                }
                types[type, default: (0, 0)].count += 1
                types[type, default: (0, 0)].bytes &+= mebibytes << 20
            }
        }
        let sorted = types.sorted { $0.key < $1.key }
        let groups = [
            Group(
                name: "machine_dimm_count", help: "Memory modules by type.",
                series: sorted.map { Series(labels: [("type", $0.key)], value: $0.value.count) }),
            Group(
                name: "machine_dimm_capacity_bytes", help: "Size of the memory modules by type.",
                series: sorted.map { Series(labels: [("type", $0.key)], value: $0.value.bytes) }),
        ]
        return groups.filter { !$0.series.isEmpty }
    }

    // MARK: Cores and caches

    private func threads(_ reader: inout FileReader) -> [Thread] {
        let folder = "/sys/devices/system/cpu"
        var nodes: [Int: String] = [:]
        for node in numbered("node", in: "/sys/devices/system/node") {
            let list = line("/sys/devices/system/node/\(node.name)/cpulist", &reader)
            for processor in MachineFacts.processors(in: list) { nodes[processor] = "\(node.number)" }
        }
        return MachineFacts.processors(in: line(folder + "/online", &reader)).compactMap { number in
            let topology = "\(folder)/cpu\(number)/topology"
            let core = line(topology + "/core_id", &reader)
            guard !core.isEmpty else { return nil }
            // Without nodes a socket is one.
            let node = nodes[number] ?? line(topology + "/physical_package_id", &reader)
            return Thread(number: number, core: core, node: node)
        }
    }

    private func siblings(_ threads: [Thread]) -> Group {
        var counts: [[String]: UInt64] = [:]
        for thread in threads { counts[[thread.node, thread.core], default: 0] += 1 }
        return Group(
            name: "machine_thread_siblings_count", help: "Threads of the core that the thread belongs to.",
            series: threads.map { thread in
                Series(
                    labels: [
                        ("core_id", thread.core), ("node_id", thread.node), ("thread_id", "\(thread.number)"),
                    ], value: counts[[thread.node, thread.core]] ?? 0)
            })
    }

    /// A cache of one core stands under its core, one that a whole node shares under the node alone.
    private func caches(_ threads: [Thread], _ reader: inout FileReader) -> Group {
        var seen: Set<[String]> = []
        var group = Group(name: "machine_cpu_cache_capacity_bytes", help: "Size of a processor cache.")
        for thread in threads {
            let folder = "/sys/devices/system/cpu/cpu\(thread.number)/cache"
            for index in numbered("index", in: folder) {
                let path = "\(folder)/\(index.name)"
                let level = line(path + "/level", &reader)
                let type = line(path + "/type", &reader)
                guard !level.isEmpty, let bytes = Self.bytes(line(path + "/size", &reader)) else { continue }
                let shared = Set(MachineFacts.processors(in: line(path + "/shared_cpu_list", &reader)))
                let ofCore = threads.count { $0.node == thread.node && $0.core == thread.core }
                let ofNode = threads.count { $0.node == thread.node }
                let isOfNode = shared.count > ofCore && shared.count >= ofNode
                let core = isOfNode ? "" : thread.core
                guard seen.insert([thread.node, core, level, type]).inserted else { continue }
                group.series.append(
                    Series(
                        labels: [("core_id", core), ("level", level), ("node_id", thread.node), ("type", type)],
                        value: bytes))
            }
        }
        return group
    }

    /// `32K`, `8192K`, `1M` as bytes.
    static func bytes(_ text: String) -> UInt64? {
        let units: [(Character, UInt64)] = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)]
        let unit = units.first { text.last == $0.0 }
        guard let number = UInt64(unit == nil ? text : String(text.dropLast())) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        return overflow ? nil : bytes
    }

    // MARK: Nodes

    private func nodes(_ reader: inout FileReader) -> [Group] {
        let folder = "/sys/devices/system/node"
        var memory = Group(name: "machine_node_memory_capacity_bytes", help: "Memory of the node.")
        var pages = Group(
            name: "machine_node_hugepages_count", help: "Huge pages set aside on the node, by size in KB.")
        var distances = Group(name: "machine_node_distance", help: "How far the memory of the other node is.")
        let all = numbered("node", in: folder)
        for node in all {
            let number = "\(node.number)"
            let path = "\(folder)/\(node.name)"
            // `Node 0 MemTotal:       24669068 kB`
            for text in contents(path + "/meminfo", &reader).split(separator: "\n") {
                let words = text.split(separator: " ")
                guard words.count >= 4, words[2] == "MemTotal:", let kibibytes = UInt64(words[3]) else { continue }
                memory.series.append(Series(labels: [("node_id", number)], value: kibibytes &* 1_024))
            }
            for name in DirectoryListing.names(path: rootPath + path + "/hugepages", limit: 16) ?? [] {
                let size = String(decoding: name, as: UTF8.self)
                guard size.hasPrefix("hugepages-"), size.hasSuffix("kB"),
                    let count = UInt64(line("\(path)/hugepages/\(size)/nr_hugepages", &reader))
                else { continue }
                let kibibytes = String(size.dropFirst(10).dropLast(2))
                pages.series.append(Series(labels: [("node_id", number), ("page_size", kibibytes)], value: count))
            }
            // One number for each node in the order of their numbers.
            let list = line(path + "/distance", &reader).split(separator: " ")
            for (target, text) in zip(all, list) {
                guard let distance = UInt64(text) else { continue }
                distances.series.append(
                    Series(labels: [("node_id", number), ("target_node_id", "\(target.number)")], value: distance))
            }
        }
        return [memory, pages, distances]
    }

    // MARK: Files

    private func contents(_ path: String, _ reader: inout FileReader) -> String {
        String(decoding: reader.contents(path: rootPath + path, limitBytes: 1 << 16) ?? [], as: UTF8.self)
    }

    private func line(_ path: String, _ reader: inout FileReader) -> String {
        contents(path, &reader).split(separator: "\n").first.map(String.init) ?? ""
    }

    /// The entries of a folder that are a word and a number, in the order of the numbers.
    private func numbered(_ prefix: String, in folder: String) -> [(name: String, number: Int)] {
        let names = DirectoryListing.names(path: rootPath + folder, limit: Self.maximumEntries) ?? []
        return names.compactMap { bytes in
            let name = String(decoding: bytes, as: UTF8.self)
            guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.utf8.count)), number >= 0 else {
                return nil
            }
            return (name, number)
        }.sorted { $0.number < $1.number }
    }
}
