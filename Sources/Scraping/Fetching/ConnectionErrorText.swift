import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Errors of the network in the words that people know from Prometheus.
enum ConnectionErrorText {
    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first { return describe(connecting: failure, to: error) }
            return "dial tcp: lookup \(error.host): no such host"
        case let error as IOError: return sentence(errno: error.errnoCode)
        case let error as NIOSSLError: return "tls: \(error)"
        case let error as BoringSSLError: return "tls: \(error)"
        case let error as NIOSSLExtraError: return "tls: \(error)"
        default: return "\(error)"
        }
    }

    static func isTimeout(_ error: any Error) -> Bool {
        if case .connectTimeout = error as? ChannelError { return true }
        guard let error = error as? NIOConnectionError else { return false }
        return error.connectionErrors.contains { isTimeout($0.error) }
    }

    private static func describe(connecting failure: SingleConnectionFailure, to error: NIOConnectionError) -> String {
        let address = failure.target.ipAddress ?? error.host
        let shown = address.contains(":") ? "[\(address)]" : address
        let reason = (failure.error as? IOError).map { sentence(errno: $0.errnoCode) } ?? "\(failure.error)"
        return "dial tcp \(shown):\(error.port): connect: \(reason)"
    }

    /// The system's sentence, starting in lower case as Go's do.
    static func sentence(errno number: Int32) -> String {
        let text = unsafe String(cString: strerror(number))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
