import Glibc
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
            live.remove(name)
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
}
