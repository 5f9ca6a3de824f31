import Glibc
import Synchronization

/// A server behind a Unix socket for tests: a thread for each connection, which a closure talks on.
package final class LocalServer: Sendable {
    /// One connection, read and written by the test's closure.
    package struct Connection: Sendable {
        let descriptor: Int32

        /// What comes next, at most 64 KiB; empty when the other side has closed.
        package func read() -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe Glibc.read(descriptor, raw.baseAddress, raw.count)
            }
            return Array(buffer.prefix(max(0, count)))
        }

        /// Sends all of it; false when the other side has closed.
        @discardableResult
        package func write(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { raw in
                    unsafe send(descriptor, raw.baseAddress?.advanced(by: sent), raw.count - sent, Int32(MSG_NOSIGNAL))
                }
                if count <= 0 { return false }
                sent += count
            }
            return true
        }
    }

    package let path: String
    private let descriptor: Int32
    private let connections = Mutex<[Int32]>([])
    private let talk: @Sendable (Connection) -> Void

    /// Listens at a path that is not taken; the connection is closed when `talk` returns.
    package init(path: String, _ talk: @escaping @Sendable (Connection) -> Void) {
        self.path = path
        self.talk = talk
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        precondition(path.utf8.count < 108, "the path of a socket is too long: \(path)")
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        precondition(isBound && listen(descriptor, 16) == 0, "cannot listen at \(path)")
        Self.thread { [self] in accept() }
    }

    /// Ends all connections and takes the socket away.
    package func stop() {
        unsafe unlink(path)
        // The thread that accepts closes it, so that the number is nobody else's while it may still ask.
        shutdown(descriptor, Int32(SHUT_RDWR))
        for connection in connections.withLock({ $0 }) { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(descriptor, nil, nil)
            if connection < 0 {
                close(descriptor)
                return
            }
            connections.withLock { $0.append(connection) }
            Self.thread { [self] in
                talk(Connection(descriptor: connection))
                connections.withLock { $0.removeAll { $0 == connection } }
                close(connection)
            }
        }
    }

    private final class Work {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, unsafe Unmanaged.passRetained(Work(body)).toOpaque())
        pthread_detach(thread)
    }
}
