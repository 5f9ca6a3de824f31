import SQLite
import Storage

extension PartitionMetadata {
    /// Writes the rows of the `meta` table.
    func write(to connection: SQLiteConnection) throws(SQLiteError) {
        let numbers: [(String, Int64)] = [
            ("format", Int64(formatVersion)), ("start", start), ("end", end), ("series", Int64(seriesCount)),
            ("samples", Int64(sampleCount)), ("histograms", Int64(histogramCount)),
        ]
        let statement = try connection.prepare("INSERT INTO meta (key, value) VALUES (?,?)")
        for (key, value) in numbers {
            try statement.bind(key, at: 1)
            try statement.bind(value, at: 2)
            try statement.run()
        }
        try statement.bind("replaces", at: 1)
        try statement.bind(replaces.joined(separator: "\n"), at: 2)
        try statement.run()
    }

    /// Reads them; nil where one is missing or cannot be.
    static func read(from connection: SQLiteConnection) throws(SQLiteError) -> PartitionMetadata? {
        var numbers: [String: Int64] = [:]
        var metadata = PartitionMetadata()
        let statement = try connection.prepare("SELECT key, value FROM meta")
        while try statement.step() {
            let key = statement.text(at: 0)
            if key == "replaces" {
                metadata.replaces = statement.text(at: 1).split(separator: "\n").map(String.init)
            } else {
                numbers[key] = statement.int64(at: 1)
            }
        }
        guard let format = numbers["format"], let start = numbers["start"], let end = numbers["end"],
            let series = numbers["series"], let samples = numbers["samples"], let histograms = numbers["histograms"],
            start <= end, series >= 0, series <= Int64(UInt32.max), samples >= 0, histograms >= 0
        else { return nil }
        metadata.formatVersion = Int(format)
        metadata.start = start
        metadata.end = end
        metadata.seriesCount = Int(series)
        metadata.sampleCount = Int(samples)
        metadata.histogramCount = Int(histograms)
        return metadata
    }
}
