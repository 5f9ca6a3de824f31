import Glibc

/// Whether a node exporter runs on the machine, which then has the machine's metrics already.
package enum NodeExporter {
    /// Processes looked at, at most.
    static let maximumProcesses = 100_000
    /// The port it has unless told otherwise, see Prometheus' wiki page of default port allocations.
    static let port: UInt16 = 9_100
    /// The kernel keeps 15 bytes of a process' name; the second is Debian's.
    private static let names: [[UInt8]] = [Array("node_exporter".utf8), Array("prometheus-node".utf8)]

    /// Looks for its process by name and, where processes of others are hidden, for a listener on its port.
    package static func isRunning(rootPath: String) -> Bool {
        var files = MachineFiles(rootPath: rootPath)
        return listens(&files) || hasProcess(&files)
    }

    private static func hasProcess(_ files: inout MachineFiles) -> Bool {
        let entries = DirectoryListing.names(path: files.rootPath + "/proc", limit: maximumProcesses) ?? []
        for entry in entries where entry.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let name = files.line("/proc/\(String(decoding: entry, as: UTF8.self))/comm") else { continue }
            if names.contains(name) { return true }
        }
        return false
    }

    /// A row such as `1: 00000000:238C 00000000:0000 0A …`, whose state 0A is listening, see the kernel's
    /// networking/proc_net_tcp.rst.
    private static func listens(_ files: inout MachineFiles) -> Bool {
        let digits = String(port, radix: 16, uppercase: true)
        let ending = Array((":" + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8)
        for table in ["net/tcp", "net/tcp6"] {
            guard let text = files.text(files.hostProcess(table)) else { continue }
            var isFound = false
            text.forEachLine { words in
                guard words.count > 3, text.word(words[3]).elementsEqual("0A".utf8) else { return true }
                isFound = text.word(words[1]).suffix(5).elementsEqual(ending)
                return !isFound
            }
            if isFound { return true }
        }
        return false
    }
}
