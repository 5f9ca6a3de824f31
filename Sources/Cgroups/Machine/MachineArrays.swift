/// Software RAID: the state of each array and its disks.
struct MachineArrays {
    static let maximumArrays = 1_024

    private struct RaidArray {
        var name: [UInt8]
        var state: StaticString
        var active: UInt64
        var failed: UInt64
        var spare: UInt64
        var required: UInt64
        var blocks: UInt64
        var synced: UInt64
    }

    private static let arrayStates: [StaticString] = ["active", "check", "inactive", "recovering", "resync"]

    /// `/proc/mdstat`, see md(4): an array in two lines, a third while it is rebuilt.
    func write(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/mdstat") else { return false }
        var arrays: [RaidArray] = []
        text.forEachLine { words in
            if words.count >= 4, text.hasPrefix(words[0], "md"), text.isWord(words[1], ":") {
                arrays.append(Self.array(text, words))
            } else if let last = arrays.indices.last {
                Self.add(text, words, to: &arrays[last])
            }
            return arrays.count < Self.maximumArrays
        }
        func write(_ name: StaticString, _ help: StaticString, _ value: (RaidArray) -> UInt64) {
            page.family(name, .gauge, help)
            for array in arrays {
                page.label("device", array.name)
                page.sample(.integer(value(array)))
            }
        }
        write("md_blocks", "Blocks of the array.") { $0.blocks }
        write("md_blocks_synced", "Blocks that are in step.") { $0.synced }
        write("md_disks_required", "Disks the array needs.") { $0.required }
        page.family("md_disks", .gauge, "Disks of the array by state.")
        for array in arrays {
            let down = array.required > array.active ? array.required - array.active : 0
            for (state, count) in [
                ("active", array.active), ("down", down), ("failed", array.failed), ("spare", array.spare),
            ] as [(StaticString, UInt64)] {
                page.label("device", array.name)
                page.label("state", state)
                page.sample(.integer(count))
            }
        }
        page.family("md_state", .gauge, "1 for the state of the array.")
        for array in arrays {
            for state in Self.arrayStates {
                page.label("device", array.name)
                page.label("state", state)
                page.sample(.flag("\(state)" == "\(array.state)"))
            }
        }
        return true
    }

    private static func array(_ text: MachineText, _ words: MachineText.Words) -> RaidArray {
        let isActive = text.isWord(words[2], "active")
        var failed: UInt64 = 0
        var spare: UInt64 = 0
        var members: UInt64 = 0
        for word in words.dropFirst(3).map({ text.word($0) }) where word.contains(UInt8(ascii: "[")) {
            members += 1
            if word.suffix(3) == Array("(F)".utf8)[...] { failed += 1 }
            if word.suffix(3) == Array("(S)".utf8)[...] { spare += 1 }
        }
        let working = members - failed - spare
        return RaidArray(
            name: text.word(words[0]), state: isActive ? "active" : "inactive", active: isActive ? working : 0,
            failed: failed, spare: spare, required: isActive ? working : 0, blocks: 0, synced: 0)
    }

    private static func add(_ text: MachineText, _ words: MachineText.Words, to array: inout RaidArray) {
        if words.count >= 2, text.isWord(words[1], "blocks"), let blocks = text.number(words[0]) {
            array.blocks = blocks
            array.synced = blocks
            // `[2/1]`: needed and working; levels without redundancy have none.
            for word in words.map({ text.word($0) }) {
                let parts = String(decoding: word, as: UTF8.self).dropFirst().dropLast().split(separator: "/")
                guard word.first == UInt8(ascii: "["), parts.count == 2, let required = UInt64(parts[0]),
                    let active = UInt64(parts[1])
                else { continue }
                array.required = required
                array.active = active
            }
        }
        for (word, state) in [("recovery", "recovering"), ("resync", "resync"), ("check", "check")]
            as [(StaticString, StaticString)]
        {
            let isNamed = words.contains { text.hasPrefix($0, word) }
            guard isNamed else { continue }
            array.state = state
            for range in words {
                let progress = String(decoding: text.word(range), as: UTF8.self).dropFirst().dropLast()
                    .split(separator: "/")
                if progress.count == 2, let done = UInt64(progress[0]), UInt64(progress[1]) != nil {
                    array.synced = done
                }
            }
        }
    }
}
