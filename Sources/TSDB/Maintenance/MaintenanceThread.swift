import Threads

/// The thread that looks every few seconds whether maintenance is due.
@safe final class MaintenanceThread: @unchecked Sendable {
    static let intervalNanoseconds: UInt64 = 5_000_000_000

    private let monitor = Monitor()
    /// Protected by `monitor`.
    private var isStopping = false
    /// Set before the initialiser returns, read by `stop` alone.
    private var thread: OwnThread?

    init(_ work: @escaping @Sendable () -> Void) {
        thread = OwnThread(name: "lapwing-seal") { [monitor] in
            while self.waitForTurn(monitor) { work() }
        }
    }

    /// False when the thread shall end.
    private func waitForTurn(_ monitor: Monitor) -> Bool {
        let deadline = Monitor.monotonicNanoseconds + Self.intervalNanoseconds
        return monitor.withLock {
            while !isStopping, Monitor.monotonicNanoseconds < deadline {
                monitor.wait(untilMonotonicNanoseconds: deadline)
            }
            return !isStopping
        }
    }

    /// Ends the thread after the work it is at.
    func stop() {
        monitor.withLock { isStopping = true }
        monitor.signalAll()
        thread.take()?.join()
    }
}
