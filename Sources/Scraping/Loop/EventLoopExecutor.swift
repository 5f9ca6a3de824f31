import NIOCore

/// A NIO event loop as the place where targets run.
///
/// A timer of the event loop's own costs promises, a system call to set it and one to read it; thousands of targets have
/// two a scrape. So what waits stands in a heap here, and the event loop has one timer, for the earliest. What falls due
/// within a millisecond runs together.
final class EventLoopExecutor: ScrapeExecutor, @unchecked Sendable {  // All but `eventLoop` is confined to it.
    let eventLoop: any EventLoop
    private var heap = WorkHeap()
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func execute(_ work: @escaping @Sendable () -> Void) { eventLoop.execute(work) }

    func schedule(afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any ScheduledWork {
        let waiting = WaitingWork(eventLoop: eventLoop, due: .now() + .milliseconds(max(0, delay)), work: work)
        if eventLoop.inEventLoop {
            add(waiting)
        } else {
            eventLoop.execute { [self] in add(waiting) }
        }
        return waiting
    }

    private func add(_ waiting: WaitingWork) {
        heap.insert(waiting)
        if waiting.due < timerDeadline { setTimer(waiting.due) }
    }

    private func setTimer(_ deadline: NIODeadline) {
        timer?.cancel()
        timerDeadline = deadline
        timer = eventLoop.scheduleTask(deadline: deadline + .milliseconds(1)) { [weak self] in self?.runDue() }
    }

    private func runDue() {
        timer = nil
        let now = NIODeadline.now()
        // Work that is added meanwhile waits for the timer that is set below.
        timerDeadline = .uptimeNanoseconds(0)
        while let first = heap.first, first.due <= now || first.isCancelled {
            heap.removeFirst()
            first.run()
        }
        timerDeadline = .distantFuture
        if let first = heap.first { setTimer(first.due) }
    }
}

/// Work that waits for its time; cancelled, it keeps its place in the heap but nothing else.
private final class WaitingWork: ScheduledWork, @unchecked Sendable {  // `work` is confined to the event loop.
    let due: NIODeadline
    private let eventLoop: any EventLoop
    private var work: (@Sendable () -> Void)?

    init(eventLoop: any EventLoop, due: NIODeadline, work: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        self.due = due
        self.work = work
    }

    var isCancelled: Bool { work == nil }

    func run() {
        let work = work
        self.work = nil
        work?()
    }

    func cancel() {
        if eventLoop.inEventLoop { work = nil } else { eventLoop.execute { self.work = nil } }
    }
}

/// A binary heap, the earliest first.
private struct WorkHeap {
    private var entries: [WaitingWork] = []

    var first: WaitingWork? { entries.first }

    mutating func insert(_ entry: WaitingWork) {
        entries.append(entry)
        var index = entries.count - 1
        while index > 0, entries[index].due < entries[(index - 1) / 2].due {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && entries[child].due < entries[least].due { least = child }
            if least == index { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
