/// Writes everything a sweeper knows as text, family by family.
struct Renderer {
    private let families: [Family]
    let groups: MetricGroups
    private let maximumSeries: Int
    private var written = 0
    private(set) var leftOut: UInt64 = 0

    init(settings: CollectorSettings) {
        groups = settings.groups
        maximumSeries = settings.maximumSeries
        families = Family.all.filter { !$0.group.isDisjoint(with: settings.groups) }
    }

    /// Appends the page; families without a series are left out, headings too.
    mutating func render(_ sweeper: inout Sweeper, into output: inout [UInt8]) {
        written = 0
        leftOut = 0
        if sweeper.settings.labelPlacement == .info { renderInfo(sweeper.table, into: &output) }
        renderCPUUsage(sweeper.table, into: &output)
        for family in families { render(family, sweeper.table, into: &output) }
        renderExtra(sweeper, into: &output)
        if groups.contains(.diskIO) { renderBlockIO(&sweeper, into: &output) }
        if groups.contains(.disk) { renderDiskUse(sweeper, into: &output) }
        if groups.contains(.network) { renderNetworks(sweeper, into: &output) }
        if !groups.isDisjoint(with: .ofNamespaces) { renderSockets(sweeper, into: &output) }
        if groups.contains(.workload) { renderWorkloads(sweeper.workloads, into: &output) }
        if groups.contains(.machine) { renderMachine(sweeper, into: &output) }
        renderTopology(sweeper, into: &output)
        sweeper.statistics.seriesLeftOut &+= leftOut
        renderOwnCost(sweeper, into: &output)
    }

    /// Whether one more line may be written; if so it is counted.
    mutating func takeLine() -> Bool {
        guard written < maximumSeries else {
            leftOut &+= 1
            return false
        }
        written += 1
        return true
    }

    mutating func render(_ family: Family, _ table: CgroupTable, into output: inout [UInt8]) {
        var mask: FieldSet = []
        for member in family.members { mask.formUnion(member.field.bit) }
        var hasHeading = false
        for slot in table.records.indices {
            let present = table.records[slot].present
            if present.isDisjoint(with: mask) || !table.records[slot].isShown { continue }
            if !hasHeading {
                output.append(contentsOf: family.heading)
                hasHeading = true
            }
            for member in family.members where present.contains(member.field) {
                guard takeLine() else { continue }
                SampleText.appendSeries(family.name, table.records[slot].labels, member.labels, to: &output)
                SampleText.append(table.value(member.field, of: slot), family.unit, to: &output)
            }
        }
    }

    // MARK: Block devices

    private mutating func renderBlockIO(_ sweeper: inout Sweeper, into output: inout [UInt8]) {
        var labels: [UInt64: [UInt8]] = [:]
        let devices = sweeper.table.records.flatMap { $0.devices.map(\.device) } + sweeper.hostDisks.map(\.device)
        for device in devices where labels[device] == nil {
            labels[device] = [UInt8(ascii: ",")] + sweeper.devices.label(of: device, reader: &sweeper.reader)
        }
        for family in BlockFamily.perCgroup {
            var hasHeading = false
            for slot in sweeper.table.records.indices where sweeper.table.records[slot].isShown {
                let record = sweeper.table.records[slot]
                // The root's own files tell nothing on version 1; the machine's disks are what it means.
                if record.id.count == 1, !sweeper.hostDisks.isEmpty {
                    for disk in sweeper.hostDisks {
                        guard let value = family.ofHost(disk) else { continue }
                        line(family, record.labels, labels[disk.device], value, &hasHeading, into: &output)
                    }
                    continue
                }
                for counters in record.devices {
                    guard let value = family.ofCgroup(counters) else { continue }
                    line(family, record.labels, labels[counters.device], value, &hasHeading, into: &output)
                }
            }
        }
    }

    private mutating func line(
        _ family: BlockFamily, _ labels: [UInt8], _ device: [UInt8]?, _ value: UInt64, _ hasHeading: inout Bool,
        into output: inout [UInt8]
    ) {
        guard takeLine() else { return }
        if !hasHeading, let heading = family.heading { output.append(contentsOf: heading) }
        hasHeading = true
        SampleText.appendSeries(family.name, labels, (device ?? []) + family.labels, to: &output)
        SampleText.append(value, family.unit, to: &output)
    }

    // MARK: Networks

    private mutating func renderNetworks(_ sweeper: Sweeper, into output: inout [UInt8]) {
        guard let root = sweeper.table.slot(of: CgroupTable.rootPath) else { return }
        var sources: [(labels: [UInt8], interfaces: [InterfaceCounters])] = []
        if sweeper.table.records[root].isShown {
            sources.append((sweeper.table.records[root].labels, sweeper.networks.hostInterfaces))
        }
        for namespace in sweeper.networks.namespaces {
            let record = sweeper.table.records[namespace.slot]
            guard record.isShown, record.generation == namespace.generation else { continue }
            sources.append((record.labels, namespace.interfaces))
        }
        for family in NetworkFamily.all {
            var hasHeading = false
            for source in sources {
                for interface in source.interfaces {
                    guard takeLine() else { continue }
                    if !hasHeading { output.append(contentsOf: family.heading) }
                    hasHeading = true
                    var label = [UInt8(ascii: ",")]
                    label.append(contentsOf: "interface=\"".utf8)
                    CgroupLabels.appendEscaped(interface.name, to: &label)
                    label.append(UInt8(ascii: "\""))
                    SampleText.appendSeries(family.name, source.labels, label, to: &output)
                    SampleText.appendInteger(family.value(interface), to: &output)
                }
            }
        }
    }

    // MARK: The machine

    private mutating func renderMachine(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let machine = sweeper.machine
        let gauges: [(String, UInt64?, String)] = [
            ("machine_cpu_cores", machine.logicalCores, "Logical processors online."),
            ("machine_cpu_physical_cores", machine.physicalCores, "Physical cores."),
            ("machine_cpu_sockets", machine.sockets, "Processor sockets."),
            ("machine_memory_bytes", machine.memoryBytes, "Memory installed."),
            ("machine_swap_bytes", machine.swapBytes, "Swap available."),
        ]
        for (name, value, help) in gauges {
            guard let value, takeLine() else { continue }
            output.append(contentsOf: Family.heading(name, .gauge, help))
            SampleText.appendSeries(Array(name.utf8), machine.labels, to: &output)
            SampleText.appendInteger(value, to: &output)
        }
    }

    private mutating func renderTopology(_ sweeper: Sweeper, into output: inout [UInt8]) {
        for group in sweeper.topology.groups {
            output.append(contentsOf: Family.heading(group.name, .gauge, group.help))
            for series in group.series {
                var labels: [UInt8] = sweeper.machine.labels
                for label in series.labels { CgroupLabels.append(label.name, Array(label.value.utf8), to: &labels) }
                line(Array(group.name.utf8), labels, [], .integer, series.value, &output)
            }
        }
    }
}
