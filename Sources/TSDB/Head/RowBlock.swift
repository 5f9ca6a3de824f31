/// Memory that rows are appended to.
///
/// Bytes once written never change, so readers need no lock for them.
///
/// One owner writes behind the end it has published; readers hold the block and read what was published to them.
@safe final class RowBlock: @unchecked Sendable {
    /// Protected by the rule above: published bytes are constant, others are the owner's alone.
    private let memory: UnsafeMutableRawPointer
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 8), alignment: 8)
    }

    deinit { unsafe memory.deallocate() }

    /// Copies `bytes` to `offset`; the caller has checked that they fit.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        precondition(offset >= 0 && bytes.count <= capacity - offset, "a row goes beyond its block")
        guard let start = bytes.baseAddress else { return }
        unsafe (memory + offset).copyMemory(from: start, byteCount: bytes.count)
    }

    /// The bytes of a published range, valid while the block is held.
    func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
        precondition(offset >= 0 && count >= 0 && count <= capacity - offset, "a range goes beyond its block")
        return unsafe UnsafeRawBufferPointer(start: memory + offset, count: count)
    }
}
