import Bytes
import CDeflate
import Exposition
import Glibc
import Testing

/// Recorded pages of real exporters, where they are at hand: records of a time (8 bytes), a length (4 bytes, little
/// endian) and that many bytes in zlib's format.
enum Corpus {
    static let folder = "../shared/bench/corpus"
    static let names = ["alertmanager", "cadvisor", "node", "prometheus", "pushgateway", "victoria"]
    static var isPresent: Bool { unsafe access(folder + "/node.rec", R_OK) == 0 }

    static func pages(_ name: String, limit: Int = .max) -> [[UInt8]] {
        let bytes = read("\(folder)/\(name).rec")
        var pages: [[UInt8]] = []
        var offset = 0
        while offset + 12 <= bytes.count, pages.count < limit {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 8 + $1]) << ($1 * 8) }
            guard offset + 12 + length <= bytes.count else { break }
            pages.append(inflate(Array(bytes[offset + 12..<offset + 12 + length])))
            offset += 12 + length
        }
        return pages
    }

    private static func read(_ path: String) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe Glibc.read(file, &buffer, buffer.count)
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    private static func inflate(_ input: [UInt8]) -> [UInt8] {
        guard let decompressor = unsafe libdeflate_alloc_decompressor() else { return [] }
        defer { unsafe libdeflate_free_decompressor(decompressor) }
        var output = [UInt8](repeating: 0, count: 4 << 20)
        var count = 0
        let result = unsafe libdeflate_zlib_decompress(
            decompressor, input, input.count, &output, output.count, &count)
        return result == LIBDEFLATE_SUCCESS ? Array(output[..<count]) : []
    }
}

@Suite("Recorded pages", .enabled(if: Corpus.isPresent, "the recorded pages in \(Corpus.folder) are not here"))
struct CorpusTests {
    @Test("every page is read by the cache as by the parser without memory", arguments: Corpus.names)
    func allPages(name: String) throws {
        var reader = Reader()
        let pages = Corpus.pages(name, limit: 25)
        #expect(pages.count == 25)
        for page in pages { #expect(try reader.read(page, .text) == reference(page, .text)) }
    }
}
