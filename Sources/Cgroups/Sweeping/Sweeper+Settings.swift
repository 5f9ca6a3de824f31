/// Taking over other settings while everything known stays known.
extension Sweeper {
    /// Works out which files are read for the groups that are on.
    mutating func planReading() {
        let perProcess: MetricGroups = [.sched, .descriptors, .cpuLoad, .referencedMemory]
        looksAtProcesses = !settings.groups.isDisjoint(with: perProcess)
        pageSizes = settings.groups.contains(.hugetlb) ? HugePageSizes.names(rootPath: settings.rootPath) : []
        files = ReadingPlan.files(for: hierarchies, groups: settings.groups, pageSizes: pageSizes)
        steps = files.map(ReadStep.init)
        fileNames = files.map { Array($0.name.utf8) + [0] }
    }

    /// Begins to ask runtimes, or stops.
    mutating func beginAsking() {
        runtimes?.stop()
        runtimes = nil
        guard settings.asksRuntimes else { return }
        runtimes = RuntimeSockets(settings: settings) { [queue] in queue?.wake() }
    }

    /// Takes over groups, filters, ceilings, intervals, labels and runtimes; what is known of cgroups and workloads stays.
    mutating func apply(_ new: CollectorSettings) {
        let old = settings
        settings = new
        workloads.setLimits(maximumCount: new.maximumWorkloads, keptMilliseconds: new.workloadsKeptMilliseconds)
        if old.groups != new.groups { apply(groups: new.groups, before: old.groups) }
        let asksAnew =
            old.containerLabels != new.containerLabels || old.asksRuntimes != new.asksRuntimes
            || old.runtimeSockets != new.runtimeSockets
        if asksAnew {
            nameFiles = NameFiles(rootPath: new.rootPath, labels: new.containerLabels)
            beginAsking()
        }
        for slot in table.records.indices where table.records[slot].isLive {
            if asksAnew {
                table.records[slot].names.labels = []
                table.records[slot].lookup = NameLookup()
                beginLookup(slot)
            }
            relabel(slot)
        }
        // The next page tells what holds now.
        lastSweepMonotonic = nil
        scanDue = 0
    }

    private mutating func apply(groups: MetricGroups, before: MetricGroups) {
        for slot in table.records.indices where table.records[slot].isLive {
            closeKept(slot, hierarchy: nil)
            // Where a file stands in the plan decides what these numbers mean.
            table.records[slot].reading = ReadingState()
            if groups.contains(.workload), !before.contains(.workload) { beginLife(slot) }
        }
        planReading()
    }
}
