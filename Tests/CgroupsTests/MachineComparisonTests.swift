import Glibc
import TestSupport
import Testing

@testable import Cgroups

/// The page of this very machine beside that of Debian's node exporter, series by series.
@Suite("machine beside node_exporter")
struct MachineComparisonTests {
    /// Families that the exporter has and we leave out, with the reason.
    private static let leftOut: [String: String] = [
        "node_exporter_build_info": "we are not it", "node_textfile_scrape_error": "no text files are read",
        "node_scrape_collector_duration_seconds": "its own work", "node_scrape_collector_success": "its own parts",
    ]
    /// Series that differ on purpose.
    private static func differsOnPurpose(_ series: String, _ value: Double) -> Bool {
        // A link whose speed the kernel does not know has no speed; the exporter shows -1 Mbit/s.
        series.hasPrefix("node_network_speed_bytes") && value < 0
    }

    /// Numbers that change between two readings by more than a little.
    private static let restless = [
        "node_memory_", "node_load", "node_procs_", "node_sockstat_", "node_netstat_Tcp_CurrEstab", "node_disk_io_now",
        "node_udp_queues", "node_filefd_allocated", "node_timex_", "node_softnet_backlog", "node_arp_entries",
        "node_nf_conntrack_entries",
    ]

    private static func isThere(_ program: String) -> Bool { unsafe access(program, X_OK) == 0 }

    private static func samples(_ text: String) -> [String: Double] {
        var samples: [String: Double] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("node_") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                Issue.record("no sample: \(line)")
                continue
            }
            let series = String(line[..<space])
            #expect(samples[series] == nil, "twice: \(series)")
            samples[series] = value
        }
        return samples
    }

    /// `TYPE` of each family.
    private static func kinds(_ text: String) -> [String: String] {
        var kinds: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("# TYPE node_") {
            let words = line.split(separator: " ")
            kinds[String(words[2])] = String(words[3])
        }
        return kinds
    }

    /// The labels of our lines stand in the order the exporter's library writes them: by name.
    private static func sorted(_ series: String) -> String {
        guard let brace = series.firstIndex(of: "{") else { return series }
        let labels = series[series.index(after: brace)...].dropLast()
        var parts: [String] = []
        var rest = labels[...]
        while let end = rest.range(of: "\",") {
            parts.append(String(rest[..<end.lowerBound]) + "\"")
            rest = rest[end.upperBound...]
        }
        parts.append(String(rest))
        return series[...brace] + parts.sorted().joined(separator: ",") + "}"
    }

    private static func ownPage(_ collector: MachineCollector) -> String {
        var bytes: [UInt8] = []
        collector.render(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "every series of the exporter is there with its labels, its type, and a value between two of ours",
        .enabled(if: isThere("/usr/bin/prometheus-node-exporter"), "prometheus-node-exporter is installed"))
    func comparesWithExporter() async throws {
        let folder = TemporaryDirectory()
        let port = freeLoopbackPort()
        let exporter = ChildProcess(
            ["prometheus-node-exporter", "--web.listen-address=127.0.0.1:\(port)"], folder: folder, name: "exporter")
        defer {
            exporter.signal(SIGKILL)
            exporter.wait()
        }
        let collector = MachineCollector(settings: MachineSettings())
        // The first answer takes the exporter's start; curl asks again until it listens.
        let address = "http://127.0.0.1:\(port)/metrics"
        let first = ChildProcess.run(
            ["curl", "-s", "--retry", "40", "--retry-delay", "1", "--retry-connrefused", address], folder: folder,
            name: "first")
        try #require(first.code == 0, "\(exporter.errors)")
        let before = Self.ownPage(collector)
        let theirs = ChildProcess.run(["curl", "-s", address], folder: folder, name: "page").output
        let after = Self.ownPage(collector)

        let ownKinds = Self.kinds(before)
        for (family, kind) in Self.kinds(theirs) where Self.leftOut[family] == nil {
            // An interface without a known speed is the only thing that may leave a family empty.
            if ownKinds[family] == nil, family == "node_network_speed_bytes" { continue }
            #expect(ownKinds[family] == kind, "\(family) is \(kind) there")
        }
        let low = Self.samples(before)
        let high = Self.samples(after)
        let all = Self.samples(theirs)
        #expect(all.count > 300)
        for (series, value) in all {
            let family = String(series.prefix { $0 != "{" })
            if Self.leftOut[family] != nil || Self.differsOnPurpose(series, value) { continue }
            let key = Self.sorted(series)
            guard let least = low[key] ?? low[series], let most = high[key] ?? high[series] else {
                Issue.record("missing: \(series) \(value)")
                continue
            }
            if Self.restless.contains(where: { series.hasPrefix($0) }) { continue }
            // Free space moves both ways while others work beside us.
            let slack = series.hasPrefix("node_filesystem_") ? max(abs(value) * 0.2, 16) : max(abs(value) * 1e-9, 0.02)
            #expect(
                value >= min(least, most) - slack && value <= max(least, most) + slack,
                "\(series): \(value), ours \(least) and then \(most)")
        }
    }

    @Test("the machine's page is sound to Prometheus' linter's parser")
    func lints() {
        let folder = TemporaryDirectory()
        guard Self.isThere("/usr/bin/promtool") else { return }
        let file = folder.write("page.txt", Self.ownPage(MachineCollector(settings: MachineSettings())))
        let linted = ChildProcess.run(["sh", "-c", "promtool check metrics < \(file)"], folder: folder, name: "lint")
        #expect(!linted.errors.contains("error while linting"), "\(linted.errors)")
    }
}

extension Substring {
    /// The first place of a text.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
