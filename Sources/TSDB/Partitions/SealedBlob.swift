import Bytes
import Storage

/// The cover of every small blob of a partition: clocks, labels, postings, histograms.
///
///     +---------+---------------------+---------+---------------------------+
///     | version | 0 plain, 1 zstd     | content | CRC-32C of all before it  |
///     | 1 byte  | 1 byte              |         | 4 bytes, little endian    |
///     +---------+---------------------+---------+---------------------------+
enum SealedBlob {
    static let version: UInt8 = 1
    /// What a blob may hold decompressed.
    static let maximumContentBytes = 256 << 20
    private static let overhead = 6

    /// Covers the content; compressed when that is wanted and smaller.
    static func seal(_ content: [UInt8], compresses: Bool) throws(StorageError) -> [UInt8] {
        var blob: [UInt8] = [version, 0]
        if compresses, content.count > 48 {
            do throws(CompressionError) {
                let compressed = try Compression.zstdCompress(content, level: SegmentFormat.compressionLevel)
                if compressed.count < content.count {
                    blob[1] = 1
                    blob += compressed
                }
            } catch {
                throw .inputOutput(path: "blob", reason: "\(error)")
            }
        }
        if blob[1] == 0 { blob += content }
        SegmentBlob.append(Checksum.crc32c(blob), to: &blob)
        return blob
    }

    /// The content of a blob, its checksum found right.
    static func open(_ blob: UnsafeRawBufferPointer) throws(SegmentDamage) -> [UInt8] {
        let body = unsafe try check(blob)
        if unsafe blob[1] == 0 { return unsafe Array(body) }
        var content: [UInt8] = []
        do throws(CompressionError) {
            unsafe try Compression.zstdDecompress(body, limitBytes: maximumContentBytes, into: &content)
        } catch {
            throw .structure("compressed content")
        }
        return content
    }

    /// Checks version and checksum; gives what lies between the head and the checksum.
    private static func check(_ blob: UnsafeRawBufferPointer) throws(SegmentDamage) -> UnsafeRawBufferPointer {
        guard blob.count >= overhead else { throw .structure("length") }
        guard unsafe blob[0] == version else { throw .unknownVersion(unsafe blob[0]) }
        let covered = unsafe UnsafeRawBufferPointer(rebasing: blob[0..<blob.count - 4])
        let stored = unsafe blob.loadUnaligned(fromByteOffset: blob.count - 4, as: UInt32.self)
        guard unsafe Checksum.crc32c(covered) == UInt32(littleEndian: stored) else { throw .checksum }
        guard unsafe blob[1] <= 1 else { throw .structure("head") }
        return unsafe UnsafeRawBufferPointer(rebasing: blob[2..<blob.count - 4])
    }
}
