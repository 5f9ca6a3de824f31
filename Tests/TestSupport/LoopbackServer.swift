import Glibc
import Synchronization

/// A small HTTP/1.1 server on loopback for tests: one request a connection, answered by a closure, all bodies kept.
package final class LoopbackServer: Sendable {
    package struct Request: Sendable {
        package var path: String
        package var body: String
    }

    package let port: Int
    private let descriptor: Int32
    private let received = Mutex<[Request]>([])
    private let handler: @Sendable (Request) -> (status: Int, type: String, body: String)

    /// Listens on a free port; `handler` is called on the server's thread.
    package init(_ handler: @escaping @Sendable (Request) -> (status: Int, type: String, body: String)) {
        self.handler = handler
        (descriptor, port) = Self.listen()
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<LoopbackServer>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            }, box)
        pthread_detach(thread)
    }

    /// Requests so far, in order.
    package var requests: [Request] { received.withLock { $0 } }

    /// Ends the server's thread, which closes the descriptor: closed here, its number could already be that of another
    /// server when the thread comes to accept from it.
    package func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// A listening socket on a free port.
    fileprivate static func listen() -> (descriptor: Int32, port: Int) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listener, generic, length)
                Glibc.listen(listener, 64)
                unsafe getsockname(listener, generic, &length)
            }
        }
        return (listener, Int(UInt16(bigEndian: address.sin_port)))
    }

    private func serve() {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else {
                close(descriptor)
                return
            }
            answer(connection)
            close(connection)
        }
    }

    private func answer(_ connection: Int32) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var headEnd: Int?
        var length = 0
        while headEnd.map({ bytes.count < $0 + length }) ?? true {
            let count = unsafe recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { return }
            bytes += buffer[..<count]
            guard headEnd == nil, let end = Self.endOfHead(bytes) else { continue }
            headEnd = end
            let head = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
            for line in head.split(separator: "\r\n") where line.hasPrefix("content-length:") {
                length = Int(line.dropFirst(15).drop { $0 == " " }) ?? 0
            }
        }
        let head = String(decoding: bytes[..<(headEnd ?? 0)], as: UTF8.self)
        let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let body = String(decoding: bytes[(headEnd ?? 0)...], as: UTF8.self)
        let request = Request(path: path, body: body)
        received.withLock { $0.append(request) }
        let reply = handler(request)
        let text =
            "HTTP/1.1 \(reply.status) OK\r\nContent-Type: \(reply.type)\r\nContent-Length: \(reply.body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n" + reply.body
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4) where Array(bytes[index..<index + 4]) == mark { return index + 4 }
        return nil
    }
}

/// A port of loopback that was free a moment ago.
package func freeLoopbackPort() -> Int {
    let (descriptor, port) = LoopbackServer.listen()
    close(descriptor)
    return port
}
