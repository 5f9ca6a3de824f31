import Glibc

/// A named thread of the operating system that runs one closure and ends with it.
///
/// Work that waits, for a disk, a socket, a file of the kernel, has a thread of its own, so that it never sits in the pool of
/// Swift's tasks. A thread that is let go of before it was joined runs on by itself.
package struct OwnThread: ~Copyable, Sendable {
    /// What the thread is given; it outlives the initialiser.
    private final class Body: Sendable {
        private let name: String
        private let closure: @Sendable () -> Void

        init(name: String, closure: @escaping @Sendable () -> Void) {
            self.name = name
            self.closure = closure
        }

        func run() {
            nameThread()
            closure()
        }

        /// Names the calling thread for `top` and debuggers; the kernel keeps fifteen bytes.
        private func nameThread() {
            let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            let text = Array(name.utf8.prefix(15))
            _ = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
        }
    }

    private let thread: pthread_t

    /// Starts it; nil when the kernel gives no thread.
    package init?(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = unsafe Unmanaged.passRetained(Body(name: name, closure: run))
        var created = pthread_t()
        let failure = unsafe pthread_create(
            &created, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, body.toOpaque())
        guard failure == 0 else {
            unsafe body.release()
            return nil
        }
        thread = created
    }

    deinit { pthread_detach(thread) }

    /// Waits for the end of the closure.
    package consuming func join() {
        pthread_join(thread, nil)
        discard self
    }

    /// Starts one that nobody waits for; false when the kernel gives no thread.
    package static func start(name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
        OwnThread(name: name, run) != nil
    }
}
