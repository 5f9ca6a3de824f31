/// Bringing the text that was read into the cgroup's row.
extension Sweeper {
    /// Limits at or above this mean "none": version 1 writes 2^63 less a page.
    private static let unlimited: UInt64 = 1 << 62

    /// Parses what lies in the reader's buffer; true when bytes went to or came from a device.
    mutating func parse(_ index: Int, _ slot: Int) -> Bool {
        // A reference of its own: what is parsed goes into other parts of the sweeper.
        let buffer = reader.buffer
        let bytes = buffer.span.extracting(0..<reader.byteCount)
        let row = slot * Field.columnCount
        var found: FieldSet = []
        var didMove = false
        switch files[index].format {
        case .number(let field):
            if let number = KernelText.onlyNumber(bytes) {
                table.values[row + Int(field.rawValue)] = number
                found = field.bit
            } else if bytes.isEmpty || bytes[0] != UInt8(ascii: "-") {
                statistics.count(.malformed)
            }
        case .limit(let field): found = parseLimit(bytes, field, least: 0, row)
        case .positiveLimit(let field): found = parseLimit(bytes, field, least: 1, row)
        case .keyed(let keys):
            var malformed: UInt64 = 0
            found = keys.parse(bytes, into: &table.values, at: row, malformed: &malformed)
            statistics.count(.malformed, malformed)
        case .pressure(let waiting, let stalled): found = parsePressure(bytes, waiting, stalled, row)
        case .blockBytes, .blockOperations, .unifiedBlock: didMove = parseBlock(bytes, files[index].format, slot)
        case .processList: found = Field.processes.bit
        case .unifiedCPULimit: found = parseCPULimit(bytes, row)
        case .unifiedCPUWeight:
            if let weight = KernelText.onlyNumber(bytes) {
                // The inverse of what runtimes do when they are given shares, see opencontainers/runc
                // `ConvertCPUSharesToCgroupV2Value`.
                table.values[row + Int(Field.cpuShares.rawValue)] =
                    2 + (max(1, min(weight, 10_000)) - 1) * 262_142 / 9_999
                found = Field.cpuShares.bit
            } else {
                statistics.count(.malformed)
            }
        case .perCPU, .nodeMemory, .hugePages: parseExtra(bytes, files[index].format, slot)
        }
        table.records[slot].present.subtract(steps[index].fields)
        table.records[slot].present.formUnion(found)
        return didMove
    }

    private mutating func parseLimit(_ bytes: Span<UInt8>, _ field: Field, least: UInt64, _ row: Int) -> FieldSet {
        guard let number = KernelText.onlyNumber(bytes) else {
            var position = 0
            let word = KernelText.word(bytes, at: &position)
            let isNone = KernelText.matches(bytes, word, "max") || KernelText.matches(bytes, word, "-1")
            if !isNone { statistics.count(.malformed) }
            return []
        }
        guard number >= least, number < Self.unlimited else { return [] }
        table.values[row + Int(field.rawValue)] = number
        return field.bit
    }

    private mutating func parsePressure(
        _ bytes: Span<UInt8>, _ waiting: Field?, _ stalled: Field, _ row: Int
    ) -> FieldSet {
        let totals = PressureText.parse(bytes)
        var found: FieldSet = []
        for (field, total) in [(waiting, totals.some), (stalled, totals.full)] {
            guard let field, let total else { continue }
            let scaled = total.multipliedReportingOverflow(by: KernelKeys.nanosecondsPerMicrosecond)
            if scaled.overflow {
                statistics.count(.malformed)
                continue
            }
            table.values[row + Int(field.rawValue)] = scaled.partialValue
            found.formUnion(field.bit)
        }
        return found
    }

    /// True when the sums of bytes are others than before.
    private mutating func parseBlock(_ bytes: Span<UInt8>, _ format: FileFormat, _ slot: Int) -> Bool {
        let limit = settings.maximumDevicesPerCgroup
        func sum(_ devices: [BlockCounters]) -> UInt64 {
            devices.reduce(0) { $0 &+ $1.readBytes &+ $1.writeBytes &+ $1.discardBytes }
        }
        let before = sum(table.records[slot].devices)
        switch format {
        case .blockOperations:
            BlockText.parseVersion1(bytes, areBytes: false, into: &table.records[slot].devices, limit: limit)
        case .blockBytes:
            BlockText.parseVersion1(bytes, areBytes: true, into: &table.records[slot].devices, limit: limit)
        default: BlockText.parseUnified(bytes, into: &table.records[slot].devices, limit: limit)
        }
        return sum(table.records[slot].devices) != before
    }

    /// `cpu.max`: the quota or "max", and the period, in microseconds.
    private mutating func parseCPULimit(_ bytes: Span<UInt8>, _ row: Int) -> FieldSet {
        var position = 0
        var found: FieldSet = []
        if let quota = KernelText.number(bytes, at: &position) {
            table.values[row + Int(Field.cpuQuota.rawValue)] = quota
            found.formUnion(Field.cpuQuota.bit)
        } else {
            let word = KernelText.word(bytes, at: &position)
            if !KernelText.matches(bytes, word, "max") { statistics.count(.malformed) }
        }
        KernelText.skipSpaces(bytes, at: &position)
        if let period = KernelText.number(bytes, at: &position) {
            table.values[row + Int(Field.cpuPeriod.rawValue)] = period
            found.formUnion(Field.cpuPeriod.bit)
        }
        return found
    }

    private mutating func parseExtra(_ bytes: Span<UInt8>, _ format: FileFormat, _ slot: Int) {
        var extra = table.records[slot].extra ?? ExtraNumbers()
        // Taken out while it changes, so that its arrays stay unshared.
        table.records[slot].extra = nil
        switch format {
        case .perCPU: ExtraText.parsePerCPU(bytes, into: &extra.perCPU)
        case .nodeMemory(let isBytes):
            ExtraText.parseNodes(bytes, pageBytes: isBytes ? MachineFacts.pageBytes : nil, into: &extra.nodePages)
        case .hugePages(let size, let figure):
            let index = extra.hugePages.firstIndex { $0.size == size } ?? extra.hugePages.count
            if index == extra.hugePages.count { extra.hugePages.append(HugePageCounters(size: size)) }
            switch figure {
            case .usage: extra.hugePages[index].usageBytes = KernelText.onlyNumber(bytes)
            case .maximum: extra.hugePages[index].maximumBytes = KernelText.onlyNumber(bytes)
            case .failures: extra.hugePages[index].failures = KernelText.onlyNumber(bytes)
            case .events:
                var position = 0
                let word = KernelText.word(bytes, at: &position)
                KernelText.skipSpaces(bytes, at: &position)
                let number = KernelText.number(bytes, at: &position)
                extra.hugePages[index].failures = KernelText.matches(bytes, word, "max") ? number : nil
            }
        default: break
        }
        table.records[slot].extra = extra
    }
}
