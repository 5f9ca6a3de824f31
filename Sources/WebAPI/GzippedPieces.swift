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
        /// Pieces that were made already.
        var made: ArraySlice<[UInt8]>
        var isFinished = false
        let held: HeldMemory
    }

    private let source: @Sendable () -> [UInt8]?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - made: The first pieces.
    ///   - source: Gives those that follow.
    init?(
        _ made: [[UInt8]], then source: @escaping @Sendable () -> [UInt8]?, reservation: (any MemoryReservation)?
    ) {
        var held = HeldMemory(reservation)
        guard held.takeAtOnce(GzipStream.byteCount + Self.pieceBytes), let stream = try? GzipStream() else {
            return nil
        }
        self.source = source
        state = Mutex(State(stream: stream, made: made[...], held: held))
    }

    /// The next piece of the file; nil after the last.
    func next() -> [UInt8]? {
        state.withLock { state in
            var output: [UInt8] = []
            while !state.isFinished, output.count < Self.pieceBytes {
                if let piece = state.made.popFirst() ?? source() {
                    state.stream.compress(piece, into: &output)
                } else {
                    state.stream.compress([], isLast: true, into: &output)
                    state.isFinished = true
                }
            }
            return output.isEmpty ? nil : output
        }
    }
}
