/// Families whose series come by processor, page size or node.
extension Renderer {
    /// CPU time by processor where the group is on and version 1 tells it, else in one number.
    mutating func renderCPUUsage(_ table: CgroupTable, into output: inout [UInt8]) {
        guard groups.contains(.perCPU) else {
            if groups.contains(.cpu) { render(Family.cpuUsage, table, into: &output) }
            return
        }
        let family = Family.cpuUsage
        var hasHeading = false
        for slot in table.records.indices where table.records[slot].isShown {
            let numbers = table.records[slot].extra?.perCPU ?? []
            let hasTotal = table.records[slot].present.contains(.cpuUsage) && groups.contains(.cpu)
            guard !numbers.isEmpty || hasTotal else { continue }
            if !hasHeading { output.append(contentsOf: family.heading) }
            hasHeading = true
            let labels = table.records[slot].labels
            guard !numbers.isEmpty else {
                line(family.name, labels, family.members[0].labels, .seconds, table.value(.cpuUsage, of: slot), &output)
                continue
            }
            for (processor, number) in numbers.enumerated() where number > 0 {
                let label = ",cpu=\"cpu\(processor < 10 ? "0" : "")\(processor)\""
                line(family.name, labels, Array(label.utf8), .seconds, number, &output)
            }
        }
    }

    /// The names of cgroups that have any, once, for joining.
    mutating func renderInfo(_ table: CgroupTable, into output: inout [UInt8]) {
        let name = "container_info"
        let named = table.records.filter { $0.isShown && !$0.infoLabels.isEmpty }
        if !named.isEmpty {
            output.append(contentsOf: Family.heading(name, .gauge, "The names of a cgroup; always 1."))
        }
        for record in named { line(Array(name.utf8), record.infoLabels, [], .integer, 1, &output) }
    }

    /// One line, if there may be one more.
    mutating func line(
        _ name: [UInt8], _ labels: [UInt8], _ more: [UInt8], _ unit: Family.Unit, _ value: UInt64,
        _ output: inout [UInt8]
    ) {
        guard takeLine() else { return }
        SampleText.appendSeries(name, labels, more, to: &output)
        SampleText.append(value, unit, to: &output)
    }

    mutating func renderExtra(_ sweeper: Sweeper, into output: inout [UInt8]) {
        if groups.contains(.hugetlb) { renderHugePages(sweeper, into: &output) }
        if groups.contains(.memoryNUMA) { renderNodes(sweeper.table, into: &output) }
    }

    private mutating func renderHugePages(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let families: [(String, Family.Kind, String, (HugePageCounters) -> UInt64?)] = [
            (
                "container_hugetlb_usage_bytes", .gauge, "Huge pages in use or reserved, where the kernel tells.",
                { $0.usageBytes }
            ),
            ("container_hugetlb_max_usage_bytes", .gauge, "The most huge pages ever in use.", { $0.maximumBytes }),
            ("container_hugetlb_failcnt", .counter, "How often the limit of huge pages was run into.", { $0.failures }),
        ]
        for (name, kind, help, value) in families {
            var hasHeading = false
            for record in sweeper.table.records where record.isShown {
                for counters in record.extra?.hugePages ?? [] {
                    guard let number = value(counters), sweeper.pageSizes.indices.contains(counters.size) else {
                        continue
                    }
                    if !hasHeading { output.append(contentsOf: Family.heading(name, kind, help)) }
                    hasHeading = true
                    let label = ",pagesize=\"\(sweeper.pageSizes[counters.size])\""
                    line(Array(name.utf8), record.labels, Array(label.utf8), .integer, number, &output)
                }
            }
        }
    }

    private mutating func renderNodes(_ table: CgroupTable, into output: inout [UInt8]) {
        let name = "container_memory_numa_pages"
        var hasHeading = false
        for record in table.records where record.isShown {
            for entry in record.extra?.nodePages ?? [] {
                if !hasHeading {
                    output.append(contentsOf: Family.heading(name, .gauge, "Pages of memory on each node, by kind."))
                }
                hasHeading = true
                let scope = entry.isHierarchical ? "hierarchy" : "container"
                let label = ",node=\"\(entry.node)\",scope=\"\(scope)\",type=\"\(entry.kind.text)\""
                line(Array(name.utf8), record.labels, Array(label.utf8), .integer, entry.pages, &output)
            }
        }
    }
}
