@testable import WebAPI

extension APIResponse {
    /// All pieces of a body together.
    static func whole(_ next: () -> Piece) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = next()
            all += piece.bytes
            if piece.isLast { return all }
        }
    }
}
