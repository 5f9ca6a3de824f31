internal import CZstd

extension Compression {
    /// Appends `input` as one zstd frame that states its content's size and carries no checksum.
    package static func zstdCompress(
        _ input: UnsafeRawBufferPointer, level: Int = 1, into output: inout [UInt8]
    ) throws(CompressionError) {
        let isDone = unsafe append(to: &output, capacity: ZSTD_compressBound(input.count)) { buffer in
            let written = unsafe ZSTD_compress(
                buffer.baseAddress, buffer.count, input.baseAddress, input.count, CInt(clamping: level))
            return ZSTD_isError(written) == 0 ? written : nil
        }
        guard isDone else { throw .outOfMemory(.zstd) }
    }

    /// `input` as one zstd frame.
    package static func zstdCompress(_ input: [UInt8], level: Int = 1) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        let result = unsafe input.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in unsafe try zstdCompress(bytes, level: level, into: &output) }
        }
        try result.get()
        return output
    }

    /// Appends what one or more zstd frames hold, at most `limitBytes`.
    package static func zstdDecompress(
        _ input: UnsafeRawBufferPointer, limitBytes: Int, into output: inout [UInt8]
    ) throws(CompressionError) {
        // The size that the first frame states, where it states one: then one call does it.
        let declared = unsafe ZSTD_getFrameContentSize(input.baseAddress, input.count)
        if declared == UInt64.max - 1 { throw .corrupt(.zstd) }
        let isKnown = declared != UInt64.max
        if isKnown, declared > UInt64(clamping: limitBytes) {
            throw .tooLarge(.zstd, limitBytes: limitBytes, declaredBytes: declared)
        }
        let frameBytes = unsafe ZSTD_findFrameCompressedSize(input.baseAddress, input.count)
        guard isKnown, frameBytes == input.count else {
            return unsafe try zstdStream(input, limitBytes: limitBytes, into: &output)
        }
        // A frame cannot claim more than its blocks could hold: 128 KiB from every three bytes of block header.
        let largestPossible = UInt64(clamping: input.count).multipliedReportingOverflow(by: 1 << 17).partialValue
        guard declared <= largestPossible else { throw .corrupt(.zstd) }
        let isDone = unsafe append(to: &output, capacity: Int(declared)) { buffer in
            var empty: UInt8 = 0
            let written =
                buffer.count > 0
                ? unsafe ZSTD_decompress(buffer.baseAddress, buffer.count, input.baseAddress, input.count)
                : unsafe ZSTD_decompress(&empty, 0, input.baseAddress, input.count)
            return ZSTD_isError(written) == 0 ? written : nil
        }
        guard isDone else { throw .corrupt(.zstd) }
    }

    /// What one or more zstd frames hold, at most `limitBytes`.
    package static func zstdDecompress(_ input: [UInt8], limitBytes: Int) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        let result = unsafe input.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in
                unsafe try zstdDecompress(bytes, limitBytes: limitBytes, into: &output)
            }
        }
        try result.get()
        return output
    }

    private static func zstdStream(
        _ input: UnsafeRawBufferPointer, limitBytes: Int, into output: inout [UInt8]
    ) throws(CompressionError) {
        guard let stream = unsafe ZSTD_createDStream() else { throw .outOfMemory(.zstd) }
        defer { unsafe ZSTD_freeDStream(stream) }
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var remaining = limitBytes
        while true {
            let room = min(max(remaining, 1), ZSTD_DStreamOutSize())
            var hint = 0
            var written = 0
            unsafe append(to: &output, capacity: room) { buffer in
                var target = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: room, pos: 0)
                hint = unsafe ZSTD_decompressStream(stream, &target, &source)
                written = unsafe target.pos
                return ZSTD_isError(hint) == 0 && written <= remaining ? written : nil
            }
            guard ZSTD_isError(hint) == 0 else { throw .corrupt(.zstd) }
            guard written <= remaining else {
                throw .tooLarge(.zstd, limitBytes: limitBytes, declaredBytes: nil)
            }
            remaining -= written
            let isAtEnd = unsafe source.pos == source.size
            if isAtEnd && hint == 0 { return }
            if isAtEnd && written < room { throw .corrupt(.zstd) }
        }
    }
}
