import Glibc
import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

/// A clock that stands still until it is moved.
private final class SteppedClock: WallClock {
    private let nanoseconds = Mutex<UInt64>(1_000_000_000)
    var now: Timestamp { Timestamp(milliseconds: 1_800_000_000_000) }
    var monotonicNanoseconds: UInt64 { nanoseconds.withLock { $0 } }
    func sleep(milliseconds: Int64) async throws {}
    func advance(seconds: UInt64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}

/// File systems of which one keeps whoever asks waiting until it is let go.
@safe
private final class Disks: @unchecked Sendable {
    // The semaphores belong to the kernel's library; the rest is behind the mutex.
    private let gate: UnsafeMutablePointer<sem_t>
    private let finished: UnsafeMutablePointer<sem_t>
    private let isOpen = Mutex(false)
    let asked = Mutex<[String]>([])

    init() {
        unsafe gate = .allocate(capacity: 1)
        unsafe finished = .allocate(capacity: 1)
        unsafe sem_init(gate, 0, 0)
        unsafe sem_init(finished, 0, 0)
    }

    func probe(_ path: String) -> FileSystemSpace? {
        asked.withLock { $0.append(path) }
        if path == "/broken" { return nil }
        if path == "/hung", !isOpen.withLock({ $0 }) {
            unsafe sem_wait(gate)
            unsafe sem_post(finished)
        }
        return FileSystemSpace(sizeBytes: 10, freeBytes: 5, availableBytes: 4, files: 3, filesFree: 2)
    }

    /// Lets the one that waits go on, and waits until it did.
    func letGo() {
        isOpen.withLock { $0 = true }
        unsafe sem_post(gate)
        unsafe sem_wait(finished)
    }
}

@Suite("mounts that may hang")
struct MountProberTests {
    private let space = MountOutcome.space(
        FileSystemSpace(sizeBytes: 10, freeBytes: 5, availableBytes: 4, files: 3, filesFree: 2))

    @Test("a mount that does not answer is given up after its time, the others go on, and it comes back")
    func hangs() {
        let clock = SteppedClock()
        let disks = Disks()
        let prober = MountProber(clock: clock) { disks.probe($0) }
        let paths = ["/", "/broken", "/hung", "/data"]
        let first = prober.outcomes(of: paths)
        #expect(first["/"] == space)
        #expect(first["/broken"] == .failed)
        #expect(first["/hung"] == nil && first["/data"] == nil)
        // While it is slow nobody asks again, and nobody waits.
        #expect(prober.outcomes(of: paths)["/data"] == nil)
        clock.advance(seconds: 6)
        let given = prober.outcomes(of: paths)
        #expect(given["/hung"] == .hanging)
        #expect(given["/data"] == space)
        // It stays apart, and the others are asked anew.
        #expect(prober.outcomes(of: paths)["/hung"] == .hanging)
        #expect(disks.asked.withLock { $0.filter { $0 == "/hung" }.count } == 1)
        #expect(disks.asked.withLock { $0.filter { $0 == "/" }.count } == 2)
        disks.letGo()
        // The answer that came late is taken by the thread that had been given up.
        var isBack = false
        for _ in 0..<1_000 where !isBack {
            isBack = prober.outcomes(of: paths)["/hung"] == space
            sched_yield()
        }
        #expect(isBack)
    }

    @Test("when as many mounts hang as threads may be spent, the others are not asked and fail")
    func limit() {
        var state = MountProberState(maximumHanging: 3)
        var started = 0
        let paths = (0..<10).map { "/mount\($0)" }
        for now in stride(from: UInt64(0), to: 500, by: 10) {
            if state.giveUp(now: now, timeoutNanoseconds: 5) { started += 1 }
            if state.begin(paths) { started += 1 }
            _ = state.next(for: state.worker, now: now)
        }
        #expect(started == 3)
        #expect(state.hanging.count == 3)
        #expect(paths.filter { state.outcomes[$0] == .failed }.count == 7)
        // One that comes back makes room.
        state.answer(.failed, for: "/mount0", from: 1)
        let begins = state.begin(paths)
        #expect(begins)
    }

    @Test("a mount that hangs is shown with an error and without numbers")
    func page() {
        let tree = TemporaryDirectory()
        tree.write(
            "proc/1/mounts",
            "server:/x /hung nfs rw 0 0\n/dev/vda /a\\040b ext4 ro,relatime 0 0\nproc /proc proc rw 0 0\n")
        let clock = SteppedClock()
        let disks = Disks()
        let root = tree.path
        let prober = MountProber(clock: clock) { path in
            disks.probe(path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path)
        }
        var settings = MachineSettings()
        settings.rootPath = root
        let collector = MachineCollector(settings: settings, clock: clock, prober: prober)
        var bytes: [UInt8] = []
        collector.render(into: &bytes)
        clock.advance(seconds: 6)
        bytes = []
        collector.render(into: &bytes)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter {
            $0.hasPrefix("node_filesystem")
        }
        #expect(
            lines.contains(
                #"node_filesystem_device_error{device="server:/x",fstype="nfs",mountpoint="/hung"} 1"#))
        #expect(!lines.contains { $0.hasPrefix("node_filesystem_size") && $0.contains("/hung") })
        #expect(
            lines.contains(#"node_filesystem_readonly{device="/dev/vda",fstype="ext4",mountpoint="/a b"} 1"#))
        disks.letGo()
    }

    @Test(
        "mounts of the kernel and of containers are left out",
        arguments: [
            ("/", false), ("/home", false), ("/dev", true), ("/dev/shm", true), ("/devices", false), ("/proc/x", true),
            ("/run", false), ("/run/user/1000", false), ("/run/credentials/x", true), ("/var/lib/docker", false),
            ("/var/lib/docker/overlay2/x/merged", true), ("/var/lib/kubelet/pods/u/volumes/x", true),
        ])
    func ignored(point: String, isIgnored: Bool) {
        #expect(MachineFilesystems.isIgnored(point) == isIgnored)
    }
}
