internal import CDeflate

/// A libdeflate decompressor, for one thread at a time; keep one where there are many bodies, its tables take 11 KB.
@safe package struct GzipDecompressor: ~Copyable {
    fileprivate let handle: OpaquePointer?

    package init() { unsafe handle = unsafe libdeflate_alloc_decompressor() }

    deinit { unsafe libdeflate_free_decompressor(handle) }

    /// Appends what a gzip file of one or more members (RFC 1952) holds, at most `limitBytes` in all.
    package func gunzip(
        _ input: [UInt8], limitBytes: Int, into output: inout [UInt8]
    ) throws(CompressionError) {
        let result = unsafe input.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in
                unsafe try Compression.gunzip(bytes, with: self, limitBytes: limitBytes, into: &output)
            }
        }
        try result.get()
    }
}

extension Compression {
    /// Room for the first attempt where the size of a member is not known yet.
    private static let smallestGzipRoomBytes = 4096

    /// Appends what a gzip file of one or more members (RFC 1952) holds, at most `limitBytes` in all.
    ///
    /// On an error `output` may hold members that came before the damage.
    package static func gunzip(
        _ input: UnsafeRawBufferPointer, limitBytes: Int, into output: inout [UInt8]
    ) throws(CompressionError) {
        unsafe try gunzip(input, with: GzipDecompressor(), limitBytes: limitBytes, into: &output)
    }

    fileprivate static func gunzip(
        _ input: UnsafeRawBufferPointer, with decompressor: borrowing GzipDecompressor, limitBytes: Int,
        into output: inout [UInt8]
    ) throws(CompressionError) {
        guard let handle = unsafe decompressor.handle else { throw .outOfMemory(.gzip) }
        var offset = 0
        var remaining = limitBytes
        repeat {
            let member = unsafe UnsafeRawBufferPointer(rebasing: input[offset...])
            let used = unsafe try inflateMember(
                member, handle, limitBytes: limitBytes, remaining: &remaining, into: &output)
            offset += used
        } while offset < input.count
    }

    /// Appends what a gzip file holds, at most `limitBytes` in all.
    package static func gunzip(
        _ input: [UInt8], limitBytes: Int, into output: inout [UInt8]
    ) throws(CompressionError) {
        try GzipDecompressor().gunzip(input, limitBytes: limitBytes, into: &output)
    }

    /// Inflates one member; the result is how many bytes of `member` it took.
    private static func inflateMember(
        _ member: UnsafeRawBufferPointer, _ decompressor: OpaquePointer, limitBytes: Int,
        remaining: inout Int, into output: inout [UInt8]
    ) throws(CompressionError) -> Int {
        // Deflate cannot grow data more than 1032-fold, so a member's own claim is believed only up to that.
        let largestPossible = member.count.multipliedReportingOverflow(by: 1032).partialValue
        var room = unsafe max(min(declaredSize(member), largestPossible), smallestGzipRoomBytes)
        while true {
            room = min(room, remaining)
            var usedBytes = 0
            var writtenBytes = 0
            var status = LIBDEFLATE_SUCCESS
            unsafe append(to: &output, capacity: max(room, 1)) { buffer in
                status = unsafe libdeflate_gzip_decompress_ex(
                    decompressor, member.baseAddress, member.count, buffer.baseAddress, room, &usedBytes,
                    &writtenBytes)
                return status == LIBDEFLATE_SUCCESS ? writtenBytes : nil
            }
            switch status {
            case LIBDEFLATE_SUCCESS:
                remaining -= writtenBytes
                return usedBytes
            case LIBDEFLATE_INSUFFICIENT_SPACE where room < remaining: room = room > Int.max / 4 ? remaining : room * 4
            case LIBDEFLATE_INSUFFICIENT_SPACE:
                throw .tooLarge(.gzip, limitBytes: limitBytes, declaredBytes: nil)
            default: throw .corrupt(.gzip)
            }
        }
    }

    /// The size that the last four bytes state, right for a single member below 4 GiB.
    private static func declaredSize(_ member: UnsafeRawBufferPointer) -> Int {
        guard member.count >= 18 else { return 0 }
        return Int(
            UInt32(littleEndian: unsafe member.loadUnaligned(fromByteOffset: member.count - 4, as: UInt32.self)))
    }

    /// Appends `input` as one gzip member.
    ///
    /// `level` is 1 (fast) to 12 (small).
    package static func gzip(
        _ input: UnsafeRawBufferPointer, level: Int = 6, into output: inout [UInt8]
    ) throws(CompressionError) {
        guard let compressor = unsafe libdeflate_alloc_compressor(CInt(min(max(level, 1), 12))) else {
            throw .outOfMemory(.gzip)
        }
        defer { unsafe libdeflate_free_compressor(compressor) }
        let bound = unsafe libdeflate_gzip_compress_bound(compressor, input.count)
        let isDone = unsafe append(to: &output, capacity: bound) { buffer in
            let written = unsafe libdeflate_gzip_compress(
                compressor, input.baseAddress, input.count, buffer.baseAddress, buffer.count)
            return written > 0 ? written : nil
        }
        guard isDone else { throw .outOfMemory(.gzip) }
    }

    /// `input` as one gzip member.
    package static func gzip(_ input: [UInt8], level: Int = 6) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        let result = unsafe input.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in unsafe try gzip(bytes, level: level, into: &output) }
        }
        try result.get()
        return output
    }
}
