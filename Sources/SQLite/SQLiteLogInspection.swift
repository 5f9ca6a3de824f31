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

    private struct Sums: Equatable {
        var first: UInt32 = 0
        var second: UInt32 = 0

        mutating func add(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) {
            var offset = bytes.startIndex
            while offset + 8 <= bytes.endIndex {
                first &+= Self.word(bytes, offset, isBigEndian) &+ second
                second &+= Self.word(bytes, offset + 4, isBigEndian) &+ first
                offset += 8
            }
        }

        static func word(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ isBigEndian: Bool = true) -> UInt32 {
            let (one, two) = (UInt32(bytes[offset]), UInt32(bytes[offset + 1]))
            let (three, four) = (UInt32(bytes[offset + 2]), UInt32(bytes[offset + 3]))
            return isBigEndian
                ? one << 24 | two << 16 | three << 8 | four : four << 24 | three << 16 | two << 8 | one
        }
    }

    /// Reads the log of a database; nothing where there is none.
    package init(databasePath: String) {
        let descriptor = unsafe open(databasePath + "-wal", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let header = Self.read(descriptor, count: Self.headerByteCount, at: 0)
        guard header.count == Self.headerByteCount else { return }
        let isBigEndian = Sums.word(header, 0) & 1 == 1
        var sums = Sums()
        sums.add(header.prefix(24), isBigEndian: isBigEndian)
        var isSound = sums == Sums(first: Sums.word(header, 24), second: Sums.word(header, 28))
        var pageSize = Int(Sums.word(header, 8))
        // A damaged head may say anything; this program's logs have pages of this size.
        if !isSound || !Self.pageSizes.contains(pageSize) { pageSize = 4096 }
        var offset = Self.headerByteCount
        var salts: ArraySlice<UInt8> = isSound ? header[16..<24] : []
        while true {
            let frame = Self.read(descriptor, count: Self.frameHeaderByteCount + pageSize, at: offset)
            guard frame.count == Self.frameHeaderByteCount + pageSize else { break }
            if salts.isEmpty { salts = frame[8..<16] }
            // Frames of before the log was begun anew have other salts.
            if isSound, !frame[8..<16].elementsEqual(salts) { isSound = false }
            if isSound {
                sums.add(frame[0..<8], isBigEndian: isBigEndian)
                sums.add(frame[24...], isBigEndian: isBigEndian)
                isSound = sums == Sums(first: Sums.word(frame, 16), second: Sums.word(frame, 20))
            }
            if Sums.word(frame, 4) != 0, frame[8..<16].elementsEqual(salts) {
                if isSound { soundCommitCount += 1 } else { lostCommitCount += 1 }
            }
            offset += frame.count
        }
    }

    private static func read(_ descriptor: Int32, count: Int, at offset: Int) -> ArraySlice<UInt8> {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let step = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + filled }, count - filled, off_t(offset + filled))
            }
            if step < 0, errno == EINTR { continue }
            guard step > 0 else { break }
            filled += step
        }
        return bytes[..<filled]
    }
}
