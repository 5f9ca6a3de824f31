import TestSupport
import Testing

@testable import Cgroups

@Suite("topology and costs of I/O")
struct TopologyTests {
    @Test(
        "memory modules, caches, threads and nodes have cAdvisor's names and labels",
        arguments: [
            #"machine_dimm_count{boot_id="b00t",machine_id="0123456789abcdef",type="Unbuffered-DDR4"} 2"#,
            #"machine_dimm_capacity_bytes{boot_id="b00t",machine_id="0123456789abcdef",type="Unbuffered-DDR4"} 34359738368"#,
            #"machine_cpu_cache_capacity_bytes{boot_id="b00t",machine_id="0123456789abcdef",core_id="0",level="1",node_id="0",type="Data"} 32768"#,
            #"machine_cpu_cache_capacity_bytes{boot_id="b00t",machine_id="0123456789abcdef",level="3",node_id="0",type="Unified"} 8388608"#,
            #"machine_thread_siblings_count{boot_id="b00t",machine_id="0123456789abcdef",core_id="1",node_id="0",thread_id="3"} 2"#,
            #"machine_node_memory_capacity_bytes{boot_id="b00t",machine_id="0123456789abcdef",node_id="0"} 1024"#,
            #"machine_node_hugepages_count{boot_id="b00t",machine_id="0123456789abcdef",node_id="0",page_size="2048"} 5"#,
            #"machine_node_distance{boot_id="b00t",machine_id="0123456789abcdef",node_id="0",target_node_id="1"} 21"#,
        ])
    func topology(line: String) {
        let tree = CgroupTree(.unified)
        for module in 0..<2 {
            let folder = "sys/devices/system/edac/mc/mc0/dimm\(module)"
            tree.folder.write(folder + "/dimm_mem_type", "Unbuffered-DDR4\n")
            tree.folder.write(folder + "/size", "16384\n")
        }
        tree.folder.write("sys/devices/system/edac/mc/mc0/dimm2/size", "none\n")
        for node in 0..<2 {
            let folder = "sys/devices/system/node/node\(node)"
            tree.folder.write(folder + "/cpulist", node == 0 ? "0-3\n" : "\n")
            tree.folder.write(folder + "/meminfo", "Node \(node) MemTotal:       1 kB\nNode \(node) MemFree: 1 kB\n")
            tree.folder.write(folder + "/distance", "10 21\n")
            tree.folder.write(folder + "/hugepages/hugepages-2048kB/nr_hugepages", "5\n")
        }
        for processor in 0..<4 {
            let folder = "sys/devices/system/cpu/cpu\(processor)/cache"
            let first = processor / 2 * 2
            for (index, level, type, size, shared) in [
                (0, "1", "Data", "32K", "\(first)-\(first + 1)"), (1, "3", "Unified", "8M", "0-3"),
            ] {
                tree.folder.write("\(folder)/index\(index)/level", level + "\n")
                tree.folder.write("\(folder)/index\(index)/type", type + "\n")
                tree.folder.write("\(folder)/index\(index)/size", size + "\n")
                tree.folder.write("\(folder)/index\(index)/shared_cpu_list", shared + "\n")
            }
        }
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups.formUnion(.cpuTopology)
        let page = Page(Collector(settings: settings, clock: StillClock()))
        #expect(page.lines.count { $0 == line } == 1, "\(page.lines.filter { $0.hasPrefix("machine_") })")
    }

    @Test("what io.cost says of a cgroup is in seconds, and absent where it is not on")
    func ioCost() {
        let tree = CgroupTree(.unified)
        let text =
            "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=1500000 cost.wait=2 cost.indebt=3 cost.indelay=4\n"
        tree.unified("/a", ["io.stat": text])
        tree.unified("/b", ["io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"])
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        let page = Page(Collector(settings: settings, clock: StillClock()))
        #expect(page.values("container_fs_io_cost_usage_seconds_total", "\"/a\"", #"device="8:0""#) == ["1.5"])
        #expect(page.values("container_fs_io_cost_wait_seconds_total", "\"/a\"") == ["0.000002"])
        #expect(page.values("container_fs_io_cost_indebt_seconds_total", "\"/a\"") == ["0.000003"])
        #expect(page.values("container_fs_io_cost_indelay_seconds_total") == ["0.000004"])
    }
}
