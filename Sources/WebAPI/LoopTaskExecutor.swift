import NIOCore

/// Runs a connection's task on the event loop of the connection.
///
/// Without it each step of a request changes from the event loop to a thread of the shared pool and back, and waking a
/// thread costs more than the step. What runs here must be short: endpoints compute and encode on threads of their own.
final class LoopTaskExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { [self] in unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
