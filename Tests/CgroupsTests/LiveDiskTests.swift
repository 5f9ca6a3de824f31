import Glibc
import MetricModel
import TestSupport
import Testing

@testable import Cgroups

@Suite("disk use of a container on this machine", .serialized)
struct LiveDiskTests {
    @Test("a process on a real overlay shows what it wrote, and more when it wrote more")
    func overlay() throws {
        guard let live = LiveCgroups("disk") else {
            print("skipped: cgroups of version 1 cannot be made here")
            return
        }
        defer { live.removeFolder() }
        let folder = TemporaryDirectory()
        for name in ["upper", "work", "root"] { unsafe mkdir("\(folder.path)/\(name)", 0o755) }
        let options = "lowerdir=/usr,upperdir=\(folder.path)/upper,workdir=\(folder.path)/work"
        guard unsafe mount("overlay", folder.path + "/root", "overlay", 0, options) == 0 else {
            print("skipped: no overlay can be mounted here")
            return
        }
        unsafe umount2(folder.path + "/root", Int32(MNT_DETACH))
        let name = "docker-\(String(repeating: "abcdef0123456789", count: 4)).scope"
        live.make(name)
        let inside =
            "again() { cat /bin/sh /bin/sh /bin/sh > /again; }; trap again USR1; "
            + "cat /bin/sh /bin/sh /bin/sh > /written; while :; do sleep 0.1; done"
        let process = live.start(
            "exec unshare -m sh -c 'mount -t overlay overlay -o \(options) \(folder.path)/root && "
                + "exec chroot \(folder.path)/root /bin/sh -c \"\(inside)\"'", in: name)
        defer {
            kill(process, SIGKILL)
            LiveCgroups.wait(process)
            // The shell's own child lives a moment longer.
            for _ in 0..<1_000 where unsafe access("/sys/fs/cgroup/pids/\(live.folder)/\(name)", F_OK) == 0 {
                live.remove(name)
                _ = poll(nil, 0, 5)
            }
        }
        let running = RunningCollector(sweepIntervalMilliseconds: 50, diskIntervalMilliseconds: 100)
        defer { running.stop() }
        func inodes(_ page: Page) -> Int? {
            page.values("container_fs_layer_inodes", live.folder).first.flatMap { Int($0) }
        }
        func bytes(_ page: Page) -> Int {
            page.values("container_fs_layer_usage_bytes", live.folder).first.flatMap { Int($0) } ?? 0
        }
        // A first walk may come while it is being written.
        let isSeen = running.waitUntil { inodes($0) == 2 && bytes($0) > 300_000 }
        #expect(isSeen, "\(running.page.lines.filter { $0.contains("_disk_") && !$0.contains("#") })")
        let before = bytes(running.page)
        kill(process, SIGUSR1)
        let hasGrown = running.waitUntil { inodes($0) == 3 && bytes($0) > before + 300_000 }
        #expect(hasGrown)
        let page = running.page
        let after = page.values("container_fs_usage_bytes", live.folder).first.flatMap { Int($0) } ?? 0
        #expect(after > before + 300_000)
        #expect(page.values("container_fs_limit_bytes", live.folder, "device=").count == 1)
        #expect(page.values("container_fs_limit_bytes", #"{id="/","#).count > 0)
    }

    @Test("a mount that truly never answers is passed over, or given up, and nobody else waits for it")
    func hungMount() throws {
        let tree = CgroupTree(.unified)
        let identifier = String(repeating: "abcdef0123456789", count: 4)
        // In `a` the mount lies below the layer, in the table; `b` is the mount itself, which no table tells.
        for (number, name) in [(100, "a"), (200, "b")] {
            let other = String(identifier.dropLast()) + name
            tree.folder.write("proc/\(number)/cgroup", "0::/docker/\(other)\n")
            tree.folder.write(
                "proc/\(number)/mountinfo", "9 8 0:69 / / rw - overlay overlay rw,upperdir=/layers/\(name)\n")
            tree.folder.write("layers/\(name)/hung/file", "")
        }
        let points = ["\(tree.rootPath)/layers/a/hung", "\(tree.rootPath)/layers/b"]
        tree.folder.write(
            "proc/1/mountinfo", "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / /layers/a/hung rw - fuse hung rw\n")
        // A file system in user space whose program never reads what it is asked.
        let programs = points.map { _ in unsafe open("/dev/fuse", O_RDWR | O_CLOEXEC) }
        let mounted = zip(points, programs).allSatisfy { point, program in
            guard program >= 0 else { return false }
            let options = "fd=\(program),rootmode=40000,user_id=0,group_id=0"
            return unsafe mount("hung", point, "fuse", 0, options) == 0
        }
        func release() {
            for point in points { unsafe umount2(point, Int32(MNT_DETACH)) }
            for program in programs where program >= 0 { close(program) }
        }
        guard mounted else {
            release()
            print("skipped: no file system in user space can be mounted here")
            return
        }
        let clock = SystemClock()
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        let disk = DiskUse(settings: settings, clock: clock, timeoutNanoseconds: 3_000_000_000)
        defer { disk.stop() }
        let subjects = [(100, "a"), (200, "b")].enumerated().map { index, entry in
            let path = "/docker/" + identifier.dropLast() + entry.1
            return DiskSubject(
                key: DiskSubject.Key(slot: index, generation: 1), identity: CgroupPathParser.identity(of: path),
                cgroupPath: path, names: ContainerNames(), process: UInt64(entry.0))
        }
        func isMeasured() -> Bool {
            disk.withState { state in state.trees[DiskTree(path: "/layers/a")]?.figure?.use.inodes == 1 }
        }
        // The layer that can be walked is, whichever came first.
        var end = clock.monotonicNanoseconds + 60_000_000_000
        while !(isMeasured() && disk.withState({ $0.hangingCount }) == 1), clock.monotonicNanoseconds < end {
            // What a sweep does: it looks, and goes on at once.
            disk.setSubjects(subjects)
            disk.watch()
            // The walker has the lowest priority: one that spins would keep it from running.
            _ = poll(nil, 0, 10)
        }
        #expect(isMeasured())
        #expect(disk.withState { $0.hangingCount } == 1)
        release()
        end = clock.monotonicNanoseconds + 30_000_000_000
        while disk.withState({ $0.hangingCount }) > 0, clock.monotonicNanoseconds < end { _ = poll(nil, 0, 10) }
        #expect(disk.withState { $0.hangingCount } == 0)
    }
}
