import NIOCore

/// A NIO event loop as the place where targets run.
final class EventLoopExecutor: ScrapeExecutor {
    let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func execute(_ work: @escaping @Sendable () -> Void) { eventLoop.execute(work) }

    func schedule(afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any ScheduledWork {
        EventLoopWork(scheduled: eventLoop.scheduleTask(in: .milliseconds(max(0, delay)), work))
    }

    private struct EventLoopWork: ScheduledWork {
        let scheduled: Scheduled<Void>
        func cancel() { scheduled.cancel() }
    }
}
