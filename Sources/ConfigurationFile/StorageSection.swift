/// The `storage` section; what is nil was not written and comes from the flags.
package struct StorageSection: Sendable, Hashable {
    package var retentionMilliseconds: Int64?
    package var retentionBytes: Int?
    /// Of the file system, in percent.
    package var retentionPercentage: Double?
    package var outOfOrderWindowMilliseconds: Int64 = 0
    /// Exemplars that are kept in memory; 0 keeps none.
    package var maximumExemplars = 100_000

    init() {}

    init(_ reader: MappingReader) throws(ConfigurationError) {
        var reader = reader
        if var section = try reader.mapping("tsdb") {
            outOfOrderWindowMilliseconds = try section.duration("out_of_order_time_window") ?? 0
            section.accept(["stale_series_compaction_threshold", "chunk_encoding", "float_chunk_encoding"])
            if var retention = try section.mapping("retention") {
                retentionMilliseconds = try retention.duration("time") ?? 0
                retentionBytes = try retention.size("size") ?? 0
                retentionPercentage = try retention.number("percentage")
                try retention.finish()
            }
            try section.finish()
        }
        if var section = try reader.mapping("exemplars") {
            if let maximum = try section.integer("max_exemplars") { maximumExemplars = max(0, maximum) }
            try section.finish()
        }
        try reader.finish()
    }
}
