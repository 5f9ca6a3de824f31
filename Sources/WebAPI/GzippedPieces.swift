import Bytes
import Storage
import Synchronization

/// The pieces of a body as pieces of one gzip file.
///
/// What a stream of zlib takes is counted with the queries; where there is no room for it the body goes out as it is. A piece is
/// compressed when it is asked for, on the thread that asks. Safe on several threads one after the other.
final class GzippedPieces: Sendable {
    /// A piece of the file has about this size, so that a chunk is worth its way.
    static let pieceBytes = 64 << 10

    private struct State: ~Copyable {
        var stream: GzipStream
        /// The piece that was made already, while it is not in the file.
        var made: APIResponse.Piece?
        let held: HeldMemory
    }

    private let source: @Sendable () -> APIResponse.Piece
    private let state: Mutex<State>

    /// - Parameters:
    ///   - made: The first piece.
    ///   - source: Gives those that follow.
    init?(
        _ made: APIResponse.Piece, then source: @escaping @Sendable () -> APIResponse.Piece,
        reservation: (any MemoryReservation)?
    ) {
        var held = HeldMemory(reservation)
        guard held.takeAtOnce(GzipStream.byteCount + Self.pieceBytes), let stream = try? GzipStream() else {
            return nil
        }
        self.source = source
        state = Mutex(State(stream: stream, made: made, held: held))
    }

    /// The next piece of the file, until the last.
    func next() -> APIResponse.Piece {
        state.withLock { state in
            var output = APIResponse.Piece(bytes: [], isLast: false)
            while !output.isLast, output.bytes.count < Self.pieceBytes {
                let piece = state.made ?? source()
                state.made = nil
                state.stream.compress(piece.bytes, isLast: piece.isLast, into: &output.bytes)
                output.isLast = piece.isLast
            }
            return output
        }
    }
}
