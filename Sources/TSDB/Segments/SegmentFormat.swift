/// Numbers that encoder and decoder of segments agree on.
enum SegmentFormat {
    /// The version of the blobs described in `SegmentBlob` and `SegmentFrameEncoder`.
    static let version: UInt8 = 1
    /// Series a frame spans: what is decompressed to read one of them.
    static let seriesPerFrame = 128
    /// Frames a segment spans at most.
    static let framesPerSegment = 4
    static var seriesPerSegment: Int { seriesPerFrame * framesPerSegment }
    /// Ticks that a column of a full segment aims at.
    static let preferredTickCount = 240
    /// The most ticks a column may have.
    static let maximumTickCount = 8192
    /// The most columns in a frame: a series has one for each clock.
    static let maximumColumnCount = 8192
    /// What a frame may hold decompressed.
    static let maximumFrameBytes = 64 << 20
    static let compressionLevel = 1
    /// For what is merged, and then stays: 2 % smaller, half a nanosecond a sample.
    static let mergedCompressionLevel = 3
}

/// What is wrong with bytes that should be a segment, a clock or a chunk of histograms.
enum SegmentDamage: Error, Hashable, Sendable, CustomStringConvertible {
    case checksum
    case unknownVersion(UInt8)
    case structure(String)

    var description: String {
        switch self {
        case .checksum: "its checksum is wrong"
        case .unknownVersion(let version):
            "its format version is \(version), this program reads \(SegmentFormat.version)"
        case .structure(let part): "its \(part) is malformed"
        }
    }
}
