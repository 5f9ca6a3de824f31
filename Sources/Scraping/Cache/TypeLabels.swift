import MetricModel

/// The labels `__type__` and `__unit__`, from what a target says of the family that a sample belongs to.
///
/// Prometheus' feature `type-and-unit-labels`: series of one name and different types become different series. What the
/// page itself gives these labels does not count. A family is looked up where a line is seen for the first time: a type
/// that changes later is seen when the line changes or the target is taken up anew.
enum TypeLabels {
    /// What the names of samples may have behind the name of their family.
    private static let suffixes: [MetricMetadata.MetricType: [String]] = [
        .counter: ["_total", "_created"],
        .histogram: ["_bucket", "_count", "_sum", "_created"],
        .gaugeHistogram: ["_bucket", "_gcount", "_gsum"],
        .summary: ["_count", "_sum", "_created"],
        .info: ["_info"],
    ]

    static func add(to scraped: LabelSet, from table: TargetMetadataTable) -> LabelSet {
        let metadata = family(of: scraped.metricName, in: table)
        var builder = LabelSetBuilder(scraped)
        builder.set(LabelName.type, to: metadata.type == .unknown ? "" : metadata.type.rawValue)
        builder.set(LabelName.unit, to: metadata.unit)
        return builder.build()
    }

    private static func family(of name: String, in table: TargetMetadataTable) -> MetricMetadata {
        if let own = table.entries(named: name).first { return own.metadata }
        guard let end = name.lastIndex(of: "_") else { return MetricMetadata() }
        guard let family = table.entries(named: String(name[..<end])).first?.metadata,
            suffixes[family.type]?.contains(String(name[end...])) ?? false
        else { return MetricMetadata() }
        return family
    }
}
