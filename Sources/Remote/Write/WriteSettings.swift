/// Limits of the remote write receiver.
package struct WriteSettings: Sendable {
    /// What a request may hold when it is decompressed.
    package var decodedByteLimit = 32 << 20
    /// How many times its size a zstd body may grow, beyond the first mebibyte (snappy cannot grow more than 22 times).
    package var zstdRatioLimit = 256
    package var samplesPerRequestLimit = 100_000
    package var seriesPerRequestLimit = 50_000
    /// Labels of one series, in bytes.
    package var labelByteLimit = 64 << 10
    /// Buckets of one native histogram.
    package var histogramBucketLimit = 20_000
    /// Metric families whose metadata is remembered.
    package var metadataFamilyLimit = 50_000
    /// Series whose numbers are remembered; beyond that all are looked up anew.
    package var knownSeriesLimit = 8_000_000

    package init() {}
}
