import Bytes

/// Unpacks a compressed page within the job's limit.
enum PageDecompression {
    static func gunzip(
        _ bytes: [UInt8], with decompressor: borrowing GzipDecompressor, limit: (bytes: Int, name: String),
        into page: inout [UInt8]
    ) throws(ScrapeFailure) {
        do {
            try decompressor.gunzip(bytes, limitBytes: limit.bytes, into: &page)
        } catch {
            if case .tooLarge = error { throw .bodyTooLarge(limitName: limit.name, limitBytes: limit.bytes) }
            throw .undecodableBody(reason: error.description)
        }
    }
}
