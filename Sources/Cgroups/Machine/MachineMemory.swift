/// Memory as `/proc/meminfo` tells it, and the few counters of `/proc/vmstat` that dashboards ask for.
struct MachineMemory {
    func writeMemory(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/meminfo") else { return false }
        text.forEachLine { words in
            guard words.count >= 2, let number = text.number(words[1]) else { return true }
            let key = Self.name(text.word(words[0]))
            let isKibibytes = words.count > 2 && text.isWord(words[2], "kB")
            page.family(
                "memory_", key, isKibibytes ? "_bytes" : "", .gauge, "The field of this name in /proc/meminfo.")
            page.sample(.integer(isKibibytes ? number &* 1_024 : number))
            return true
        }
        return true
    }

    /// `Active(anon):` becomes `Active_anon`.
    private static func name(_ word: [UInt8]) -> [UInt8] {
        var name = word
        if name.last == UInt8(ascii: ":") { name.removeLast() }
        if name.last == UInt8(ascii: ")") { name.removeLast() }
        return name
    }

    func writeVirtualMemory(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/vmstat") else { return false }
        text.forEachLine { words in
            guard words.count == 2, Self.isShown(text, words[0]), let number = text.number(words[1]) else {
                return true
            }
            page.family("vmstat_", text.word(words[0]), "", .untyped, "The field of this name in /proc/vmstat.")
            page.sample(.integer(number))
            return true
        }
        return true
    }

    /// `^(oom_kill|pgpg|pswp|pg.*fault)`, as node_exporter chooses.
    private static func isShown(_ text: MachineText, _ key: Range<Int>) -> Bool {
        if text.hasPrefix(key, "oom_kill") || text.hasPrefix(key, "pgpg") || text.hasPrefix(key, "pswp") { return true }
        guard text.hasPrefix(key, "pg") else { return false }
        let fault = Array("fault".utf8)
        let word = text.word(key)
        return word.indices.contains { word[$0...].starts(with: fault) }
    }
}
