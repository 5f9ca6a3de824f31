import Bytes
import Glibc

/// A file or standard input, read in pieces; a gzip file is unpacked as a whole.
struct InputFile: ~Copyable {
    enum Failure: Error, CustomStringConvertible {
        case cannotRead(path: String, reason: String)
        case cannotUnpack(path: String, reason: String)

        var description: String {
            switch self {
            case .cannotRead(let path, let reason): "\(path): \(reason)"
            case .cannotUnpack(let path, let reason):
                "\(path): \(reason). Larger files come through a pipe: zcat \(path) | lapwing import openmetrics -"
            }
        }
    }

    /// What a gzip file may hold; it is unpacked in memory.
    static let unpackedLimitBytes = 4 << 30

    let path: String
    private let pieceByteCount: Int
    /// The file's size, nil where it is a pipe.
    private(set) var byteCount: Int?
    private(set) var readByteCount = 0
    private let descriptor: Int32
    private var unpacked: ArraySlice<UInt8>?
    private var isStarted = false

    /// - Parameter path: `-` is standard input.
    init(path: String, pieceByteCount: Int = 4 << 20) throws {
        self.pieceByteCount = pieceByteCount
        self.path = path == "-" ? "standard input" : path
        descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(self.path) }
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            byteCount = Int(status.st_size)
        }
    }

    deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

    private static func failure(_ path: String) -> Failure {
        .cannotRead(path: path, reason: unsafe String(cString: strerror(errno)))
    }

    /// The next piece, nil at the end.
    mutating func next() throws -> [UInt8]? {
        if !isStarted {
            isStarted = true
            let first = try read()
            guard first.starts(with: [0x1f, 0x8b]) else { return first.isEmpty ? nil : first }
            try unpack(first)
        }
        guard let rest = unpacked else {
            let piece = try read()
            return piece.isEmpty ? nil : piece
        }
        guard !rest.isEmpty else { return nil }
        let piece = Array(rest.prefix(pieceByteCount))
        unpacked = rest.dropFirst(piece.count)
        readByteCount += piece.count
        return piece
    }

    private mutating func unpack(_ first: [UInt8]) throws {
        var packed = first
        while true {
            let piece = try read()
            if piece.isEmpty { break }
            packed += piece
        }
        var content: [UInt8] = []
        do throws(CompressionError) {
            try Compression.gunzip(packed, limitBytes: Self.unpackedLimitBytes, into: &content)
        } catch {
            throw Failure.cannotUnpack(path: path, reason: error.description)
        }
        byteCount = content.count
        readByteCount = 0
        unpacked = content[...]
    }

    /// A piece as it stands in the file; short only at the end.
    private mutating func read() throws -> [UInt8] {
        var piece = [UInt8](repeating: 0, count: pieceByteCount)
        var filled = 0
        while filled < piece.count {
            let count = unsafe piece.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress.map { unsafe $0 + filled }, buffer.count - filled)
            }
            if count == 0 { break }
            if count > 0 { filled += count } else if errno != EINTR { throw Self.failure(path) }
        }
        readByteCount += filled
        piece.removeSubrange(filled...)
        return piece
    }
}
