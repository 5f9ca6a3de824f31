internal import CKernel
import Glibc

/// Waits for events of many descriptors at once (epoll(7)).
///
/// One thread waits while others add and remove; the kernel keeps the set.
struct EventQueue: Sendable {
    /// What a descriptor in the set belongs to.
    enum Source: Equatable {
        /// Someone wants the waiting thread's attention.
        case wake
        /// The notifications of directories.
        case directories
        /// The first process of a cgroup.
        case process(slot: Int, generation: UInt32)
        /// A conversation with a runtime's socket, by its index.
        case socket(Int)

        fileprivate init(tag: UInt64) {
            switch tag >> 60 {
            case 1: self = .directories
            case 2: self = .process(slot: Int(tag >> 32 & 0xFFF_FFFF), generation: UInt32(truncatingIfNeeded: tag))
            case 3: self = .socket(Int(tag & 0xFFFF))
            default: self = .wake
            }
        }

        fileprivate var tag: UInt64 {
            switch self {
            case .wake: 0
            case .directories: 1 << 60
            case .process(let slot, let generation): 2 << 60 | UInt64(slot & 0xFFF_FFFF) << 32 | UInt64(generation)
            case .socket(let index): 3 << 60 | UInt64(index & 0xFFFF)
            }
        }
    }

    private let descriptor: Int32
    private let wakeDescriptor: Int32

    /// Nil when the kernel gives no descriptors.
    init?() {
        descriptor = epoll_create1(Int32(O_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        wakeDescriptor = eventfd(0, Int32(O_CLOEXEC | O_NONBLOCK))
        guard wakeDescriptor >= 0 else {
            _ = Glibc.close(descriptor)
            return nil
        }
        _ = add(wakeDescriptor, .wake)
    }

    func close() {
        _ = Glibc.close(wakeDescriptor)
        _ = Glibc.close(descriptor)
    }

    /// Watches a descriptor for input, or for output too; false when the kernel refuses.
    func add(_ added: Int32, _ source: Source, output: Bool = false) -> Bool {
        let mask = output ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue
        var event = unsafe epoll_event(events: mask, data: epoll_data(u64: source.tag))
        return unsafe epoll_ctl(descriptor, EPOLL_CTL_ADD, added, &event) == 0
    }

    /// Watches a descriptor for its end alone: of a process, that its parent has taken its status.
    func watchEnd(of known: Int32, _ source: Source) {
        var event = unsafe epoll_event(events: 0, data: epoll_data(u64: source.tag))
        _ = unsafe epoll_ctl(descriptor, EPOLL_CTL_MOD, known, &event)
    }

    func remove(_ removed: Int32) {
        var event = unsafe epoll_event()
        _ = unsafe epoll_ctl(descriptor, EPOLL_CTL_DEL, removed, &event)
    }

    /// Ends the wait of the thread that waits, or of the next.
    func wake() {
        _ = eventfd_write(wakeDescriptor, 1)
    }

    /// Waits until something happens or the time has passed; a wake is taken away.
    func wait(milliseconds: Int32) -> [Source] {
        var sources: [Source] = []
        var events: InlineArray<64, epoll_event> = unsafe .init(repeating: epoll_event())
        var span = unsafe events.mutableSpan
        let count = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe epoll_wait(descriptor, buffer.baseAddress, Int32(buffer.count), milliseconds)
        }
        for index in 0..<Int(max(0, count)) {
            let source = Source(tag: unsafe events[index].data.u64)
            if source == .wake {
                var value: eventfd_t = 0
                _ = unsafe eventfd_read(wakeDescriptor, &value)
            }
            sources.append(source)
        }
        return sources
    }
}
