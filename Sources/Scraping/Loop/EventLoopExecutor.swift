import NIOCore

/// A NIO event loop as the place where targets run.
///
/// A timer of the event loop's own costs promises, a system call to set it and one to read it; thousands of targets have
/// two a scrape. So what waits stands in a heap here, and the event loop has one timer, for the earliest. What falls due
/// within a millisecond runs together.
final class EventLoopExecutor: ScrapeExecutor, @unchecked Sendable {  // All but `eventLoop` is confined to it.
    let eventLoop: any EventLoop
    /// What the fetches on this loop share.
    let fetchBuffers = FetchBuffers()
    private var heap = AlarmHeap()
    private var timer: NIOScheduledCallback?
    private var timerDeadline = NIODeadline.distantFuture

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func execute(_ work: @escaping @Sendable () -> Void) { eventLoop.execute(work) }

    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any ScrapeAlarm {
        EventLoopAlarm(executor: self, ring: ring)
    }

    fileprivate func add(_ alarm: EventLoopAlarm, afterMilliseconds delay: Int64) {
        let due = NIODeadline.now() + .milliseconds(max(0, delay))
        heap.insert(AlarmHeap.Entry(due: due, alarm: alarm, setting: alarm.setting))
        if due < timerDeadline { setTimer(due) }
    }

    private func setTimer(_ deadline: NIODeadline) {
        timer?.cancel()
        timerDeadline = deadline
        // It throws where the event loop has ended, and with it all that waits.
        timer = try? eventLoop.scheduleCallback(at: deadline + .milliseconds(1), handler: self)
    }

    fileprivate func runDue() {
        timer = nil
        let now = NIODeadline.now()
        // Alarms that are set meanwhile wait for the timer that is set below.
        timerDeadline = .uptimeNanoseconds(0)
        while let first = heap.first, first.due <= now || !first.isSet {
            heap.removeFirst()
            first.alarm.fall(due: first.setting)
        }
        timerDeadline = .distantFuture
        if let first = heap.first { setTimer(first.due) }
    }
}

extension EventLoopExecutor: NIOScheduledCallbackHandler {
    func handleScheduledCallback(eventLoop: some EventLoop) { runDue() }
}

/// An alarm that stands in the heap of its executor as often as it was set; only the last setting counts.
private final class EventLoopAlarm: ScrapeAlarm, @unchecked Sendable {  // `setting` is confined to the event loop.
    private let executor: EventLoopExecutor
    private let ring: @Sendable () -> Void
    private(set) var setting: UInt64 = 0

    init(executor: EventLoopExecutor, ring: @escaping @Sendable () -> Void) {
        self.executor = executor
        self.ring = ring
    }

    func set(afterMilliseconds delay: Int64) {
        executor.eventLoop.assertInEventLoop()
        setting &+= 1
        executor.add(self, afterMilliseconds: delay)
    }

    func cancel() {
        executor.eventLoop.assertInEventLoop()
        setting &+= 1
    }

    /// Rings unless it was set anew or cancelled.
    func fall(due setting: UInt64) {
        guard setting == self.setting else { return }
        self.setting &+= 1
        ring()
    }
}

/// A heap, the earliest first; an entry has its time beside it, so that finding a place touches no other memory.
private struct AlarmHeap {
    struct Entry {
        var due: NIODeadline
        var alarm: EventLoopAlarm
        /// Which setting of the alarm this is.
        var setting: UInt64

        var isSet: Bool { alarm.setting == setting }
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
