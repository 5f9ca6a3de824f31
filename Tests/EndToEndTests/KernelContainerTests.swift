import Glibc
import TestSupport
import Testing

/// Containers under a kernel that has version 2 alone, project quotas, and no word on how a process ended (before 6.15).
@Suite(
    "Containers under a kernel with cgroup version 2",
    .enabled(
        if: RunningServer.binary != nil && UnifiedKernel.tool != nil,
        "LAPWING names the release binary, and ../shared/tools/with-cgroup2 and user-mode-linux are there"))
struct KernelContainerTests {
    private static let identifier = String(repeating: "abcdef0123456789", count: 4)

    /// A container on an overlay whose upper folder has a project of ext4 with 20 MB and 1,000 files.
    private static func quotaScript(binary: String) -> String {
        #"""
        modules=/usr/lib/uml/modules/$(uname -r)/kernel
        for module in drivers/block/loop fs/overlayfs/overlay fs/quota/quota_tree fs/quota/quota_v2; do
            busybox insmod $modules/$module.ko
        done
        mkdir /run/disk /run/root
        mknod /run/loop b 7 0
        truncate -s 64M /run/image
        mkfs.ext4 -q -O quota,project -E quotatype=prjquota /run/image
        busybox losetup /run/loop /run/image
        mount -t ext4 -o prjquota /run/loop /run/disk
        mkdir -p /run/disk/layer/diff /run/disk/layer/work
        chattr -p 7 +P /run/disk/layer /run/disk/layer/diff
        setquota -P 7 0 20480 0 1000 /run/disk
        cd /sys/fs/cgroup
        name=docker-\#(identifier).scope
        mkdir $name
        cat > /run/container.sh <<END
        echo \$\$ > /sys/fs/cgroup/$name/cgroup.procs
        mount -t overlay overlay -o lowerdir=/usr,upperdir=/run/disk/layer/diff,workdir=/run/disk/layer/work /run/root
        exec chroot /run/root /bin/sh -c "cat /bin/bash /bin/bash /bin/bash > /written; exec sleep 600"
        END
        unshare -m sh /run/container.sh &
        (\#(binary) collect --web.listen-address=127.0.0.1:8082 --collector.interval=100ms >$OUT/log 2>&1 &)
        \#(UnifiedKernel.questions(port: 8082))
        await page 'container_fs_layer_usage_bytes[{].* [1-9][0-9]{6,}$'
        df --output=used,size -k /run/disk/layer/diff | tail -n 1 > $OUT/truth
        """#
    }

    @Test("a project's quota tells use and limit of a container's layer, and nothing is walked")
    func projectQuota() throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        let ran = try UnifiedKernel.run(Self.quotaScript(binary: binary), folder: folder)
        let page = KernelPage(folder.path + "/out/page")
        let path = "/docker-\(Self.identifier).scope"
        let truth = TemporaryDirectory.read(folder.path + "/out/truth").split(whereSeparator: \.isWhitespace)
            .compactMap { Double($0) }
        try #require(truth.count == 2, "\(ran.errors)")
        #expect(page.value("container_fs_layer_usage_bytes", path) == truth[0] * 1_024)
        #expect(page.value("container_fs_limit_bytes", path) == 20_971_520)
        #expect(truth[1] == 20_480)
        #expect(page.value("container_fs_inodes_total", path) == 1_000)
        #expect(page.value("lapwing_collector_disk_entries_total", nil) == 0)
    }

    /// Podman's container, whose parent leaves the code in a file, and one of which nobody tells.
    private static func endScript(binary: String) -> String {
        #"""
        cd /sys/fs/cgroup
        mkdir -p machine/libpod-\#(identifier).scope docker/\#(String(identifier.reversed())) /run/libpod/exits
        (\#(binary) collect --web.listen-address=127.0.0.1:8083 --collector.interval=1h >$OUT/log 2>&1 &)
        \#(UnifiedKernel.questions(port: 8083))
        for name in machine/libpod-\#(identifier).scope docker/\#(String(identifier.reversed())); do
            sh -c "echo \$\$ > $name/cgroup.procs; while [ ! -e /run/go ]; do :; done; exit 42" &
        done
        await running 'container_processes[{]id="/machine/libpod.* 1$' 'container_processes[{]id="/docker/.* 1$'
        touch /run/go
        wait -n; wait -n
        printf 42 > /run/libpod/exits/\#(identifier)
        rmdir machine/libpod-\#(identifier).scope docker/\#(String(identifier.reversed()))
        await told 'exits_total[{].*code="42"' 'exits_total[{].*code="unknown"'
        """#
    }

    @Test("where the kernel tells no code of an end the runtime's file does, and unknown stays unknown")
    func codes() throws {
        let binary = try #require(RunningServer.binary)
        let folder = TemporaryDirectory()
        _ = try UnifiedKernel.run(Self.endScript(binary: binary), folder: folder)
        let told = KernelPage(folder.path + "/out/told").text.split(separator: "\n")
            .filter { $0.hasPrefix("lapwing_workload_exits_total{") }
        #expect(told.count == 2, "\(told)")
        #expect(told.contains { $0.contains(Self.identifier) && $0.hasSuffix("code=\"42\"} 1") }, "\(told)")
        #expect(told.contains { $0.contains("code=\"unknown\"") && $0.hasSuffix(" 1") }, "\(told)")
    }
}
