import Bytes
import Testing

@Suite("Compression")
struct CompressionTests {
    static let texts: [[UInt8]] = [
        [], [0], Array("lapwing".utf8), [UInt8](repeating: 7, count: 1_000_000),
        (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) },
    ]

    static func gunzip(_ input: [UInt8], limitBytes: Int) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        try Compression.gunzip(input, limitBytes: limitBytes, into: &output)
        return output
    }

    @Test("what was compressed comes back, with a limit of exactly its size", arguments: texts)
    func roundTrip(text: [UInt8]) throws {
        let limit = text.count
        #expect(try Self.gunzip(Compression.gzip(text), limitBytes: limit) == text)
        #expect(try Compression.zstdDecompress(Compression.zstdCompress(text), limitBytes: limit) == text)
        #expect(try Compression.snappyUncompress(Compression.snappyCompress(text), limitBytes: limit) == text)
    }

    @Test("a file made piece by piece comes back, whatever the pieces are", arguments: texts, [1, 4096, 300_000])
    func stream(text: [UInt8], pieceBytes: Int) throws {
        for isEndAlone in [false, true] {
            var stream = try GzipStream()
            var file: [UInt8] = []
            var rest = text.prefix(pieceBytes == 1 ? 2000 : .max)
            let wanted = Array(rest)
            while rest.count > (isEndAlone ? 0 : pieceBytes) {
                stream.compress(Array(rest.prefix(pieceBytes)), into: &file)
                rest = rest.dropFirst(pieceBytes)
            }
            stream.compress(Array(rest), isLast: true, into: &file)
            #expect(try Self.gunzip(file, limitBytes: wanted.count) == wanted)
        }
    }

    @Test("one byte more than the limit is refused", arguments: texts.filter { !$0.isEmpty })
    func limits(text: [UInt8]) throws {
        let limit = text.count - 1
        let gzipped = try Compression.gzip(text)
        #expect(throws: CompressionError.tooLarge(.gzip, limitBytes: limit, declaredBytes: nil)) {
            try Self.gunzip(gzipped, limitBytes: limit)
        }
        let zstandard = try Compression.zstdCompress(text)
        let declared = UInt64(text.count)
        #expect(throws: CompressionError.tooLarge(.zstd, limitBytes: limit, declaredBytes: declared)) {
            try Compression.zstdDecompress(zstandard, limitBytes: limit)
        }
        let snappy = Compression.snappyCompress(text)
        #expect(throws: CompressionError.tooLarge(.snappy, limitBytes: limit, declaredBytes: declared)) {
            try Compression.snappyUncompress(snappy, limitBytes: limit)
        }
    }

    @Test("gzip members one after another are one text, and the limit counts all of them")
    func members() throws {
        let first = [UInt8](repeating: 1, count: 10_000)
        let joined = try Compression.gzip(first) + Compression.gzip([2, 3])
        #expect(try Self.gunzip(joined, limitBytes: 10_002) == first + [2, 3])
        #expect(throws: CompressionError.tooLarge(.gzip, limitBytes: 10_001, declaredBytes: nil)) {
            try Self.gunzip(joined, limitBytes: 10_001)
        }
    }

    @Test("a gzip bomb costs no more memory than the limit")
    func bomb() throws {
        let bomb = try Compression.gzip([UInt8](repeating: 0, count: 20_000_000))
        var output: [UInt8] = []
        #expect(throws: CompressionError.tooLarge(.gzip, limitBytes: 50_000, declaredBytes: nil)) {
            try Compression.gunzip(bomb, limitBytes: 50_000, into: &output)
        }
        #expect(output.capacity <= 100_000)
    }

    @Test("output is appended to what is there")
    func appends() throws {
        var output: [UInt8] = [9]
        try Compression.gunzip(Compression.gzip([1, 2]), limitBytes: 10, into: &output)
        #expect(output == [9, 1, 2])
    }

    @Test("zstd frames one after another are one text")
    func frames() throws {
        let first = [UInt8](repeating: 1, count: 500_000)
        let joined = try Compression.zstdCompress(first) + Compression.zstdCompress([2])
        #expect(try Compression.zstdDecompress(joined, limitBytes: 500_001) == first + [2])
        #expect(throws: CompressionError.self) { try Compression.zstdDecompress(joined, limitBytes: 500_000) }
    }

    @Test("cut and damaged data is refused at every place and never traps", arguments: texts.filter { !$0.isEmpty })
    func damage(text: [UInt8]) throws {
        let short = Array(text.prefix(3000))
        let packed = [
            try Compression.gzip(short), try Compression.zstdCompress(short), Compression.snappyCompress(short),
        ]
        for (kind, bytes) in packed.enumerated() {
            for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
                Self.decompress(Array(bytes[..<length]), kind: kind, mustFail: length > 0 || kind == 0)
                var changed = bytes
                changed[length] ^= 0x55
                Self.decompress(changed, kind: kind, mustFail: false)
            }
        }
    }

    static func decompress(_ bytes: [UInt8], kind: Int, mustFail: Bool) {
        let result = Result {
            switch kind {
            case 0: try gunzip(bytes, limitBytes: 1 << 20)
            case 1: try Compression.zstdDecompress(bytes, limitBytes: 1 << 20)
            default: try Compression.snappyUncompress(bytes, limitBytes: 1 << 20)
            }
        }
        if mustFail, case .success = result { Issue.record("\(bytes.count) bytes of kind \(kind) passed") }
    }
}
