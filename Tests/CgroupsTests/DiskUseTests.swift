import Glibc
import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

private let identifier = String(repeating: "0123456789abcdef", count: 4)
private let uid = "0a1b2c3d-1111-2222-3333-444455556666"
private let kilobytes = String(repeating: "x", count: 40_000)

/// A sweeper whose walker has no thread: the test does the thread's work.
private struct Walked {
    var sweeper: Sweeper
    var walks: DiskWalks
    let clock = StillClock()

    init(_ tree: CgroupTree) {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.walksDisks = false
        sweeper = Sweeper(settings: settings, clock: clock)
        sweeper.sweep()
        walks = DiskWalks(worker: sweeper.disk.withState { $0.worker }, rootPath: tree.rootPath)
    }

    /// Sweeps, walks all that is due, and gives the page.
    mutating func page(after seconds: UInt64 = 0) -> Page {
        clock.advance(seconds: seconds)
        sweeper.sweep()
        while sweeper.disk.turn(&walks) > 0 {}
        var bytes: [UInt8] = []
        var renderer = Renderer(settings: sweeper.settings)
        renderer.render(&sweeper, into: &bytes)
        return Page(bytes)
    }
}

extension Page {
    init(_ bytes: [UInt8]) {
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

@Suite("disk use of containers")
struct DiskUseTests {
    private func overlay(_ upper: String, _ more: String = "") -> String {
        "9 8 0:69 / / rw - overlay overlay rw,lowerdir=l/A,upperdir=\(upper),workdir=w\n\(more)"
    }

    private func process(_ number: Int, _ tree: CgroupTree, mounts: String) {
        tree.folder.write("proc/\(number)/cgroup", "0::/x/docker-\(identifier).scope\n")
        tree.folder.write("proc/\(number)/mountinfo", mounts)
    }

    @Test("a container of Docker has its layer, logs and volumes, each on its own and as cAdvisor adds them")
    func docker() throws {
        let tree = CgroupTree(.unified)
        let path = "/system.slice/docker-\(identifier).scope"
        tree.unified(path, ["cgroup.procs": "100\n"])
        let volume = "10 9 8:1 /var/lib/docker/volumes/data/_data /data rw - ext4 /dev/sda1 rw\n"
        process(100, tree, mounts: overlay("/var/lib/docker/overlay2/abc/diff", volume))
        tree.folder.write("proc/1/mountinfo", "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        tree.folder.write("var/lib/docker/overlay2/abc/diff/etc/new", kilobytes)
        tree.folder.write("var/lib/docker/volumes/data/_data/file", kilobytes + kilobytes)
        tree.folder.write("var/lib/docker/containers/\(identifier)/\(identifier)-json.log", kilobytes)
        tree.folder.write("var/lib/docker/containers/\(identifier)/config.v2.json", #"{"Name":"/web"}"#)
        var walked = Walked(tree)
        let page = walked.page()
        func number(_ family: String, _ parts: String = "") -> Int {
            page.values(family, "id=\"\(path)\"", parts).first.flatMap { Int($0) } ?? -1
        }
        let layer = number("container_fs_layer_usage_bytes")
        let log = number("container_fs_log_usage_bytes")
        #expect((40_000..<60_000).contains(layer))
        #expect((40_000..<45_000).contains(log))
        #expect(number("container_fs_usage_bytes", #"device="/dev/sda1""#) == layer + log)
        #expect((80_000..<95_000).contains(number("container_fs_volume_usage_bytes", #"volume="data""#)))
        #expect(number("container_fs_layer_inodes") == 3)
        #expect(number("container_fs_limit_bytes", #"device="/dev/sda1""#) > 0)
        #expect(number("container_fs_inodes_total") > number("container_fs_inodes_free"))
        #expect(page.values("container_fs_age_seconds", path) == ["0"])
        // A minute later it is walked again, and says how old it is until then.
        tree.folder.write("var/lib/docker/overlay2/abc/diff/etc/more", kilobytes)
        let between = walked.page(after: 30)
        #expect(between.values("container_fs_age_seconds", path) == ["30"])
        let later = walked.page(after: 31)
        #expect(later.values("container_fs_layer_inodes", path) == ["4"])
    }

    @Test("Docker's own files tell the layer of a container without a process")
    func layerFile() {
        let tree = CgroupTree(.unified)
        tree.unified("/system.slice/docker-\(identifier).scope", ["cgroup.procs": ""])
        tree.folder.write("var/lib/docker/image/overlay2/layerdb/mounts/\(identifier)/mount-id", "feed42")
        tree.folder.write("var/lib/docker/overlay2/feed42/diff/file", kilobytes)
        var walked = Walked(tree)
        #expect(walked.page().values("container_fs_layer_inodes") == ["2"])
    }

    @Test("Podman's relative upper folder is found in its store, its log beside it")
    func podman() {
        let tree = CgroupTree(.unified)
        tree.unified("/machine.slice/libpod-\(identifier).scope", ["cgroup.procs": "100\n"])
        tree.folder.write("proc/100/cgroup", "0::/machine.slice/libpod-\(identifier).scope/container\n")
        tree.folder.write("proc/100/mountinfo", overlay("beef/diff"))
        tree.folder.write("var/lib/containers/storage/overlay/beef/diff/file", kilobytes)
        let data = "var/lib/containers/storage/overlay-containers/\(identifier)/userdata"
        tree.folder.write("\(data)/ctr.log", kilobytes)
        tree.folder.write("\(data)/config.json", kilobytes)
        var walked = Walked(tree)
        let page = walked.page()
        #expect(page.values("container_fs_layer_inodes") == ["2"])
        #expect(page.values("container_fs_log_usage_bytes").compactMap { Int($0) }.allSatisfy { $0 < 45_000 })
        #expect(page.values("container_fs_log_usage_bytes").count == 1)
    }

    @Test("a pod's containers have layer and log from containerd, the pod its volumes without its configuration")
    func pod() {
        let tree = CgroupTree(.unified)
        let slice = "/kubepods.slice/kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice"
        tree.unified(slice, ["cgroup.procs": ""])
        tree.unified("\(slice)/cri-containerd-\(identifier).scope", ["cgroup.procs": "100\n"])
        let upper = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/57/fs"
        process(100, tree, mounts: overlay(upper))
        tree.folder.write("\(upper.dropFirst())/file", kilobytes)
        tree.folder.write("var/log/pods/shop_web-0_\(uid)/nginx/0.log", kilobytes)
        tree.folder.write("var/log/pods/shop_web-0_\(uid)/nginx/0.log.20260101", kilobytes)
        tree.folder.write("var/log/containers/web-0_shop_nginx-\(identifier).log", "")
        let volumes = "var/lib/kubelet/pods/\(uid)/volumes"
        tree.folder.write("\(volumes)/kubernetes.io~empty-dir/cache/file", kilobytes)
        tree.folder.write("\(volumes)/kubernetes.io~secret/token/file", kilobytes)
        tree.folder.write("\(volumes)/kubernetes.io~csi/data/mount/file", kilobytes)
        tree.folder.write(
            "proc/1/mountinfo",
            "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /\(volumes)/kubernetes.io~csi/data/mount rw - xfs /dev/sdb rw\n"
        )
        var walked = Walked(tree)
        let page = walked.page()
        #expect(page.values("container_fs_layer_inodes", #"container="nginx""#) == ["2"])
        #expect(page.values("container_fs_log_usage_bytes", #"pod="web-0""#).count == 1)
        let volumeSizes = page.values("container_fs_volume_usage_bytes", "{id=\"\(slice)\"").compactMap { Int($0) }
        #expect(volumeSizes.count == 2)
        #expect(page.values("container_fs_volume_usage_bytes", #"volume="cache""#).allSatisfy { Int($0) ?? 0 < 60_000 })
        #expect(page.values("container_fs_volume_usage_bytes", "token").isEmpty)
    }

    @Test("a layer on another machine's file system is not asked, and a process of somebody else's tells nothing")
    func remote() {
        let tree = CgroupTree(.unified)
        tree.unified("/docker/\(identifier)", ["cgroup.procs": "100\n"])
        process(100, tree, mounts: overlay("/mnt/nfs/upper"))
        tree.folder.write("mnt/nfs/upper/file", kilobytes)
        tree.folder.write("proc/1/mountinfo", "1 1 8:1 / / rw - ext4 /dev/a rw\n2 1 0:9 / /mnt/nfs rw - nfs4 s:/x rw\n")
        var walked = Walked(tree)
        var page = walked.page()
        #expect(page.values("lapwing_collector_disk_failures_total", "remote") == ["1"])
        #expect(page.values("container_fs_usage_bytes", "docker").isEmpty)
        tree.folder.write("proc/100/cgroup", "0::/somebody\n")
        page = walked.page(after: 400)
        #expect(page.single("lapwing_collector_disk_trees") == "0")
    }

    @Test("a project's quota answers in place of a walk, for limit and use")
    func quota() {
        let tree = CgroupTree(.unified)
        process(100, tree, mounts: overlay("/upper"))
        tree.folder.write("upper/file", "")
        tree.folder.write("proc/1/mountinfo", "1 1 8:1 / / rw - xfs /dev/sda1 rw,prjquota\n")
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        let disk = DiskUse(settings: settings, clock: StillClock(), startsThreads: false) { path in
            let isWhole = path == tree.rootPath + "/"
            return FileSystemSpace(
                sizeBytes: isWhole ? 1 << 40 : 20 << 20, freeBytes: 15 << 20, availableBytes: 15 << 20,
                files: isWhole ? 1_000_000 : 100, filesFree: 60)
        }
        let path = "/docker/\(identifier)"
        disk.setSubjects([
            DiskSubject(
                key: DiskSubject.Key(slot: 1, generation: 1), identity: CgroupPathParser.identity(of: path),
                cgroupPath: path, names: ContainerNames(), process: 100)
        ])
        var walks = DiskWalks(worker: disk.withState { $0.worker }, rootPath: tree.rootPath)
        while disk.turn(&walks) > 0 {}
        let figure = disk.withState { state in state.trees[DiskTree(path: "/upper")]?.figure }
        #expect(figure?.use == TreeUse(bytes: 5 << 20, inodes: 40))
        #expect(figure?.space?.sizeBytes == 20 << 20)
        #expect(disk.withState { $0.entries } == 0)
    }

    @Test("a tree of many entries is begun anew in the long lane, and a budget bounds every turn")
    func lanes() {
        let tree = CgroupTree(.unified)
        tree.unified("/docker/\(identifier)", ["cgroup.procs": "100\n"])
        process(100, tree, mounts: overlay("/large"))
        for index in 0..<5_300 { tree.folder.write("large/f\(index % 7)/\(index)", "") }
        var walked = Walked(tree)
        var turns = 0
        // What is due in a lane is looked for once a second.
        for _ in 0..<3 {
            while case let used = walked.sweeper.disk.turn(&walked.walks), used > 0 {
                turns += 1
                #expect(used <= 300)
            }
            walked.clock.advance(seconds: 1)
        }
        #expect(turns > 80)
        let lane = walked.sweeper.disk.withState { state in state.trees.values.map(\.lane) }
        #expect(lane == [.long])
        let inodes = walked.sweeper.disk.withState { state in state.trees.values.map { $0.figure?.use.inodes } }
        #expect(inodes == [5_308])
    }

    @Test("a file system that does not answer costs its own figures and delays nobody else")
    func hanging() {
        let tree = CgroupTree(.unified)
        let folder = tree.rootPath
        for (number, name) in [(100, "a"), (200, "b"), (300, "c")] {
            let other = String(identifier.dropLast()) + name
            tree.unified("/docker/\(other)", ["cgroup.procs": "\(number)\n"])
            tree.folder.write("proc/\(number)/cgroup", "0::/docker/\(other)\n")
            tree.folder.write("proc/\(number)/mountinfo", overlay("/layers/\(name)"))
            tree.folder.write("layers/\(name)/file", kilobytes)
        }
        let gate = Gate()
        let clock = StillClock()
        var settings = CollectorSettings()
        settings.rootPath = folder
        settings.diskEntriesPerSecond = 1_000_000
        let disk = DiskUse(settings: settings, clock: clock) { path in
            if path.hasSuffix("/layers/b") { gate.wait() }
            return FileSystemSpace.of(path)
        }
        defer { disk.stop() }
        let subjects = [(100, "a"), (200, "b"), (300, "c")].enumerated().map { index, entry in
            let path = "/docker/" + identifier.dropLast() + entry.1
            return DiskSubject(
                key: DiskSubject.Key(slot: index, generation: 1), identity: CgroupPathParser.identity(of: path),
                cgroupPath: path, names: ContainerNames(), process: UInt64(entry.0))
        }
        disk.setSubjects(subjects)
        gate.waitForGuest()
        func figures() -> Int { disk.withState { state in state.trees.values.count { $0.figure != nil } } }
        // Watching is what a sweep does; the time passes by hand. Others may have been walked before it hung.
        var rounds = 0
        while disk.withState({ $0.hangingCount }) == 0, rounds < 100 {
            disk.watch()
            clock.advance(seconds: 1)
            rounds += 1
        }
        rounds = 0
        while figures() < 2, rounds < 10_000_000 {
            sched_yield()
            rounds += 1
        }
        #expect(figures() == 2)
        #expect(disk.withState { $0.hangingCount } == 1)
        #expect(disk.withState { $0.failures[DiskFailure.hanging.rawValue] } == 1)
        gate.open()
        while disk.withState({ $0.hangingCount }) > 0 { sched_yield() }
        rounds = 0
        while figures() < 3, rounds < 1_000_000 {
            clock.advance(seconds: 1)
            disk.setSubjects(subjects)
            sched_yield()
            rounds += 1
        }
        #expect(figures() == 3)
    }
}

/// A gate that one guest waits at.
private final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    private let hasGuest = Atomic<Bool>(false)

    func wait() {
        hasGuest.store(true, ordering: .releasing)
        while !isOpen.load(ordering: .acquiring) { sched_yield() }
    }

    func open() { isOpen.store(true, ordering: .releasing) }
    func waitForGuest() { while !hasGuest.load(ordering: .acquiring) { sched_yield() } }
}
