import MetricModel
import SQLite
import Storage

extension PartitionReader {
    /// Reads everything in the file and checks that it holds together; what is wrong, in words, empty when it is sound.
    ///
    /// At most `limit` findings; every series is decoded, so this takes a second for some hundred million samples.
    func verify(limit: Int = 100) -> [String] { inspect(limit: limit).findings }

    /// What is wrong with the file, and whether the disk gave all of it: what it did not give is a finding, but no damage.
    func inspect(limit: Int) -> (findings: [String], isReadable: Bool) {
        var findings: [String] = []
        var isReadable = true
        do throws(StorageError) {
            let counts = try verifyContents(findings: &findings, isReadable: &isReadable, limit: limit)
            if counts != metadata.sampleCount, findings.isEmpty, damagedParts.isEmpty {
                findings.append("it has \(counts) samples and should have \(metadata.sampleCount)")
            }
        } catch {
            if case .inputOutput = error { isReadable = false }
            findings.append("\(error)")
        }
        return (Array(findings.prefix(limit)), isReadable)
    }

    private func verifyContents(
        findings: inout [String], isReadable: inout Bool, limit: Int
    ) throws(StorageError) -> Int {
        try verifyStructure(findings: &findings)
        try verifyPostings(findings: &findings)
        let columns = try PartitionSeriesReader(reader: self, clocks: PartitionClocks(range: .all))
        var samples = 0
        var previous: LabelSet?
        var clockCounts: [UInt32: Int] = [:]
        try withConnection { connection throws(StorageError) in
            let labels = PartitionLabelReader(reader: self, connection: connection)
            for series in 0..<UInt32(metadata.seriesCount) where findings.count < limit {
                do throws(StorageError) {
                    let found = try labels.labels(of: series)
                    if let previous, !(previous < found) { findings.append("series \(series) is out of label order") }
                    previous = found
                    for column in try columns.columns(of: series) {
                        if clockCounts[column.clock] == nil {
                            clockCounts[column.clock] = try PartitionClocks.timestamps(
                                of: column.clock, reader: self, connection: connection
                            ).count
                        }
                        if column.clockOffset + column.values.count > clockCounts[column.clock] ?? 0 {
                            findings.append("series \(series) reaches beyond clock \(column.clock)")
                        }
                        samples += column.values.reduce(0) { $0 + (SpecialValue.isAbsent($1) ? 0 : 1) }
                    }
                    samples += try columns.histograms(of: series).count
                } catch {
                    if case .inputOutput = error { isReadable = false }
                    findings.append("\(error)")
                }
            }
        }
        findings += damagedParts.filter { part in !findings.contains { $0.contains(part) } }
        return samples
    }

    /// SQLite's own look at its pages.
    private func verifyStructure(findings: inout [String]) throws(StorageError) {
        let answer = try withConnection { connection throws(StorageError) -> String? in
            do throws(SQLiteError) {
                let answer = try connection.text("PRAGMA quick_check(1)") ?? "no answer"
                let page = connection.refusedPage
                if page != 0 { return "page \(page) differs from its checksum" }
                return Self.saysUnreadable(answer) ? nil : answer
            } catch {
                // What lies on the page is told by those that read it.
                guard error.isCorrupt else { throw StorageError(error) }
                return error.message
            }
        }
        guard let answer else { throw .inputOutput(path: path, reason: "the disk does not give a page") }
        if answer != "ok" { findings.append(answer) }
    }

    /// Whether SQLite's check met an error of the disk, which it tells as one of its findings: `... error code=266`, of
    /// which the low byte is that of SQLITE_IOERR.
    private static func saysUnreadable(_ answer: String) -> Bool {
        let inputOutputError = 10
        guard let mark = answer.firstRange(of: "error code=") else { return answer == "disk I/O error" }
        return Int(answer[mark.upperBound...].prefix(while: \.isNumber)).map { $0 & 0xff } == inputOutputError
    }

    private func verifyPostings(findings: inout [String]) throws(StorageError) {
        try withConnection { connection throws(StorageError) in
            let index = PartitionIndex(reader: self, connection: connection)
            for name in try index.labelNames() {
                _ = unsafe try index.union(of: name, prefix: "") { _ in true }
            }
        }
    }
}
