internal import CZstd

/// A zstd compressor and decompressor that keep their working memory between calls.
///
/// One-shot calls allocate and clear some hundred kilobytes each time, which costs more than a small frame itself. A
/// workspace belongs to one thread at a time.
@safe package final class ZstdWorkspace {
    private var compressor: OpaquePointer?
    private var decompressor: OpaquePointer?

    package init() {}

    deinit {
        unsafe ZSTD_freeCCtx(compressor)
        unsafe ZSTD_freeDCtx(decompressor)
    }

    /// The room that compressing so many bytes may need.
    package static func compressedBound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    /// Compresses `input` into `output`, which has `compressedBound` room; returns the bytes written.
    package func compress(
        _ input: UnsafeRawBufferPointer, level: Int, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> Int {
        if unsafe compressor == nil { unsafe compressor = ZSTD_createCCtx() }
        guard let context = unsafe compressor else { throw .outOfMemory(.zstd) }
        let count = unsafe ZSTD_compressCCtx(
            context, output.baseAddress, output.count, input.baseAddress, input.count, CInt(clamping: level))
        guard ZSTD_isError(count) == 0 else { throw .outOfMemory(.zstd) }
        return count
    }

    /// The size that one frame states for its content; nil where the bytes are no frame or state none.
    package static func contentSize(of input: UnsafeRawBufferPointer) -> Int? {
        let size = unsafe ZSTD_getFrameContentSize(input.baseAddress, input.count)
        // The two largest numbers stand for "not stated" and "no frame".
        return size >= UInt64.max - 1 ? nil : Int(exactly: size)
    }

    /// Decompresses one frame into `output` and returns the bytes written.
    ///
    /// Too little room is damage as well.
    package func decompress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> Int {
        if unsafe decompressor == nil { unsafe decompressor = ZSTD_createDCtx() }
        guard let context = unsafe decompressor else { throw .outOfMemory(.zstd) }
        let count = unsafe ZSTD_decompressDCtx(
            context, output.baseAddress, output.count, input.baseAddress, input.count)
        guard ZSTD_isError(count) == 0 else { throw .corrupt(.zstd) }
        return count
    }
}
