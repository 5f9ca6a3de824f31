/// Why a conversation with a runtime's socket failed.
enum RuntimeFailure: Error, Equatable, CustomStringConvertible {
    /// The socket's file is gone.
    case absent
    /// The file is there and nobody listens behind it.
    case refused
    case denied
    /// No answer in time.
    case silent
    case closed
    case status(Int)
    case malformed(String)
    case tooLong(limitBytes: Int)
    case system(Int32)

    var description: String {
        switch self {
        case .absent: "the socket is gone"
        case .refused: "nobody listens"
        case .denied: "permission denied"
        case .silent: "no answer in time"
        case .closed: "the connection was closed in the middle of an answer"
        case .status(let status): "the answer is HTTP status \(status)"
        case .malformed(let reason): "the answer cannot be read: \(reason)"
        case .tooLong(let limit): "the answer is longer than \(limit) bytes"
        case .system(let number): "error \(number) of the system"
        }
    }
}

/// How things stand with a runtime's socket.
enum RuntimeState: String, CaseIterable, Sendable {
    /// Nothing was asked yet.
    case idle
    case answering
    case denied
    /// It takes no answer in time.
    case hung
    /// Nobody listens, or what comes is no answer.
    case failing

    init(_ failure: RuntimeFailure) {
        switch failure {
        case .denied: self = .denied
        case .silent: self = .hung
        default: self = .failing
        }
    }
}
