import Glibc

/// Many requests to one loopback port at the same moment, a connection each.
package struct RequestFlood {
    private var connections: [Int32] = []

    /// Opens the connections and sends the request on each of them.
    ///
    /// Those that cannot be opened are left out.
    package init(port: Int, path: String, count: Int) {
        let text = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        for _ in 0..<count {
            let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard connection >= 0 else { continue }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
            let isOpen = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    unsafe connect(connection, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            let isSent =
                unsafe isOpen && text.withUnsafeBytes { unsafe write(connection, $0.baseAddress, $0.count) } > 0
            if isSent { connections.append(connection) } else { close(connection) }
        }
    }

    /// The status of each answer, 0 where the connection ended without one.
    ///
    /// Waits for all of them, for each at most so many seconds.
    package mutating func statuses(seconds: Int) -> [Int] {
        defer { connections = [] }
        return connections.map { connection in
            defer { close(connection) }
            var timeout = timeval(tv_sec: seconds, tv_usec: 0)
            unsafe setsockopt(
                connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
            var head = [UInt8](repeating: 0, count: 4096)
            let received = unsafe head.withUnsafeMutableBytes { unsafe read(connection, $0.baseAddress, $0.count) }
            let words = String(decoding: head.prefix(max(0, received)), as: UTF8.self).split(separator: " ")
            return words.count > 1 ? Int(words[1]) ?? 0 : 0
        }
    }
}
