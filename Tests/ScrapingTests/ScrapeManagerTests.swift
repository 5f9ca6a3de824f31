import Bytes
import Logging
import MetricModel
import SelfMetrics
import Synchronization
import TestSupport
import Testing

@testable import Scraping

@Suite("The scraper as a whole, its time in hand")
struct ScrapeManagerTests {
    /// Pages by address, changed by the test as it goes.
    final class Pages: Sendable {
        let answers = Mutex<[String: @Sendable () -> Result<ScrapeBody, ScrapeFailure>?]>([:])
        let made = Mutex<[String]>([])

        func set(_ address: String, _ page: String, contentType: String = "text/plain") {
            answers.withLock {
                $0[address] = { .success(ScrapeBody(bytes: Array(page.utf8), contentType: contentType)) }
            }
        }
    }

    struct House {
        let clock = ManualClock()
        let executor: ManualExecutor
        let store = RecordingStore()
        let pages = Pages()
        let registry = Registry()
        let manager: ScrapeManager

        init() {
            let executor = ManualExecutor(clock)
            let pages = pages
            self.executor = executor
            manager = ScrapeManager(
                store: store, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                registry: registry, fileReader: { _, _ in [] }, executors: [executor]
            ) { target, _, _ in
                let address = target.url.address
                pages.made.withLock { $0.append(address) }
                return ScriptedFetcher {
                    let answer = pages.answers.withLock { $0[address] }
                    guard let answer else {
                        return .failure(.connection(url: address, reason: "connection refused"))
                    }
                    return answer()
                }
            }
        }

        func rows(of instance: String) -> [RecordingStore.Row] {
            store.rows.filter { row in row.values.keys.contains { $0["instance"] == instance } }
        }

        func status(_ instance: String) -> TargetStatus? {
            manager.status().flatMap(\.active).first { $0.labels["instance"] == instance }
        }
    }

    static func job(_ name: String, _ addresses: String..., interval: Int64 = 10_000) -> ScrapeJobSettings {
        var job = ScrapeJobSettings(jobName: name, intervalMilliseconds: interval)
        job.discoveries = [.fixed([TargetGroup(addresses: addresses)])]
        return job
    }

    @Test("every target is scraped once an interval, at its phase")
    func scrapes() {
        let house = House()
        house.pages.set("a:1", "x 1\n")
        house.pages.set("b:1", "x 2\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1", "b:1")]))
        house.executor.advance(milliseconds: 30_000)
        for instance in ["a:1", "b:1"] {
            let times = house.rows(of: instance).map(\.timestamp)
            #expect(times.count == 3)
            #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 10_000 })
            #expect(house.status(instance)?.health == .up)
        }
        #expect(house.rows(of: "a:1").first?.timestamp != house.rows(of: "b:1").first?.timestamp)
    }

    @Test("one bad target harms nobody")
    func badTargets() {
        let house = House()
        house.pages.set("good:1", "x 1\n")
        house.pages.set("garbage:1", "\u{0}\u{1} <html> \n")
        house.pages.set("html:1", "<html></html>\n", contentType: "text/html")
        house.pages.set("blank:1", "x 1\n", contentType: "")
        house.pages.set("proto:1", "x", contentType: "application/vnd.google.protobuf; proto=x")
        house.pages.set("lines:1", String(repeating: "a 1\n", count: 1_000_001))
        house.pages.answers.withLock { answers in
            answers["utf8:1"] = {
                .success(ScrapeBody(bytes: Array("x{a=\"".utf8) + [0xff, 0xfe] + Array("\"} 1\n".utf8)))
            }
            answers["bomb:1"] = {
                let bomb = (try? Compression.gzip([UInt8](repeating: 0x61, count: 65 << 20))) ?? []
                return .success(ScrapeBody(bytes: bomb, isGzip: true))
            }
            answers["torn:1"] = { .success(ScrapeBody(bytes: [0x1f, 0x8b, 8, 0, 0], isGzip: true)) }
            answers["silent:1"] = { nil }
        }
        let expected: [(String, String)] = [
            ("garbage:1", "line 1"), ("html:1", "unsupported Content-Type \"text/html\""),
            ("blank:1", "blank Content-Type"), ("proto:1", "a length beyond the end of the message"),
            ("lines:1", "samplesPerPage is limited to 1000000"), ("utf8:1", "not valid UTF-8"),
            ("bomb:1", "body size limit exceeded"), ("torn:1", "cannot decompress the body"),
            ("none:1", "connection refused"),
        ]
        var job = Self.job("j", "good:1", "silent:1")
        job.discoveries.append(.fixed([TargetGroup(addresses: expected.map(\.0))]))
        house.manager.apply(ScrapeSettings(jobs: [job]))
        house.executor.advance(milliseconds: 20_000)
        for (instance, reason) in expected {
            #expect(house.status(instance)?.health == .down)
            #expect(
                house.status(instance)?.lastError.contains(reason) == true, "\(house.status(instance)?.lastError ?? "")"
            )
            #expect(house.rows(of: instance).last?["up"] == 0)
        }
        #expect(house.rows(of: "good:1").map { $0["x"] } == [1, 1])
        #expect(house.status("silent:1")?.health == .unknown)
    }

    @Test("a reload leaves unchanged targets alone, ends those that are gone and starts new ones")
    func reload() {
        let house = House()
        for address in ["a:1", "b:1", "c:1"] { house.pages.set(address, "x 1\n") }
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1", "b:1")]))
        house.executor.advance(milliseconds: 20_000)
        let before = house.rows(of: "a:1").count
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1", "c:1")]))
        house.executor.advance(milliseconds: 40_000)
        #expect(house.pages.made.withLock { $0 } == ["a:1", "b:1", "c:1"])
        #expect(house.rows(of: "a:1").count == before + 4)
        let end = house.rows(of: "b:1").last
        #expect(end?.values.values.allSatisfy { SpecialValue.isStale($0) } == true)
        #expect(house.rows(of: "c:1").count == 4)
        #expect(house.manager.status().first?.active.map(\.scrapeURL) == ["http://a:1/metrics", "http://c:1/metrics"])
    }

    @Test("a target that comes back before its end is written is not interrupted")
    func comesBack() {
        let house = House()
        house.pages.set("a:1", "x 1\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 10_000)
        house.manager.apply(ScrapeSettings(jobs: []))
        house.executor.advance(milliseconds: 3_000)
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 27_000)
        #expect(house.pages.made.withLock { $0.count } == 1)
        #expect(house.rows(of: "a:1").allSatisfy { $0["x"] == 1 })
        #expect(house.rows(of: "a:1").count >= 3)
    }

    @Test("a target that comes back after its end starts again")
    func comesBackLate() {
        let house = House()
        house.pages.set("a:1", "x 1\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 10_000)
        house.manager.apply(ScrapeSettings(jobs: []))
        house.executor.advance(milliseconds: 60_000)
        let count = house.rows(of: "a:1").count
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 10_000)
        #expect(house.rows(of: "a:1").count == count + 1)
        #expect(house.rows(of: "a:1").last?["x"] == 1)
    }

    @Test("a changed interval is kept to from then on")
    func intervalChange() {
        let house = House()
        house.pages.set("a:1", "x 1\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 10_000)
        var job = Self.job("j", "a:1", interval: 1_000)
        job.timeoutMilliseconds = 1_000
        house.manager.apply(ScrapeSettings(jobs: [job]))
        house.executor.advance(milliseconds: 5_000)
        #expect(house.rows(of: "a:1").count == 6)
        #expect(house.rows(of: "a:1").allSatisfy { row in !row.values.values.contains { SpecialValue.isStale($0) } })
    }

    @Test("too many targets are all refused and the reason is shown")
    func targetLimit() {
        let house = House()
        house.pages.set("a:1", "x 1\n")
        house.pages.set("b:1", "x 1\n")
        var job = Self.job("j", "a:1", "b:1")
        job.limits.targets = 1
        house.manager.apply(ScrapeSettings(jobs: [job]))
        house.executor.advance(milliseconds: 10_000)
        #expect(house.status("a:1")?.lastError == "target_limit exceeded (number of targets: 2, limit: 1)")
        #expect(house.store.rows.map { $0["up"] } == [0, 0])
        job.limits.targets = 2
        house.manager.apply(ScrapeSettings(jobs: [job]))
        house.executor.advance(milliseconds: 10_000)
        #expect(house.status("a:1")?.health == .up)
    }

    @Test("status lists pools in the order of the jobs, names are sorted")
    func order() {
        let house = House()
        house.manager.apply(ScrapeSettings(jobs: [Self.job("z", "a:1"), Self.job("b", "a:1")]))
        #expect(house.manager.status().map(\.jobName) == ["z", "b"])
        #expect(house.manager.poolNames == ["b", "z"])
        #expect(house.manager.status().first?.active.first?.health == .unknown)
    }

    @Test("metadata are found by target and by metric")
    func metadata() {
        let house = House()
        house.pages.set("a:1", "# HELP x About x.\n# TYPE x counter\nx 1\n# TYPE y gauge\ny 1\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 10_000)
        #expect(house.manager.metadata().map(\.metricName) == ["x", "y"])
        #expect(house.manager.metadata(metric: "x").first?.metadata.help == "About x.")
        #expect(house.manager.metadata(where: { $0["job"] == "other" }).isEmpty)
    }

    @Test("shutting down writes no markers")
    func shutDown() async {
        let house = House()
        house.pages.set("a:1", "x 1\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1")]))
        house.executor.advance(milliseconds: 10_000)
        let count = house.store.rows.count
        async let done: Void = house.manager.shutDown()
        // The loops stop on the executor, which runs when it is told to.
        while house.manager.status().count > 0 { await Task.yield() }
        for _ in 0..<1_000 {
            house.executor.drain()
            await Task.yield()
        }
        await done
        house.executor.advance(milliseconds: 100_000)
        #expect(house.store.rows.count == count)
    }

    @Test("own metrics count scrapes and failures")
    func ownMetrics() {
        let house = House()
        house.pages.set("a:1", "x 1\ny 2\n")
        house.manager.apply(ScrapeSettings(jobs: [Self.job("j", "a:1", "none:1")]))
        house.executor.advance(milliseconds: 10_000)
        var text: [UInt8] = []
        house.registry.render(into: &text)
        let page = String(decoding: text, as: UTF8.self)
        for line in [
            "lapwing_scrape_scrapes_total 2", "lapwing_scrape_failures_total 1", "lapwing_scrape_samples_total 2",
            "lapwing_scrape_targets 2",
        ] {
            #expect(page.contains(line + "\n"), "\(line)")
        }
    }

    @Test("what is wrong with files of targets is logged once, counted, and gone when it is cured")
    func problems() {
        let lines = LoggedLines()
        let registry = Registry()
        let isBroken = Mutex(true)
        let clock = ManualClock()
        let folder = TemporaryDirectory()
        let path = folder.write("targets.json", "[]")
        let manager = ScrapeManager(
            store: RecordingStore(), clock: clock, logger: Logger(label: "test") { _ in lines }, registry: registry,
            fileReader: { _, _ in
                if isBroken.withLock({ $0 }) { throw ScrapeFailure.connection(url: "x", reason: "no list") }
                return []
            }, executors: [ManualExecutor(clock)]
        ) { _, _, _ in ScriptedFetcher { nil } }
        func gauge() -> String? {
            var text: [UInt8] = []
            registry.render(into: &text)
            return String(decoding: text, as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix("lapwing_scrape_target_problems ") }.map(String.init)
        }
        var job = ScrapeJobSettings(jobName: "files", intervalMilliseconds: 10_000)
        job.discoveries = [.files(FileDiscoverySettings(paths: [path], refreshIntervalMilliseconds: 1))]
        manager.apply(ScrapeSettings(jobs: [job]))
        clock.now = Timestamp(milliseconds: clock.now.milliseconds + 10)
        manager.poll()
        let warnings = lines.lines.withLock { $0.filter { $0.contains(path) } }
        #expect(warnings.count == 1 && warnings[0].contains("warning"), "\(warnings)")
        #expect(gauge() == "lapwing_scrape_target_problems 1")
        #expect(manager.status().first?.problems.count == 1)
        isBroken.withLock { $0 = false }
        clock.now = Timestamp(milliseconds: clock.now.milliseconds + 10)
        manager.poll()
        #expect(gauge() == "lapwing_scrape_target_problems 0")
    }

    private struct LoggedLines: LogHandler {
        final class Lines: Sendable {
            let all = Mutex<[String]>([])
            func withLock<Result>(_ body: (inout [String]) -> Result) -> Result { all.withLock { body(&$0) } }
        }

        let lines = Lines()
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }
}
