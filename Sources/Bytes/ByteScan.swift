import Glibc

/// Finding single bytes, with the C library's vectorised `memchr`.
package enum ByteScan {
    /// The offset of the first `byte` at or after `start`, nil where there is none.
    package static func firstIndex(
        of byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int = 0
    ) -> Int? {
        guard start >= 0, start < bytes.count, let base = bytes.baseAddress else { return nil }
        guard let found = unsafe memchr(base + start, CInt(byte), bytes.count - start) else { return nil }
        return unsafe UnsafeRawPointer(found) - base
    }

    /// How often `byte` occurs.
    package static func count(of byte: UInt8, in bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for index in bytes.indices {
            if unsafe bytes[index] == byte { count += 1 }
        }
        return count
    }

    /// Whether two runs hold the same bytes.
    package static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
        return unsafe memcmp(leftBase, rightBase, left.count) == 0
    }
}
