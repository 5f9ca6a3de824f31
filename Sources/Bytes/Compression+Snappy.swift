internal import CSnappy

extension Compression {
    /// Appends `input` in snappy's block format, that of remote write.
    package static func snappyCompress(_ input: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        var length = snappy_max_compressed_length(input.count)
        unsafe append(to: &output, capacity: length) { buffer in
            let status = unsafe snappy_compress(
                input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count,
                buffer.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
            return status == SNAPPY_OK ? length : nil
        }
    }

    /// `input` in snappy's block format.
    package static func snappyCompress(_ input: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        unsafe input.withUnsafeBytes { unsafe snappyCompress($0, into: &output) }
        return output
    }

    /// Appends what a snappy block holds.
    ///
    /// The length that it declares is held against the limit first.
    package static func snappyUncompress(
        _ input: UnsafeRawBufferPointer, limitBytes: Int, into output: inout [UInt8]
    ) throws(CompressionError) {
        var length = 0
        let characters = unsafe input.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard unsafe snappy_uncompressed_length(characters, input.count, &length) == SNAPPY_OK, length >= 0 else {
            throw .corrupt(.snappy)
        }
        guard length <= limitBytes else {
            throw .tooLarge(.snappy, limitBytes: limitBytes, declaredBytes: UInt64(length))
        }
        // The densest element is a copy of 64 bytes in three bytes (two bytes give at most 11).
        guard length / 64 <= input.count else { throw .corrupt(.snappy) }
        let isDone = unsafe append(to: &output, capacity: max(length, 1)) { buffer in
            let status = unsafe snappy_uncompress(
                characters, input.count, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
            return status == SNAPPY_OK ? length : nil
        }
        guard isDone else { throw .corrupt(.snappy) }
    }

    /// What a snappy block holds, at most `limitBytes`.
    package static func snappyUncompress(_ input: [UInt8], limitBytes: Int) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        let result = unsafe input.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in
                unsafe try snappyUncompress(bytes, limitBytes: limitBytes, into: &output)
            }
        }
        try result.get()
        return output
    }
}
