import ArgumentParser
import Storage
import TSDB

/// `lapwing check storage`: everything in a folder, read once.
struct CheckStorage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "Read everything in a storage folder and say what is damaged and where.",
        discussion: """
            Checksums, indexes, order and counts of every partition, the journal's
            records, SQLite's own structure. Nothing is changed, and a server may
            run there. Exit code 0: sound. 1: something is damaged.

            With --repair damaged files go to the folder quarantine as they are,
            and what can be read of them is written anew; exit code 0 when that
            worked. No server may run there.
            """)

    @Argument(help: ArgumentHelp("Storage folders.", valueName: "folder"))
    var folders: [String]

    @Flag(help: "Put damaged parts aside and keep the rest.")
    var repair = false

    func run() throws {
        var isSound = true
        for folder in folders {
            var path = folder
            while path.count > 1, path.hasSuffix("/") { path.removeLast() }
            do throws(StorageError) {
                if try !check(path) { isSound = false }
            } catch {
                isSound = false
                StandardStream.error("lapwing: " + error.description)
            }
        }
        if !isSound { throw ExitStatus.failure }
    }

    /// Whether the folder is sound, or is so now.
    private func check(_ folder: String) throws(StorageError) -> Bool {
        let check = try StorageCheck(folder: folder)
        for finding in check.findings { StandardStream.output("\(finding.path): \(finding.what)") }
        StandardStream.output(
            "\(folder): \(check.fileCount) files, \(check.partitionCount) partitions with \(check.seriesCount) series "
                + "and \(check.sampleCount) samples, \(check.journalRecordCount) journal records: "
                + (check.findings.isEmpty ? "sound" : "\(check.findings.count) findings"))
        if check.quarantinedRecordCount > 0 {
            StandardStream.output("\(folder): \(check.quarantinedRecordCount) journal records were put aside earlier")
        }
        guard repair, !check.findings.isEmpty else { return check.findings.isEmpty }
        for action in try StorageRepair(folder: folder, findings: check.findings).actions {
            StandardStream.output(action)
        }
        let after = try StorageCheck(folder: folder)
        for finding in after.findings { StandardStream.output("\(finding.path): still: \(finding.what)") }
        return after.findings.isEmpty
    }
}
