import Glibc
import MetricModel

/// Recorded pages of real exporters as columns, for measuring codecs on honest data.
///
/// The recordings stand outside of the repository; where they are missing there are no columns.
struct SegmentCorpus {
    var timestamps: [Int64] = []
    /// In order of the series' text, which is near label order; absent where a page lacks the series.
    var columns: [(series: String, values: [Double])] = []

    private static let folder = "../shared/bench/corpus/"

    /// Reads `pageCount` pages from `firstPage` on, every `step`-th one; nil where the recording is not there.
    init?(_ name: String, firstPage: Int = 0, pageCount: Int, step: Int = 1) {
        guard let data = Self.contents(of: Self.folder + name + ".rec") else { return nil }
        var indexes: [String: Int] = [:]
        var offset = 0
        var page = 0
        while offset + 12 <= data.count, timestamps.count < pageCount {
            let time = Int64(truncatingIfNeeded: Self.integer(data, at: offset, byteCount: 8))
            let length = Int(Self.integer(data, at: offset + 8, byteCount: 4))
            defer {
                offset += 12 + length
                page += 1
            }
            guard page >= firstPage, (page - firstPage) % step == 0 else { continue }
            let text = Inflater.inflate(data[(offset + 14)..<(offset + 12 + length)])
            for line in text.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
                guard let space = line.lastIndex(of: UInt8(ascii: " ")) else { continue }
                let series = String(decoding: line[..<space], as: UTF8.self)
                let value = unsafe strtod(String(decoding: line[(space + 1)...], as: UTF8.self), nil)
                let index = indexes[series] ?? columns.count
                if index == columns.count {
                    indexes[series] = index
                    columns.append((series, []))
                }
                while columns[index].values.count < timestamps.count {
                    columns[index].values.append(SpecialValue.absent)
                }
                columns[index].values.append(value.isNaN ? SpecialValue.notANumber : value)
            }
            timestamps.append(time)
        }
        for index in columns.indices {
            while columns[index].values.count < timestamps.count { columns[index].values.append(SpecialValue.absent) }
        }
        columns.sort { $0.series < $1.series }
    }

    private static func integer(_ data: [UInt8], at offset: Int, byteCount: Int) -> UInt64 {
        (0..<byteCount).reversed().reduce(0) { $0 << 8 | UInt64(data[offset + $1]) }
    }

    static func contents(of path: String) -> [UInt8]? {
        guard let file = unsafe fopen(path, "rb") else { return nil }
        defer { unsafe fclose(file) }
        var data: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe fread(&chunk, 1, chunk.count, file)
            if count == 0 { return data }
            data.append(contentsOf: chunk[0..<count])
        }
    }
}

/// A small reader of raw deflate data (RFC 1951) that trusts its input.
struct Inflater {
    private let input: ArraySlice<UInt8>
    private var position: Int
    private var bitBuffer: UInt32 = 0
    private var bitCount = 0
    private var output: [UInt8] = []

    static func inflate(_ data: ArraySlice<UInt8>) -> [UInt8] {
        var inflater = Inflater(data)
        inflater.run()
        return inflater.output
    }

    private init(_ data: ArraySlice<UInt8>) {
        input = data
        position = data.startIndex
    }

    private struct Code {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        init(_ lengths: ArraySlice<Int>) {
            for length in lengths { counts[length] += 1 }
            counts[0] = 0
            for length in 1...15 {
                for (symbol, other) in lengths.enumerated() where other == length { symbols.append(symbol) }
            }
        }
    }

    private mutating func bits(_ count: Int) -> Int {
        while bitCount < count {
            bitBuffer |= UInt32(input[position]) << UInt32(bitCount)
            position += 1
            bitCount += 8
        }
        defer {
            bitBuffer >>= UInt32(count)
            bitCount -= count
        }
        return Int(bitBuffer & ((1 << UInt32(count)) - 1))
    }

    private mutating func symbol(_ code: Code) -> Int {
        var value = 0
        var first = 0
        var index = 0
        for length in 1...15 {
            value |= bits(1)
            let count = code.counts[length]
            if value - count < first { return code.symbols[index + value - first] }
            index += count
            first = (first + count) << 1
            value <<= 1
        }
        return 256
    }

    private mutating func run() {
        var isLast = false
        while !isLast {
            isLast = bits(1) == 1
            switch bits(2) {
            case 0: stored()
            case 1:
                let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
                block(Code(lengths[...]), Code([Int](repeating: 5, count: 30)[...]))
            default: dynamic()
            }
        }
    }

    private mutating func stored() {
        bitBuffer = 0
        bitCount = 0
        let length = Int(input[position]) | Int(input[position + 1]) << 8
        output.append(contentsOf: input[(position + 4)..<(position + 4 + length)])
        position += 4 + length
    }

    private mutating func dynamic() {
        let literalCount = bits(5) + 257
        let distanceCount = bits(5) + 1
        let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
        var codeLengths = [Int](repeating: 0, count: 19)
        for index in 0..<(bits(4) + 4) { codeLengths[order[index]] = bits(3) }
        let code = Code(codeLengths[...])
        var lengths: [Int] = []
        while lengths.count < literalCount + distanceCount {
            switch symbol(code) {
            case 16: lengths.append(contentsOf: [Int](repeating: lengths.last ?? 0, count: 3 + bits(2)))
            case 17: lengths.append(contentsOf: [Int](repeating: 0, count: 3 + bits(3)))
            case 18: lengths.append(contentsOf: [Int](repeating: 0, count: 11 + bits(7)))
            case let length: lengths.append(length)
            }
        }
        block(Code(lengths[0..<literalCount]), Code(Array(lengths[literalCount...])[...]))
    }

    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthBits = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12289, 16385, 24577,
    ]

    private mutating func block(_ literals: Code, _ distances: Code) {
        while true {
            let value = symbol(literals)
            if value == 256 { return }
            if value < 256 {
                output.append(UInt8(value))
                continue
            }
            let length = Self.lengthBases[value - 257] + bits(Self.lengthBits[value - 257])
            let distanceSymbol = symbol(distances)
            let distance = Self.distanceBases[distanceSymbol] + bits(max(0, distanceSymbol / 2 - 1))
            let start = output.count - distance
            for index in 0..<length { output.append(output[start + index]) }
        }
    }
}
