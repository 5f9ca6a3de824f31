import Glibc
import Storage
import TestSupport
import Testing

@testable import TSDB

@Suite("The lock of a data folder")
struct FolderLockTests {
    @Test("a second holder is refused and told who the first is")
    func held() throws {
        let folder = TemporaryDirectory()
        let lock = try FolderLock(folder: folder.path)
        let refusal = #expect(throws: StorageError.self) { _ = try FolderLock(folder: folder.path) }
        #expect(refusal?.description.contains("in use by process \(getpid())") == true)
        lock.release()
        _ = try FolderLock(folder: folder.path)
    }

    @Test("letting go holds although a copy of the descriptor lives on, as in a child before its exec")
    func copied() throws {
        let folder = TemporaryDirectory()
        let lock = try FolderLock(folder: folder.path)
        let copies = (3..<1024).filter { Self.target(of: $0) == folder.path + "/lock" }.map { dup(Int32($0)) }
        defer { for copy in copies { close(copy) } }
        #expect(copies.count == 1)
        lock.release()
        _ = try FolderLock(folder: folder.path)
    }

    private static func target(of descriptor: Int) -> String {
        var text = [UInt8](repeating: 0, count: 4096)
        let count = unsafe text.withUnsafeMutableBytes {
            guard let start = unsafe $0.assumingMemoryBound(to: CChar.self).baseAddress else { return 0 }
            return unsafe readlink("/proc/self/fd/\(descriptor)", start, $0.count)
        }
        return String(decoding: text.prefix(max(0, count)), as: UTF8.self)
    }
}
