import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

@Suite("walks over folders")
struct DiskWalkTests {
    private func measured(
        of path: String, names: [String] = [], mountPoints: Set<[UInt8]> = [], step: Int = 3
    ) -> TreeUse? {
        guard let walk = DirectoryWalk(path: path, names: names, mountPoints: mountPoints) else { return nil }
        let progress = Atomic<UInt64>(0)
        while !walk.advance(entries: step, progress: progress) {}
        return walk.use
    }

    /// What du(1) says, in bytes of blocks on one file system.
    private func du(_ path: String, folder: TemporaryDirectory) -> UInt64? {
        let child = ChildProcess(["du", "-sxB1", path], folder: folder, name: "du")
        child.wait()
        return child.output.split(separator: "\t").first.flatMap { UInt64($0) }
    }

    @Test("a folder takes what du says: links are not followed, names of one file count once, holes take nothing")
    func sameAsDu() throws {
        let folder = TemporaryDirectory()
        let outside = TemporaryDirectory()
        outside.write("large", String(repeating: "x", count: 5_000_000))
        for index in 0..<40 { folder.write("tree/a/b\(index)/file", String(repeating: "x", count: index * 1_000)) }
        let file = folder.write("tree/one", String(repeating: "x", count: 100_000))
        unsafe link(file, folder.path + "/tree/two")
        unsafe link(file, folder.path + "/tree/a/three")
        unsafe symlink(outside.path, folder.path + "/tree/away")
        unsafe mkfifo(folder.path + "/tree/pipe", 0o600)
        let sparse = unsafe open(folder.path + "/tree/sparse", O_WRONLY | O_CREAT, 0o600)
        ftruncate(sparse, 1 << 40)
        close(sparse)
        let use = try #require(measured(of: folder.path + "/tree"))
        #expect(use.bytes == du(folder.path + "/tree", folder: folder))
        #expect(use.inodes == 2 + 40 * 2 + 1 + 3)
        #expect(!use.isPartial)
    }

    @Test("only entries that begin as wanted count at the top, all below them")
    func names() throws {
        let folder = TemporaryDirectory()
        folder.write("c/abc-json.log", String(repeating: "x", count: 9_000))
        folder.write("c/abc-json.log.1", String(repeating: "x", count: 9_000))
        folder.write("c/local-logs/container.log", String(repeating: "x", count: 9_000))
        folder.write("c/config.v2.json", String(repeating: "x", count: 90_000))
        let use = try #require(measured(of: folder.path + "/c", names: ["abc-json.log", "local-logs"]))
        #expect(use.inodes == 4)
        #expect(use.bytes < 50_000)
    }

    @Test("what lies under a mount point is passed over without a look")
    func mountPoints() throws {
        let folder = TemporaryDirectory()
        folder.write("t/mnt/file", "x")
        folder.write("t/other/mnt/file", "x")
        let points: Set<[UInt8]> = [Array((folder.path + "/t/mnt").utf8), Array((folder.path + "/t/other/mnt").utf8)]
        #expect(measured(of: folder.path + "/t", mountPoints: points)?.inodes == 2)
        #expect(measured(of: folder.path + "/t")?.inodes == 6)
    }

    @Test("another device is not entered")
    func otherDevice() throws {
        let folder = TemporaryDirectory()
        folder.write("t/mnt/file", "x")
        guard unsafe mount("none", folder.path + "/t/mnt", "tmpfs", 0, "size=1m") == 0 else {
            print("skipped: nothing may be mounted here")
            return
        }
        defer { unsafe umount(folder.path + "/t/mnt") }
        folder.write("t/mnt/inside", String(repeating: "x", count: 100_000))
        let use = try #require(measured(of: folder.path + "/t"))
        #expect(use.inodes == 1)
        #expect(use.bytes == du(folder.path + "/t", folder: folder))
    }

    @Test("a tree deeper than the limit is counted as far as it goes and called partial")
    func deep() throws {
        let folder = TemporaryDirectory()
        var descriptors = [unsafe open(folder.path, O_RDONLY | O_DIRECTORY)]
        for _ in 0..<150 {
            let last = descriptors[descriptors.count - 1]
            unsafe mkdirat(last, "d", 0o755)
            descriptors.append(unsafe openat(last, "d", O_RDONLY | O_DIRECTORY))
        }
        let use = try #require(measured(of: folder.path))
        #expect(use.isPartial)
        #expect(use.inodes == UInt64(DirectoryWalk.maximumDepth) + 1)
        while let last = descriptors.popLast() {
            unsafe unlinkat(last, "d", Int32(AT_REMOVEDIR))
            close(last)
        }
    }

    @Test("a folder that is replaced by a link while the walk is on leads nowhere")
    func replaced() throws {
        let folder = TemporaryDirectory()
        let outside = TemporaryDirectory()
        for index in 0..<50 { outside.write("f\(index)", "x") }
        folder.write("t/a/file", "x")
        let walk = try #require(DirectoryWalk(path: folder.path + "/t"))
        unsafe rename(folder.path + "/t/a", folder.path + "/b")
        unsafe symlink(outside.path, folder.path + "/t/a")
        let progress = Atomic<UInt64>(0)
        while !walk.advance(entries: 1, progress: progress) {}
        #expect(walk.use.inodes == 2)
        #expect(DirectoryWalk(path: folder.path + "/t/a") == nil)
    }

    @Test("mount tables give the upper folder, volumes, and where things lie")
    func mountTables() throws {
        let text = """
            700 600 0:69 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a:/b,upperdir=/var/lib/d\\040x\\054y/diff,workdir=/w
            701 700 8:1 /var/lib/docker/volumes/data/_data /data rw - ext4 /dev/sda1 rw
            702 700 8:1 /nerdctl/1935db59/volumes/default/cache/_data /cache rw - ext4 /dev/sda1 rw
            703 700 8:1 /var/lib/docker/volumes/data/_data /again rw - ext4 /dev/sda1 rw
            704 700 0:50 / /nfs rw - nfs4 server:/x rw
            705 700 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw
            broken line
            706 700 x:y / /no rw - ext4 none rw
            """
        let entries = MountText.parse(Array(text.utf8))
        let own = ContainerMounts(entries)
        #expect(own.upperFolder == "/var/lib/d x,y/diff")
        #expect(own.volumes.map(\.name) == ["data", "cache"])
        #expect(entries.first { $0.type == "nfs4" }?.isRemote == true)
        let host = HostMounts(
            MountText.parse(
                Array(
                    "1 1 8:0 / / rw - ext4 /dev/sda rw\n2 1 8:1 / /mnt/disk rw - ext4 /dev/sda1 rw\n3 1 0:9 / /mnt/disk/nfs rw - nfs s:/ rw\n"
                        .utf8)))
        #expect(
            host.path(of: own.volumes[0].root, device: 8 << 32 | 1) == "/mnt/disk/var/lib/docker/volumes/data/_data")
        #expect(host.mount(of: "/mnt/disk/nfs/a")?.isRemote == true)
        #expect(host.mount(of: "/mnt/disknfs")?.source == "/dev/sda")
        #expect(host.points(below: "/mnt") == ["/mnt/disk", "/mnt/disk/nfs"])
    }
}
