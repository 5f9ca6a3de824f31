import Glibc

/// What a write-ahead log holds, as SQLite will find it at the next start (sqlite.org/fileformat2.html#walformat).
///
/// SQLite reads a log up to the first frame whose checksum is wrong and takes that for its end, without a word: what a
/// loss of power left is not to be told from damage. This counts what stands behind such a frame.
///
///     log     32 bytes: u32 magic, version, page size, checkpoint number, two salts, two sums over the 24 before
///     frame   24 bytes: u32 page number, pages of the database after a commit or 0, the two salts, two sums; the page
package struct SQLiteLogInspection: Sendable, Hashable {
    /// Commits that SQLite reads.
    package var soundCommitCount = 0
    /// Commits behind damage, which SQLite leaves out.
    package var lostCommitCount = 0

    private static let headerByteCount = 32
    private static let frameHeaderByteCount = 24
    private static let pageSizes = 512...65536

    /// Bytes of the log read at once.
    private static let readByteCount = 1 << 18

    private struct Sums: Equatable {
        var first: UInt32 = 0
        var second: UInt32 = 0

        mutating func add(_ bytes: UnsafeRawBufferPointer, isBigEndian: Bool) {
            var (first, second) = (first, second)
            var offset = 0
            while offset &+ 8 <= bytes.count {
                first &+= unsafe Self.word(bytes, offset, isBigEndian) &+ second
                second &+= unsafe Self.word(bytes, offset &+ 4, isBigEndian) &+ first
                offset &+= 8
            }
            (self.first, self.second) = (first, second)
        }

        static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ isBigEndian: Bool = true) -> UInt32 {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            return isBigEndian ? UInt32(bigEndian: word) : UInt32(littleEndian: word)
        }
    }

    /// What the frames are held against, as far as they are read.
    private struct Chain {
        var sums = Sums()
        var isBigEndian = false
        var isSound = false
        var salts: UInt64?
        var pageSize = 4096
        var frameByteCount: Int { frameHeaderByteCount + pageSize }

        init(header: UnsafeRawBufferPointer) {
            isBigEndian = unsafe Sums.word(header, 0) & 1 == 1
            unsafe sums.add(UnsafeRawBufferPointer(rebasing: header[..<24]), isBigEndian: isBigEndian)
            isSound = unsafe sums == Sums(first: Sums.word(header, 24), second: Sums.word(header, 28))
            let said = unsafe Int(Sums.word(header, 8))
            // A damaged head may say anything; this program's logs have pages of the size above.
            if isSound, pageSizes.contains(said) { pageSize = said }
            if isSound { salts = unsafe header.loadUnaligned(fromByteOffset: 16, as: UInt64.self) }
        }

        /// Whether a frame ends a commit; `isSound` says afterwards whether SQLite gets as far.
        mutating func takeCommit(_ frame: UnsafeRawBufferPointer) -> Bool {
            let frameSalts = unsafe frame.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            let salts = salts ?? frameSalts
            self.salts = salts
            // Frames of before the log was begun anew have other salts.
            if frameSalts != salts { isSound = false }
            if isSound {
                unsafe sums.add(UnsafeRawBufferPointer(rebasing: frame[..<8]), isBigEndian: isBigEndian)
                unsafe sums.add(UnsafeRawBufferPointer(rebasing: frame[24...]), isBigEndian: isBigEndian)
                isSound = unsafe sums == Sums(first: Sums.word(frame, 16), second: Sums.word(frame, 20))
            }
            return unsafe Sums.word(frame, 4) != 0 && frameSalts == salts
        }
    }

    /// Reads the log of a database; nothing where there is none.
    package init(databasePath: String) {
        let descriptor = unsafe open(databasePath + "-wal", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.headerByteCount)
        guard Self.read(descriptor, into: &bytes, at: 0) == Self.headerByteCount else { return }
        var chain = unsafe bytes.withUnsafeBytes { unsafe Chain(header: $0) }
        let frameByteCount = chain.frameByteCount
        bytes = [UInt8](repeating: 0, count: max(1, Self.readByteCount / frameByteCount) * frameByteCount)
        var offset = Self.headerByteCount
        while true {
            let count = Self.read(descriptor, into: &bytes, at: offset)
            for start in stride(from: 0, through: count - frameByteCount, by: frameByteCount) {
                let endsCommit = unsafe bytes.withUnsafeBytes { bytes in
                    unsafe chain.takeCommit(UnsafeRawBufferPointer(rebasing: bytes[start..<start + frameByteCount]))
                }
                guard endsCommit else { continue }
                if chain.isSound { soundCommitCount += 1 } else { lostCommitCount += 1 }
            }
            guard count == bytes.count else { return }
            offset += count
        }
    }

    /// Fills the buffer as far as the file goes; how far that is.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8], at offset: Int) -> Int {
        var filled = 0
        while filled < bytes.count {
            let step = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + filled }, buffer.count - filled,
                    off_t(offset + filled))
            }
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { break }
            filled += step
        }
        return filled
    }
}
