import CMalloc

/// What the allocator has given out in this process, as it says itself (mallinfo2(3)).
package enum AllocatedMemory {
    package static var byteCount: Int {
        let information = mallinfo2()
        return Int(information.uordblks) + Int(information.hblkhd)
    }
}
