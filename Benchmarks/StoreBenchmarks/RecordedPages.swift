import Bytes
import CDeflate
import Exposition
import Glibc
import MetricModel

/// The pages of a recorded exporter as rows of one target.
///
/// A file is a sequence of records: int64 unix milliseconds, uint32 length, that many bytes of a page packed by zlib.
struct RecordedPages {
    private(set) var labels: [LabelSet] = []
    /// One value for each of `labels`, page after page.
    private(set) var rows: [[Double]] = []

    init(path: String) throws(RecordingError) {
        let bytes = try Self.read(path)
        var cache = ScrapeCache()
        var page = ScrapePage()
        var offset = 0
        while offset + 12 <= bytes.count {
            let length = (8..<12).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
            offset += 12
            guard let text = Self.inflate(bytes[offset..<min(bytes.count, offset + length)]) else {
                throw .damaged(path)
            }
            offset += length
            do {
                try cache.read(text, format: .text, into: &page)
            } catch {
                throw .damaged(path)
            }
            labels += page.newSeries.map(\.labels)
            var row = [Double](repeating: SpecialValue.absent, count: labels.count)
            for (series, value) in zip(page.series, page.values) { row[Int(series)] = value }
            rows.append(row)
        }
        for index in rows.indices {
            rows[index] += [Double](repeating: SpecialValue.absent, count: labels.count - rows[index].count)
        }
    }

    private static func read(_ path: String) throws(RecordingError) -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { throw .cannotRead(path) }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe fread(&piece, 1, piece.count, file)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    /// The most that a page may unpack to.
    private static let pageByteLimit = 8 << 20

    /// Nil where the bytes are damaged or too many.
    private static func inflate(_ packed: ArraySlice<UInt8>) -> [UInt8]? {
        guard let decompressor = unsafe libdeflate_alloc_decompressor() else { return nil }
        defer { unsafe libdeflate_free_decompressor(decompressor) }
        var page = [UInt8](repeating: 0, count: pageByteLimit)
        var count = 0
        let result = unsafe packed.withUnsafeBytes { input in
            unsafe page.withUnsafeMutableBytes { output in
                unsafe libdeflate_zlib_decompress(
                    decompressor, input.baseAddress, input.count, output.baseAddress, output.count, &count)
            }
        }
        return result == LIBDEFLATE_SUCCESS ? Array(page[..<count]) : nil
    }
}

enum RecordingError: Error, CustomStringConvertible {
    case cannotRead(String)
    case damaged(String)

    var description: String {
        switch self {
        case .cannotRead(let path): "\(path) cannot be read"
        case .damaged(let path): "\(path) is damaged"
        }
    }
}
