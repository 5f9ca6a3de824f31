/// The decompressed bytes of a frame.
///
/// Written by the one who makes it; once others have it too it never changes.
@safe final class FrameContent: CachedBlock, @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let capacity: Int
    var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        unsafe start = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { unsafe start.deallocate() }

    /// A copy that takes no more than its bytes.
    init(copying other: FrameContent) {
        capacity = max(1, other.count)
        count = other.count
        unsafe start = .allocate(byteCount: capacity, alignment: 16)
        unsafe start.copyMemory(from: other.start, byteCount: count)
    }

    var byteCount: Int { capacity + 64 }
}
