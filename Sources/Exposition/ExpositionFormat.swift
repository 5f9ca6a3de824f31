/// The text formats in which metrics are exposed.
package enum ExpositionFormat: Sendable, Hashable, CaseIterable {
    /// Prometheus' text format, versions 0.0.4 and 1.0.0.
    case text
    /// OpenMetrics, versions 0.0.1 and 1.0.0.
    case openMetrics
}

/// How much of a page a parser takes before it refuses; every number is the greatest that passes.
package struct ExpositionLimits: Sendable, Hashable {
    /// The most HELP, TYPE and UNIT lines that are handed over with a page; those beyond are let go.
    static let metadataLinesPerPage = 300_000

    /// The longest line, its line feed not counted.
    package var lineBytes: Int
    /// The most labels of one series, its name counted.
    package var labelsPerSeries: Int
    /// The most sample lines of one page.
    package var samplesPerPage: Int
    /// The largest page, decompressed.
    package var pageBytes: Int

    package init(
        lineBytes: Int = 1 << 20, labelsPerSeries: Int = 10_000, samplesPerPage: Int = 20_000_000,
        pageBytes: Int = 2 << 30
    ) {
        self.lineBytes = lineBytes
        self.labelsPerSeries = labelsPerSeries
        self.samplesPerPage = samplesPerPage
        self.pageBytes = min(pageBytes, Int(UInt32.max))
    }
}

/// What a scraper may get: text in one of the formats, or protobuf.
package enum PageFormat: Sendable, Hashable {
    case text(ExpositionFormat)
    /// Prometheus' protobuf format, delimited.
    case protobuf
}
