/// What follows from several files of a cgroup, and from several cgroups.
extension Sweeper {
    private static let throttling = FieldSet([
        .cfsPeriods, .cfsThrottledPeriods, .cfsThrottledTime, .cfsBurstPeriods, .cfsBurstTime,
    ])

    mutating func derive(_ slot: Int) {
        if table.records[slot].path.count == 1 { deriveRoot(slot) }
        deriveMemory(slot)
        deriveSwapLimit(slot)
        // The peak is read less often than the usage, and older kernels of version 2 tell none.
        if table.records[slot].present.contains(.memoryUsage) {
            table.raise(.memoryMaximumUsage, of: slot, to: table.value(.memoryUsage, of: slot))
        }
        deriveThrottling(slot)
        let present = table.records[slot].present
        guard present.contains(.memoryEventsMaximum) || present.contains(.pagesScanned) else { return }
        // Version 2 counts the same thing as version 1's failcnt: how often the limit was run into.
        if present.contains(.memoryEventsMaximum) {
            table.set(.memoryFailureCount, of: slot, to: table.value(.memoryEventsMaximum, of: slot))
        }
        // Its faults include descendants; only a leaf's are surely its own.
        if present.contains(.pageFaultsBelow), table.records[slot].childCount == 0 {
            table.set(.pageFaults, of: slot, to: table.value(.pageFaultsBelow, of: slot))
            table.set(.majorPageFaults, of: slot, to: table.value(.majorPageFaultsBelow, of: slot))
        } else {
            table.records[slot].present.subtract(FieldSet([.pageFaults, .majorPageFaults]))
        }
    }

    /// What is counted under a quota means nothing without one.
    mutating func deriveThrottling(_ slot: Int) {
        guard !table.records[slot].present.contains(.cpuQuota) else { return }
        table.records[slot].present.subtract(Self.throttling)
    }

    /// The working set leaves out what is reclaimed first; the unreclaimable part all that reclaim can drop.
    private mutating func deriveMemory(_ slot: Int) {
        let present = table.records[slot].present
        guard present.contains(.memoryUsage), present.contains(.memoryInactiveFile) else {
            table.records[slot].present.subtract(FieldSet([.memoryWorkingSet, .memoryUnreclaimable]))
            return
        }
        let usage = table.value(.memoryUsage, of: slot)
        let inactive = table.value(.memoryInactiveFile, of: slot)
        table.set(.memoryWorkingSet, of: slot, to: usage > inactive ? usage - inactive : 0)
        guard present.contains(.memoryActiveFile) else { return }
        let slab = present.contains(.memorySlabReclaimable) ? table.value(.memorySlabReclaimable, of: slot) : 0
        let reclaimable = inactive &+ table.value(.memoryActiveFile, of: slot) &+ slab
        table.set(.memoryUnreclaimable, of: slot, to: usage > reclaimable ? usage - reclaimable : 0)
    }

    /// Version 2 limits swap alone; the series means memory and swap together, as version 1 and Docker's options do.
    private mutating func deriveSwapLimit(_ slot: Int) {
        guard table.records[slot].present.contains(.swapLimitAlone) else { return }
        if table.records[slot].present.contains(.memoryLimit) {
            let sum = table.value(.memoryLimit, of: slot) &+ table.value(.swapLimitAlone, of: slot)
            table.set(.memorySwapLimit, of: slot, to: sum)
        } else {
            table.records[slot].present.subtract(Field.memorySwapLimit.bit)
        }
    }

    /// The root has no limits of its own but the machine's, and on version 2 no usage.
    private mutating func deriveRoot(_ slot: Int) {
        let present = table.records[slot].present
        guard settings.groups.contains(.memory), idPrefix.isEmpty else { return }
        if !present.contains(.memoryUsage), present.contains(.memoryResident), present.contains(.memoryCache) {
            let sum = table.value(.memoryResident, of: slot) &+ table.value(.memoryCache, of: slot)
            table.set(.memoryUsage, of: slot, to: sum)
        }
        if let memory = machine.memoryBytes { table.set(.memoryLimit, of: slot, to: memory) }
        if let swap = machine.swapBytes { table.set(.memorySwapLimit, of: slot, to: swap) }
    }

    /// The limit that truly holds is the least of all above, and what is left under it is the least that any leaves.
    ///
    /// Done after all cgroups are read, for an ancestor's usage counts too. Where the root cannot be read the machine's
    /// memory still bounds what a limit means.
    mutating func deriveAncestry() {
        guard settings.groups.contains(.memory) else { return }
        let both = FieldSet([.memoryEffectiveLimit, .memoryHeadroom])
        for slot in table.records.indices where table.records[slot].isLive {
            var limit = machine.memoryBytes ?? .max
            var headroom = UInt64.max
            var current = slot
            while current >= 0 {
                let present = table.records[current].present
                if present.contains(.memoryLimit) {
                    let own = table.value(.memoryLimit, of: current)
                    limit = min(limit, own)
                    if present.contains(.memoryUnreclaimable) {
                        let used = table.value(.memoryUnreclaimable, of: current)
                        headroom = min(headroom, own > used ? own - used : 0)
                    }
                }
                current = table.records[current].parent
            }
            table.records[slot].present.subtract(both)
            guard table.records[slot].present.contains(.memoryUsage) else { continue }
            if limit != .max { table.set(.memoryEffectiveLimit, of: slot, to: limit) }
            if headroom != .max { table.set(.memoryHeadroom, of: slot, to: headroom) }
        }
    }
}
