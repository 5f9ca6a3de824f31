/// The `storage` section; what is nil was not written and comes from the flags.
package struct StorageSection: Sendable, Hashable {
    package var retentionMilliseconds: Int64?
    package var retentionBytes: Int?
    /// Of the file system, in percent.
    package var retentionPercentage: Double?
    package var outOfOrderWindowMilliseconds: Int64 = 0
    /// Exemplars that are kept in memory; 0 keeps none.
    package var maximumExemplars = 100_000

    /// Accepted and without effect: samples are stored in a form of our own.
    private static let encodings = ValueShape.word(["xor", "xor2"])

    init() {}

    init(_ reader: MappingReader) throws(ConfigurationError) {
        var reader = reader
        if var section = try reader.mapping("tsdb") {
            outOfOrderWindowMilliseconds = try section.duration("out_of_order_time_window") ?? 0
            if let share = section.optional("stale_series_compaction_threshold") {
                try ValueShape.number(0...1).check(share, folder: "")
            }
            if let encoding = section.optional("chunk_encoding") {
                try SectionShape(keys: ["floats": Self.encodings]).check(encoding, folder: "")
            }
            if let encoding = section.optional("float_chunk_encoding") {
                try Self.encodings.check(encoding, folder: "")
            }
            if var retention = try section.mapping("retention") {
                retentionMilliseconds = try retention.duration("time") ?? 0
                retentionBytes = try retention.size("size") ?? 0
                if let share = retention.optional("percentage") {
                    try ValueShape.number(0...100).check(share, folder: "")
                }
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
