import Glibc
import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Cgroups

@Suite("extremes")
struct ExtremeTests {
    private func settings(_ tree: CgroupTree, _ groups: MetricGroups = [.memory]) -> CollectorSettings {
        var settings = CollectorSettings()
        settings.rootPath = tree.rootPath
        settings.groups = groups
        return settings
    }

    /// How many cgroups are too many: 20,000 with `LAPWING_CGROUPS=20000`.
    private static var ceiling: Int {
        guard let text = unsafe getenv("LAPWING_CGROUPS") else { return 1_000 }
        return Int(unsafe String(cString: text)) ?? 1_000
    }

    @Test("as many cgroups as are allowed are all there, and those beyond the ceiling are counted")
    func ceiling() {
        let tree = CgroupTree(.unified)
        let point = "\(tree.rootPath)/sys/fs/cgroup"
        for group in 0..<20 {
            unsafe mkdir("\(point)/g\(group)", 0o755)
            for number in 0..<Self.ceiling / 20 {
                let folder = "\(point)/g\(group)/c\(number)"
                unsafe mkdir(folder, 0o755)
                let file = unsafe open(folder + "/memory.current", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
                _ = unsafe write(file, "7\n", 2)
                close(file)
            }
        }
        var settings = settings(tree)
        settings.maximumCgroups = Self.ceiling
        var sweeper = Sweeper(settings: settings, clock: StillClock())
        defer { sweeper.close() }
        sweeper.sweep()
        #expect(sweeper.table.liveCount == Self.ceiling)
        // The root, the 20 groups, and the rest of the ceiling, each with its number.
        #expect(sweeper.statistics.cgroupsLeftOut == 21)
        let table = sweeper.table
        let read = table.records.indices.count {
            table.records[$0].depth == 2 && table.value(.memoryUsage, of: $0) == 7
        }
        #expect(read == Self.ceiling - 21)
    }

    @Test("a real cgroup sixty levels deep is read, and one beyond the depth that is followed is counted")
    func deep() {
        guard let live = LiveCgroups("deep") else {
            print("skipped: cgroups of version 1 cannot be made here")
            return
        }
        let paths = (1...68).map { Array(repeating: "d", count: $0).joined(separator: "/") }
        for path in paths { live.make(path) }
        defer {
            for path in paths.reversed() { live.remove(path) }
            live.removeFolder()
        }
        let page = Page(Collector(settings: CollectorSettings()))
        let ids = page.lines.filter { $0.hasPrefix("container_memory_usage_bytes{id=\"/\(live.folder)") }
        #expect(ids.contains { $0.contains("\(live.folder)/\(paths[59])\"") })
        // The folder is level 1, and 64 are followed.
        #expect(ids.count == 64)
        #expect(page.single("lapwing_collector_cgroups_left_out_total") != "0")
    }

    @Test("real cgroups whose names hold quotes, backslashes and bytes that are no UTF-8 stay themselves")
    func names() {
        guard let live = LiveCgroups("names") else {
            print("skipped: cgroups of version 1 cannot be made here")
            return
        }
        let names: [[UInt8]] = [
            Array("a\"b".utf8), Array("back\\slash".utf8), [0x78, 0xFF], [0x78, 0xFE], Array("tab\tstop é".utf8),
        ]
        func path(_ controller: String, _ name: [UInt8]) -> [UInt8] {
            Array("/sys/fs/cgroup/\(controller)/\(live.folder)/".utf8) + name + [0]
        }
        func each(_ body: (UnsafePointer<CChar>) -> Void) {
            for controller in live.controllers {
                for name in names {
                    unsafe path(controller, name).withUnsafeBytes { bytes in
                        if let start = bytes.baseAddress { unsafe body(start.assumingMemoryBound(to: CChar.self)) }
                    }
                }
            }
        }
        unsafe each { unsafe mkdir($0, 0o755) }
        defer {
            unsafe each { unsafe rmdir($0) }
            live.removeFolder()
        }
        var settings = CollectorSettings()
        settings.groups = [.memory]
        let collector = Collector(settings: settings)
        let page = Page(collector)
        for text in ["a\\\"b", "back\\\\slash", "x\u{FFFD}ff", "x\u{FFFD}fe", "tab\tstop é"] {
            let wanted = "container_memory_usage_bytes{id=\"/\(live.folder)/\(text)\"}"
            #expect(page.lines.count { $0.hasPrefix(wanted) } == 1, "\(text)")
        }
        #expect(page.values("lapwing_collector_errors_total", "watch") == ["0"])
    }

    @Test("a name with a newline, which only a fixture can have, stays on one line")
    func newline() {
        let tree = CgroupTree(.unified)
        tree.unified("/a\nb", ["memory.current": "5\n"])
        let page = Page(Collector(settings: settings(tree), clock: StillClock()))
        #expect(page.lines.count { $0.hasPrefix(#"container_memory_usage_bytes{id="/a\nb"}"#) } == 1)
    }

    @Test("numbers over 64 bits are counted as malformed and leave the others alone, in every file")
    func largeNumbers() {
        let tree = CgroupTree(.unified)
        let large = "340282366920938463463374607431768211456"
        var files = CgroupTree.unifiedContainer
        for (name, text) in files where name != "cgroup.procs" {
            // Every second number of a file grows beyond all bounds.
            var number = 0
            files[name] = text.split(separator: " ", omittingEmptySubsequences: false).map { word in
                number += 1
                let digits = word.prefix { $0.isNumber }
                return digits.isEmpty || number % 2 == 1 ? String(word) : large + word.dropFirst(digits.count)
            }.joined(separator: " ")
        }
        files["memory.current"] = large + "\n"
        tree.unified("/large", files)
        tree.unified("/sound", CgroupTree.unifiedContainer)
        let page = Page(Collector(settings: settings(tree, .all), clock: StillClock()))
        #expect(page.values("container_memory_usage_bytes", "\"/large\"").isEmpty)
        #expect(page.values("container_memory_usage_bytes", "\"/sound\"") == ["10000000"])
        #expect(page.values("lapwing_collector_errors_total", "malformed") != ["0"])
        #expect(!page.lines.contains { $0.contains(large) })
    }

    @Test("files and folders that vanish between sweeps cost their own numbers only")
    func vanishing() {
        let tree = CgroupTree(.unified)
        for name in ["a", "b", "c"] { tree.unified("/\(name)", CgroupTree.unifiedContainer) }
        let clock = StillClock()
        var settings = settings(tree, .byDefault)
        settings.watchesDirectories = false
        let collector = Collector(settings: settings, clock: clock)
        _ = Page(collector)
        // The folder goes without a word; what was open stays open in a fixture, so its numbers stand until the listing.
        tree.remove("sys/fs/cgroup/b")
        unsafe unlink(tree.rootPath + "/sys/fs/cgroup/c/io.pressure")
        clock.advance(seconds: 61)
        let page = Page(collector)
        #expect(page.values("container_threads", "\"/a\"") == ["9"])
        #expect(page.values("container_memory_usage_bytes", "\"/b\"").isEmpty)
        #expect(page.values("container_pressure_io_waiting_seconds_total", "\"/a\"").count == 1)
        #expect(page.values("container_pressure_io_waiting_seconds_total", "\"/c\"").isEmpty)
        #expect(page.values("container_memory_usage_bytes", "\"/c\"") == ["10000000"])
    }

    @Test("a real cgroup that was removed and made anew between two sweeps goes on without a gap")
    func madeAnew() {
        guard let live = LiveCgroups("anew") else {
            print("skipped: cgroups of version 1 cannot be made here")
            return
        }
        defer { live.removeFolder() }
        live.make("c")
        var settings = CollectorSettings()
        settings.watchesDirectories = false
        settings.pollingIntervalMilliseconds = 3_600_000
        settings.freshnessMilliseconds = 0
        let collector = Collector(settings: settings)
        let path = "\(live.folder)/c\""
        #expect(Page(collector).values("container_memory_usage_bytes", path).count == 1)
        live.remove("c")
        live.make("c")
        let page = Page(collector)
        #expect(page.values("container_memory_usage_bytes", path).count == 1)
        #expect(page.values("lapwing_collector_errors_total", "vanished") != ["0"])
        live.remove("c")
        #expect(Page(collector).values("container_memory_usage_bytes", path).isEmpty)
    }

    @Test("a controller that is not enabled has no series, and has them a minute after it was enabled")
    func notEnabled() {
        let tree = CgroupTree(.unified)
        let some = CgroupTree.unifiedContainer.filter { $0.key.hasPrefix("memory.") || $0.key.hasPrefix("cgroup.") }
        tree.unified("/a", some)
        let clock = StillClock()
        let collector = Collector(settings: settings(tree, .byDefault), clock: clock)
        let page = Page(collector)
        #expect(page.values("container_memory_usage_bytes", "\"/a\"") == ["10000000"])
        #expect(page.values("container_cpu_usage_seconds_total", "\"/a\"").isEmpty)
        #expect(page.values("lapwing_collector_errors_total", "other") == ["0"])
        tree.unified("/a", CgroupTree.unifiedContainer)
        clock.advance(seconds: 61)
        #expect(Page(collector).values("container_cpu_usage_seconds_total", "\"/a\"") == ["577.523901"])
    }

    @Test("without watches the directories are listed; metric and log say so, and watching comes back")
    func noWatches() {
        let tree = CgroupTree(.unified)
        for number in 0..<5 { tree.unified("/c\(number)", ["memory.current": "1\n"]) }
        let clock = StillClock()
        let conditions = Mutex<[CollectorCondition]>([])
        var settings = settings(tree)
        settings.maximumWatches = 7
        let collector = Collector(settings: settings, clock: clock) { new in conditions.withLock { $0.append(new) } }
        #expect(Page(collector).single("lapwing_collector_is_polling") == "0")
        for number in 5..<10 { tree.unified("/c\(number)", ["memory.current": "1\n"]) }
        clock.advance(seconds: 2)
        var page = Page(collector)
        #expect(page.single("lapwing_collector_is_polling") == "1")
        #expect(page.values("lapwing_collector_errors_total", "watch") == ["1"])
        #expect(conditions.withLock { $0 } == [CollectorCondition(isPolling: true)])
        #expect(CollectorCondition(isPolling: true).description.contains("max_user_watches"))
        // A new cgroup is met by the listing, five seconds later at most.
        tree.unified("/late", ["memory.current": "1\n"])
        clock.advance(seconds: 6)
        page = Page(collector)
        #expect(page.values("container_memory_usage_bytes", "late").count == 1)
        #expect(page.single("lapwing_collector_cgroups") == "12")
        for number in 0..<8 { tree.remove("sys/fs/cgroup/c\(number)") }
        clock.advance(seconds: 6)
        #expect(Page(collector).single("lapwing_collector_cgroups") == "4")
        clock.advance(seconds: 61)
        page = Page(collector)
        #expect(page.single("lapwing_collector_is_polling") == "0")
        #expect(conditions.withLock { $0.last?.isSound } == true)
    }

    /// In a process of its own, for the limit is the process'.
    @Test("without descriptors the last numbers stand, metric and log say so, and it recovers")
    func noDescriptors() async {
        await #expect(processExitsWith: .success) {
            let tree = CgroupTree(.unified)
            for name in ["a", "b/c"] { tree.unified("/\(name)", CgroupTree.unifiedContainer) }
            let clock = StillClock()
            let conditions = Mutex<[CollectorCondition]>([])
            var settings = CollectorSettings()
            settings.rootPath = tree.rootPath
            settings.walksDisks = false
            settings.raisesDescriptorLimit = false
            var limits = rlimit(rlim_cur: 300, rlim_max: 300)
            precondition(unsafe setrlimit(__rlimit_resource_t(7), &limits) == 0)
            let collector = Collector(settings: settings, clock: clock) { new in
                conditions.withLock { $0.append(new) }
            }
            precondition(Page(collector).values("container_memory_usage_bytes", "/b/c").count == 1)
            var taken: [Int32] = []
            while case let descriptor = unsafe open("/dev/null", O_RDONLY), descriptor >= 0 { taken.append(descriptor) }
            // A minute later everything is listed and read again, but nothing can be opened.
            clock.advance(seconds: 61)
            let page = Page(collector)
            precondition(page.values("container_memory_usage_bytes", "/b/c") == ["10000000"], "the last number stands")
            precondition(page.single("lapwing_collector_cgroups") == "4", "nothing is taken for gone")
            precondition(page.values("lapwing_collector_errors_total", "exhausted") != ["0"], "it is counted")
            precondition(conditions.withLock { $0.last?.lacksDescriptors } == true, "it is told")
            for descriptor in taken { close(descriptor) }
            tree.unified("/a", ["memory.current": "42\n"])
            tree.unified("/new", CgroupTree.unifiedContainer)
            clock.advance(seconds: 61)
            let later = Page(collector)
            precondition(later.values("container_memory_usage_bytes", "\"/a\"") == ["42"], "numbers are new again")
            precondition(later.single("lapwing_collector_cgroups") == "5", "the new one is found")
            precondition(conditions.withLock { $0.last?.isSound } == true, "it is told")
        }
    }
}
