import Storage

/// The timestamps of a clock as a blob: an `IntegerColumn` under a `SealedBlob`; how many there are stands in the row.
enum ClockCodec {
    /// The most ticks a clock may have.
    static let maximumTickCount = 1 << 22

    static func encode(_ timestamps: [Int64]) throws(StorageError) -> [UInt8] {
        var output = OutputBytes(capacity: 256)
        let count = timestamps.count
        let residuals = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, count))
        defer { unsafe residuals.deallocate() }
        unsafe timestamps.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe IntegerColumn.encode(start, count: count, residuals: residuals, into: &output)
        }
        return try SealedBlob.seal(unsafe Array(output.bytes), compresses: true)
    }

    /// The timestamps, found to ascend.
    static func decode(_ blob: UnsafeRawBufferPointer, count: Int) throws(SegmentDamage) -> [Int64] {
        let content = unsafe try SealedBlob.open(blob)
        // A number takes no room when all differences are equal, so only the limit bounds the count.
        guard count >= 0, count <= maximumTickCount else { throw .structure("tick count") }
        var isSound = false
        let timestamps = unsafe content.withUnsafeBytes { bytes in
            var input = unsafe InputBytes(bytes)
            return unsafe [Int64](unsafeUninitializedCapacity: count) { buffer, initialized in
                guard let start = buffer.baseAddress else { return }
                isSound = unsafe IntegerColumn.decode(&input, count: count, into: start) && input.isAtEnd
                initialized = isSound ? count : 0
            }
        }
        guard isSound || count == 0 else { throw .structure("clock") }
        for index in timestamps.indices.dropFirst() where timestamps[index - 1] >= timestamps[index] {
            throw .structure("clock's order")
        }
        return timestamps
    }
}
