internal import CZlib

/// Compresses one gzip file (RFC 1952) piece by piece, for what never stands in memory as a whole.
///
/// zlib: libdeflate, which takes half the time, ends a file with each piece, and not every reader goes on behind an end.
/// For one thread at a time.
@safe package struct GzipStream: ~Copyable {
    /// What a stream takes beside the pieces: a window and tables of 128 KiB each, and what zlib keeps beside them.
    package static let byteCount = 272 << 10

    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameter level: 1 (fast) to 9 (small).
    package init(level: Int = 1) throws(CompressionError) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        guard unsafe lapwing_gzip_begin(stream, CInt(min(max(level, 1), 9))) == Z_OK else {
            unsafe stream.deallocate()
            throw .outOfMemory(.gzip)
        }
        unsafe self.stream = stream
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Takes a piece and appends what the file has grown by, which may be nothing.
    ///
    /// - Parameter isLast: The file ends with this piece; nothing may follow.
    package mutating func compress(_ piece: [UInt8], isLast: Bool = false, into output: inout [UInt8]) {
        var piece = piece
        unsafe piece.withUnsafeMutableBufferPointer { bytes in
            unsafe stream.pointee.next_in = bytes.baseAddress
            unsafe stream.pointee.avail_in = UInt32(bytes.count)
            var isDone = false
            while !isDone {
                unsafe Compression.append(to: &output, capacity: Self.roomBytes) { room in
                    unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    unsafe stream.pointee.avail_out = UInt32(room.count)
                    let status = unsafe deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    isDone = unsafe isLast ? status != Z_OK : stream.pointee.avail_out > 0
                    return unsafe room.count - Int(stream.pointee.avail_out)
                }
            }
            unsafe stream.pointee.next_in = nil
        }
    }

    private static let roomBytes = 64 << 10
}
