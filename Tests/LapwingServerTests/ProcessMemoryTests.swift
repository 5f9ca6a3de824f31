import PromQL
import TSDB
import TestSupport
import Testing

@testable import LapwingServer

@Suite("Memory of the process")
struct ProcessMemoryTests {
    @Test("the smallest limit of the cgroups counts", arguments: CgroupTree.Layout.all)
    func cgroups(layout: CgroupTree.Layout) {
        let tree = CgroupTree(layout)
        tree.folder.write("proc/self/cgroup", layout == .unified ? "0::/a/b\n" : "5:cpu:/x\n7:memory:/a/b\n0::/\n")
        #expect(CgroupMemoryLimit.smallest(rootPath: tree.rootPath) == nil)
        for (path, limit) in [("/a", "268435456\n"), ("/a/b", "9223372036854771712\n")] {
            if layout == .unified {
                tree.unified(path, ["memory.max": path == "/a" ? limit : "max\n"])
            } else {
                tree.version1(path, ["memory.limit_in_bytes": limit])
            }
        }
        #expect(CgroupMemoryLimit.smallest(rootPath: tree.rootPath) == 256 << 20)
    }

    @Test("the parts fit into the whole", arguments: [1 << 20, 64 << 20, 256 << 20, 64 << 30])
    func parts(limit: Int) {
        let budget = ProcessMemory(limitBytes: limit, source: "test")
        let whole = max(limit, ProcessMemory.minimumBytes)
        #expect(ProcessMemory.ownBytes + budget.headBytes + budget.queryBytes + budget.queryCacheBytes <= whole)
        var database = DatabaseSettings()
        var engine = EngineSettings()
        budget.apply(to: &database)
        budget.apply(to: &engine)
        #expect(database.headLimitBytes == budget.headBytes)
        #expect(database.headBytesBeforeSealing <= budget.headBytes / 4)
        #expect(engine.memoryLimitBytes <= budget.singleQueryBytes)
    }

    @Test("what the command line says goes before what the kernel says")
    func setting() {
        #expect(ProcessMemory(settingBytes: 100 << 20).limitBytes == 100 << 20)
        #expect(ProcessMemory(settingBytes: nil).limitBytes > 0)
    }
}

extension CgroupTree.Layout {
    static let all: [CgroupTree.Layout] = [.version1, .unified, .hybrid]
}
