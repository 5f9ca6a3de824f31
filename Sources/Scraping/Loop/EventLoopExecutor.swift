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
        let due = NIODeadline.now() + .milliseconds(max(0, delay))
        let waiting = WaitingWork(eventLoop: eventLoop, work: work)
        if eventLoop.inEventLoop {
            add(waiting, due: due)
        } else {
            eventLoop.execute { [self] in add(waiting, due: due) }
        }
        return waiting
    }

    private func add(_ waiting: WaitingWork, due: NIODeadline) {
        heap.insert(WorkHeap.Entry(due: due, work: waiting))
        if due < timerDeadline { setTimer(due) }
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
        while let first = heap.first, first.due <= now || first.work.isCancelled {
            heap.removeFirst()
            first.work.run()
        }
        timerDeadline = .distantFuture
        if let first = heap.first { setTimer(first.due) }
    }
}

/// Work that waits for its time; cancelled, it keeps its place in the heap but nothing else.
private final class WaitingWork: ScheduledWork, @unchecked Sendable {  // `work` is confined to the event loop.
    private let eventLoop: any EventLoop
    private var work: (@Sendable () -> Void)?

    init(eventLoop: any EventLoop, work: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
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

/// A heap, the earliest first; an entry has its time beside it, so that finding a place touches no other memory.
private struct WorkHeap {
    struct Entry {
        var due: NIODeadline
        var work: WaitingWork
    }

    /// Four children each: half as many steps as with two, and their times are neighbours in memory.
    private static let arity = 4
    private var entries: [Entry] = []

    var first: Entry? { entries.first }

    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var index = entries.count - 1
        while index > 0 {
            let parent = (index - 1) / Self.arity
            guard entries[index].due < entries[parent].due else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var index = 0
        while true {
            var least = index
            let firstChild = Self.arity * index + 1
            for child in firstChild..<max(firstChild, min(firstChild + Self.arity, entries.count))
            where entries[child].due < entries[least].due { least = child }
            if least == index { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
