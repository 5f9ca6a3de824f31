import Bytes
import Storage
import Synchronization

/// Writes an answer whose data is a list in pieces, so that its text never stands in memory as a whole.
///
/// Safe on several threads one after the other, as a response body is asked for its pieces.
final class ListEncoder: Sendable {
    private struct State {
        var writer = JSONWriter(reservingBytes: 4096)
        /// The next element; nil before the beginning.
        var position: Int?
    }

    private let count: Int
    private let warnings: [String]
    private let write: @Sendable (inout JSONWriter, Int) -> Void
    private let state = Mutex(State())

    /// - Parameter write: Writes the element of a number; what it holds is held until the answer is sent.
    init(count: Int, warnings: [String] = [], _ write: @escaping @Sendable (inout JSONWriter, Int) -> Void) {
        self.count = count
        self.warnings = warnings
        self.write = write
    }

    var response: APIResponse {
        APIResponse(contentType: APIResponse.jsonType, body: .pieces { [self] in nextPiece() })
    }

    /// The next piece, until the last.
    func nextPiece() -> APIResponse.Piece {
        state.withLock { state in
            var position = state.position ?? 0
            if state.position == nil {
                state.writer.beginObject()
                state.writer.key("status")
                state.writer.string("success")
                state.writer.key("data")
                state.writer.beginArray()
            }
            while position < count, state.writer.bytes.count < QueryResultEncoder.pieceBytes {
                write(&state.writer, position)
                position += 1
            }
            state.position = position
            if position == count {
                state.writer.endArray()
                state.writer.annotations(warnings: warnings, infos: [])
                state.writer.endObject()
            }
            return APIResponse.Piece(bytes: state.writer.takeBytes(), isLast: position == count)
        }
    }
}

/// Texts, and what was counted for them, which is given back with them.
final class HeldTexts: Sendable {
    let texts: [String]
    private let held: HeldMemory

    init(_ texts: [String], _ held: consuming HeldMemory) {
        self.texts = texts
        self.held = held
    }
}
