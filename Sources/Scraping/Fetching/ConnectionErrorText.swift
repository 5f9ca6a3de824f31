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
        case let error as NIOSSLError: return "tls: " + reason(ofTLS: "\(error)")
        case let error as BoringSSLError: return "tls: " + reason(ofTLS: "\(error)")
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

    /// The reason that BoringSSL names, `…OPENSSL_internal:WRONG_VERSION_NUMBER at FILE:LINE`, without the rest.
    static func reason(ofTLS text: String) -> String {
        guard let marker = text.firstRange(of: "OPENSSL_internal:") else { return text }
        let name = text[marker.upperBound...].prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        switch name {
        case "WRONG_VERSION_NUMBER": return "the target does not speak TLS: is its scheme http?"
        case "CERTIFICATE_VERIFY_FAILED": return "failed to verify certificate: no authority in use vouches for it"
        default: return name.lowercased().replacing("_", with: " ")
        }
    }

    /// The system's sentence, starting in lower case as Go's do.
    static func sentence(errno number: Int32) -> String {
        let text = unsafe String(cString: strerror(number))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
