import Bytes
import MetricModel
import Storage

/// What was deleted from a partition since it was written: it is left out when read, and gone when the file is written
/// anew.
///
/// In the journal's table `deletion`, a row for each partition, under a `SealedBlob`:
///
///     varint how many series, then for each, ascending:
///         varint number - the one before, varint how many stretches (0: all of the series is gone),
///         each: varint zigzag(start), varint zigzag(end), both included, milliseconds
struct PartitionDeletions: Hashable, Sendable {
    /// Series of which nothing is left.
    private(set) var whole: Set<UInt32> = []
    /// Stretches of time that are gone, in order, apart from each other.
    private(set) var stretches: [UInt32: [ClosedRange<Int64>]] = [:]

    var isEmpty: Bool { whole.isEmpty && stretches.isEmpty }

    /// How many series have lost something.
    var seriesCount: Int { whole.count + stretches.count }

    func isDeleted(_ timestamp: Int64, of series: UInt32) -> Bool {
        if whole.contains(series) { return true }
        return stretches[series]?.contains { $0.contains(timestamp) } ?? false
    }

    /// Whether any of the series' samples is gone.
    func touches(_ series: UInt32) -> Bool { whole.contains(series) || stretches[series] != nil }

    mutating func deleteAll(of series: UInt32) {
        whole.insert(series)
        stretches[series] = nil
    }

    mutating func delete(_ range: ClosedRange<Int64>, of series: UInt32) {
        guard !whole.contains(series) else { return }
        var merged: [ClosedRange<Int64>] = []
        for next in ((stretches[series] ?? []) + [range]).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, next.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, next.upperBound)
            } else {
                merged.append(next)
            }
        }
        stretches[series] = merged
    }

    /// The series of `found` that have samples left.
    func remaining(of found: Postings) -> Postings {
        whole.isEmpty ? found : found.subtracting(Postings(unsorted: Array(whole)))
    }

    // MARK: Bytes

    func encoded() throws(StorageError) -> [UInt8] {
        var content: [UInt8] = []
        VarInt.append(UInt64(seriesCount), to: &content)
        var before: UInt32 = 0
        for series in (Array(whole) + Array(stretches.keys)).sorted() {
            VarInt.append(UInt64(series - before), to: &content)
            before = series
            let own = stretches[series] ?? []
            VarInt.append(UInt64(own.count), to: &content)
            for stretch in own {
                VarInt.appendZigzag(stretch.lowerBound, to: &content)
                VarInt.appendZigzag(stretch.upperBound, to: &content)
            }
        }
        return try SealedBlob.seal(content, compresses: true)
    }

    init() {}

    init(_ blob: UnsafeRawBufferPointer) throws(SegmentDamage) {
        let content = unsafe try SealedBlob.open(blob)
        let isSound = unsafe content.withUnsafeBytes { unsafe read($0) }
        guard isSound else { throw .structure("deletions") }
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        guard let count = unsafe VarInt.read(bytes, at: &offset), count <= UInt64(bytes.count) else { return false }
        var series: UInt64 = 0
        for _ in 0..<count {
            guard let gap = unsafe VarInt.read(bytes, at: &offset), gap <= UInt64(UInt32.max),
                let stretchCount = unsafe VarInt.read(bytes, at: &offset), stretchCount <= UInt64(bytes.count)
            else { return false }
            series += gap
            guard let number = UInt32(exactly: series) else { return false }
            if stretchCount == 0 { whole.insert(number) }
            for _ in 0..<stretchCount {
                guard let start = unsafe VarInt.readZigzag(bytes, at: &offset),
                    let end = unsafe VarInt.readZigzag(bytes, at: &offset), start <= end
                else { return false }
                stretches[number, default: []].append(start...end)
            }
        }
        return offset == bytes.count
    }
}
