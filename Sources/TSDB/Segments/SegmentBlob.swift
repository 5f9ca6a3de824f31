import Bytes

/// The bytes of one segment: a few hundred neighbouring series over a slice of time.
///
///     +---------+-------------+---------------------------------------+--------+---------+-----
///     | version | frame count | per frame: varint length, CRC-32C     | CRC    | frame 0 | ...
///     | 1 byte  | 1 byte      | (4 bytes, little endian) of its bytes | 4 byte | zstd    |
///     +---------+-------------+---------------------------------------+--------+---------+-----
///     '----------------- what the CRC behind it covers ---------------'
///
/// Frame `i` holds series `first + 128 i ..< first + 128 (i + 1)`, where `first` stands in the row; a frame without
/// columns has length 0. Each frame has a checksum of its own, so that reading one series touches one frame.
enum SegmentBlob {
    /// Where a frame lies in the blob and what its checksum should be.
    struct FrameLocation {
        var range: Range<Int>
        var checksum: UInt32
    }

    /// The head for frames of these lengths and checksums.
    static func head(frames: [(byteCount: Int, checksum: UInt32)]) -> [UInt8] {
        var head: [UInt8] = [SegmentFormat.version, UInt8(frames.count)]
        for frame in frames {
            VarInt.append(UInt64(frame.byteCount), to: &head)
            append(frame.checksum, to: &head)
        }
        append(Checksum.crc32c(head), to: &head)
        return head
    }

    static func append(_ checksum: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: checksum >> UInt32(shift)))
        }
    }

    /// Finds a frame in a blob; nil where the segment has none at this index or nothing in it.
    static func frame(_ index: Int, in blob: UnsafeRawBufferPointer) throws(SegmentDamage) -> FrameLocation? {
        var input = unsafe InputBytes(blob)
        let version = input.byte()
        guard !input.isDamaged else { throw .structure("head") }
        guard version == SegmentFormat.version else { throw .unknownVersion(version) }
        let frameCount = Int(input.byte())
        var offset = 0
        var found: FrameLocation?
        for number in 0..<frameCount {
            let length = input.count(limit: blob.count)
            let checksum = input.littleEndian32()
            if number == index { found = FrameLocation(range: offset..<offset + length, checksum: checksum) }
            offset += length
        }
        let headEnd = input.position
        let checksum = input.littleEndian32()
        guard !input.isDamaged, offset == input.remaining else { throw .structure("head") }
        let head = unsafe UnsafeRawBufferPointer(rebasing: blob[0..<headEnd])
        guard unsafe Checksum.crc32c(head) == checksum else { throw .checksum }
        guard var location = found, !location.range.isEmpty else { return nil }
        location.range = location.range.lowerBound + headEnd + 4..<location.range.upperBound + headEnd + 4
        return location
    }

    /// Checks, decompresses and reads a frame of a blob; false where there is none.
    ///
    /// `firstSeries` is that of the segment's row.
    static func load(
        frame index: Int, of blob: [UInt8], firstSeries: UInt32, into frame: inout SegmentFrame,
        workspace: ZstdWorkspace
    ) throws(SegmentDamage) -> Bool {
        unsafe try blob.withUnsafeBufferPointer { bytes throws(SegmentDamage) in
            unsafe try load(
                frame: index, of: UnsafeRawBufferPointer(bytes), firstSeries: firstSeries, into: &frame,
                workspace: workspace)
        }
    }

    /// The same for bytes that are lent.
    static func load(
        frame index: Int, of blob: UnsafeRawBufferPointer, firstSeries: UInt32, into frame: inout SegmentFrame,
        workspace: ZstdWorkspace
    ) throws(SegmentDamage) -> Bool {
        guard let location = unsafe try Self.frame(index, in: blob) else { return false }
        let compressed = unsafe UnsafeRawBufferPointer(rebasing: blob[location.range])
        guard unsafe Checksum.crc32c(compressed) == location.checksum else { throw .checksum }
        guard let size = unsafe ZstdWorkspace.contentSize(of: compressed), size <= SegmentFormat.maximumFrameBytes
        else {
            throw .structure("frame size")
        }
        let frameFirst = UInt64(firstSeries) + UInt64(index * SegmentFormat.seriesPerFrame)
        guard frameFirst <= UInt64(UInt32.max) else { throw .structure("series number") }
        unsafe try frame.load(size: size, firstSeries: UInt32(frameFirst)) { target throws(SegmentDamage) in
            do {
                return unsafe try workspace.decompress(compressed, into: target)
            } catch {
                throw SegmentDamage.structure("compressed frame")
            }
        }
        return true
    }
}
