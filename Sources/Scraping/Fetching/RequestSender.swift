import Glibc
import NIOCore

/// Puts requests on a connection.
///
/// A request of a few hundred bytes nearly always fits into the socket's buffer, so on a plain connection it goes there
/// with one system call. Through the channel's pipeline and its queue of pending writes the same call costs twice as
/// much. What the socket does not take at once goes through the channel, and so does all that comes after it.
///
/// Belongs to the channel's event loop.
final class RequestSender {
    private let channel: any Channel
    /// The socket, valid while the channel is active; nil where bytes have to pass handlers, as with TLS.
    private var socket: NIOBSDSocket.Handle?

    init(_ channel: any Channel, isPlain: Bool) {
        self.channel = channel
        socket =
            isPlain
            ? try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable { (handle: NIOBSDSocket.Handle) in
                handle
            } : nil
    }

    func send(_ request: ByteBuffer) {
        guard let socket, channel.isActive else {
            channel.writeAndFlush(request, promise: nil)
            return
        }
        let sent = unsafe request.withUnsafeReadableBytes { bytes in
            unsafe Glibc.send(socket, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
        if sent == request.readableBytes { return }
        self.socket = nil
        // An error shows itself again, to whom it concerns.
        var rest = request
        rest.moveReaderIndex(forwardBy: max(0, sent))
        channel.writeAndFlush(rest, promise: nil)
    }
}
