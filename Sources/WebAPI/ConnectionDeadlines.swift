import NIOCore

/// Ends connections whose time is over: one alarm for all of an event loop, since most connections end long before theirs.
///
/// It belongs to its event loop. The alarm rings for the earliest deadline that there was; one that has moved further away since
/// is found then.
final class ConnectionDeadlines {
    /// Deadlines are looked at no more often; a connection may live that much longer.
    private static let interval = TimeAmount.seconds(1)

    private let eventLoop: any EventLoop
    private var watched: [ObjectIdentifier: HTTPConnection] = [:]
    private var alarm: (at: NIODeadline, task: Scheduled<Void>)?

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func add(_ connection: HTTPConnection) {
        watched[ObjectIdentifier(connection)] = connection
        cover(connection.deadline)
    }

    func remove(_ connection: HTTPConnection) { watched[ObjectIdentifier(connection)] = nil }

    /// Sees to it that the alarm rings by a deadline.
    func cover(_ deadline: NIODeadline) {
        if let alarm {
            if alarm.at <= deadline { return }
            alarm.task.cancel()
        }
        let here = NIOLoopBound(self, eventLoop: eventLoop)
        alarm = (deadline, eventLoop.scheduleTask(deadline: deadline) { here.value.look() })
    }

    private func look() {
        alarm = nil
        let now = NIODeadline.now()
        let overdue = watched.values.filter { $0.deadline <= now }
        for connection in overdue { connection.expire() }
        guard let next = watched.values.map(\.deadline).min(), next != .distantFuture else { return }
        cover(max(next, now + Self.interval))
    }
}
