/// Numbers of a cgroup that come by processor, page size or node; nil in the record unless a group asks for them.
struct ExtraNumbers {
    /// Nanoseconds by processor, see `cpuacct.usage_percpu`.
    var perCPU: [UInt64] = []
    var hugePages: [HugePageCounters] = []
    var nodePages: [NodePages] = []
}

/// Which number of a page size a file gives.
enum HugePageFigure: UInt8 {
    case usage, maximum, failures
    /// Version 2's `hugetlb.SIZE.events`, whose key `max` counts failures.
    case events
}

/// What a cgroup uses of one size of huge pages.
struct HugePageCounters {
    /// The index among the machine's sizes.
    var size: Int
    var usageBytes: UInt64?
    var maximumBytes: UInt64?
    var failures: UInt64?
}

/// Pages of one kind on one memory node.
struct NodePages: Equatable {
    enum Kind: UInt8, CaseIterable { case file, anon, unevictable }

    var kind: Kind
    var isHierarchical: Bool
    var node: UInt64
    var pages: UInt64
}

/// Parsers of the files behind the extra numbers.
enum ExtraText {
    /// Processors and nodes taken from one file at most.
    static let maximumEntries = 8_192

    /// Reads numbers on one line, as `cpuacct.usage_percpu` has them with a trailing space.
    static func parsePerCPU(_ bytes: Span<UInt8>, into numbers: inout [UInt64]) {
        numbers.removeAll(keepingCapacity: true)
        var position = 0
        while numbers.count < maximumEntries {
            KernelText.skipSpaces(bytes, at: &position)
            guard let number = KernelText.number(bytes, at: &position) else { return }
            numbers.append(number)
        }
    }

    /// Reads `memory.numa_stat`.
    ///
    /// Version 1 writes `file=123 N0=100 N1=23` and the same with `hierarchical_` before the word, in pages; version 2
    /// `file N0=409600 N1=94208` in bytes, with the cgroups below. Other kinds are passed over.
    static func parseNodes(_ bytes: Span<UInt8>, pageBytes: UInt64?, into list: inout [NodePages]) {
        list.removeAll(keepingCapacity: true)
        var position = 0
        while position < bytes.count, list.count < maximumEntries {
            let start = position
            while position < bytes.count, bytes[position] > KernelText.space, bytes[position] != UInt8(ascii: "=") {
                position &+= 1
            }
            let (kind, isHierarchical) = nodeKind(bytes, start..<position)
            if let kind {
                while position < bytes.count, bytes[position] > KernelText.space { position &+= 1 }
                parseNodeList(bytes, at: &position) { node, number in
                    guard list.count < maximumEntries else { return }
                    let pages = pageBytes.map { number / $0 } ?? number
                    list.append(
                        NodePages(
                            kind: kind, isHierarchical: isHierarchical || pageBytes != nil, node: node, pages: pages))
                }
            }
            KernelText.skipLine(bytes, at: &position)
        }
    }

    private static func nodeKind(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (NodePages.Kind?, Bool) {
        var name = range
        let prefix: StaticString = "hierarchical_"
        let end = range.lowerBound &+ prefix.utf8CodeUnitCount
        let isHierarchical = end <= range.upperBound && KernelText.matches(bytes, range.lowerBound..<end, prefix)
        if isHierarchical { name = end..<range.upperBound }
        for kind in NodePages.Kind.allCases where KernelText.matches(bytes, name, kind.text) {
            return (kind, isHierarchical)
        }
        return (nil, isHierarchical)
    }

    private static func parseNodeList(
        _ bytes: Span<UInt8>, at position: inout Int, _ take: (UInt64, UInt64) -> Void
    ) {
        while true {
            KernelText.skipSpaces(bytes, at: &position)
            guard position < bytes.count, bytes[position] == UInt8(ascii: "N") else { return }
            position &+= 1
            guard let node = KernelText.number(bytes, at: &position), position < bytes.count,
                bytes[position] == UInt8(ascii: "=")
            else { return }
            position &+= 1
            guard let number = KernelText.number(bytes, at: &position) else { return }
            take(node, number)
        }
    }
}

extension NodePages.Kind {
    var text: StaticString {
        switch self {
        case .file: "file"
        case .anon: "anon"
        case .unevictable: "unevictable"
        }
    }
}

/// The sizes of huge pages that the machine has.
enum HugePageSizes {
    /// The sizes as the hugetlb controller spells them (`64KB`, `2MB`, `1GB`), from
    /// `/sys/kernel/mm/hugepages/hugepages-2048kB`.
    static func names(rootPath: String) -> [String] {
        let folders = DirectoryListing.names(path: rootPath + "/sys/kernel/mm/hugepages", limit: 16) ?? []
        return folders.compactMap { folder in
            let text = String(decoding: folder, as: UTF8.self)
            guard text.hasPrefix("hugepages-"), text.hasSuffix("kB"),
                let kibibytes = UInt64(text.dropFirst(10).dropLast(2)), kibibytes > 0
            else { return nil }
            if kibibytes >= 1 << 20 { return "\(kibibytes >> 20)GB" }
            return kibibytes >= 1 << 10 ? "\(kibibytes >> 10)MB" : "\(kibibytes)KB"
        }.sorted()
    }
}
