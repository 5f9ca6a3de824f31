/// The decompressed bytes of a frame, and its directory where it has been read.
///
/// Written by the one who makes it; once others have it too it never changes.
@safe final class FrameContent: CachedBlock, @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let capacity: Int
    var count = 0
    /// Empty until others have it.
    var columns: [SegmentFrame.Column] = []

    init(capacity: Int) {
        self.capacity = capacity
        unsafe start = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { unsafe start.deallocate() }

    /// A copy that takes no more than its bytes, with the directory that stands in them.
    init(copying other: FrameContent, columns: [SegmentFrame.Column]) {
        capacity = max(1, other.count)
        count = other.count
        self.columns = unsafe [SegmentFrame.Column](unsafeUninitializedCapacity: columns.count) { buffer, initialized in
            initialized = unsafe buffer.initialize(fromContentsOf: columns)
        }
        unsafe start = .allocate(byteCount: capacity, alignment: 16)
        unsafe start.copyMemory(from: other.start, byteCount: count)
    }

    var byteCount: Int { capacity + columns.count * MemoryLayout<SegmentFrame.Column>.stride + 96 }
}
