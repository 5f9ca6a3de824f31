import Glibc
import MetricModel
import TestSupport
import Testing

@testable import Scraping

@Suite("Targets from files")
struct FileDiscoveryTests {
    struct Refused: Error, CustomStringConvertible {
        var description: String { "not a list of targets" }
    }

    /// Reads one address a line; a line with an exclamation mark is no address.
    static let reader: TargetFileReader = { bytes, path in
        let text = String(decoding: bytes, as: UTF8.self)
        if text.contains("!") { throw Refused() }
        return [TargetGroup(addresses: text.split(separator: "\n").map(String.init))]
    }

    static func addresses(_ discovery: FileDiscovery) -> [String] {
        discovery.groups.flatMap { group in group.targets.compactMap { $0[TargetLabel.address] } }
    }

    /// Looks once; whether anything changed.
    static func poll(_ discovery: inout FileDiscovery, _ milliseconds: Int64) -> Bool {
        discovery.poll(now: at(milliseconds), reader: reader)
    }

    static func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    @Test("files that match are read, each target knows its file")
    func reads() {
        let folder = TemporaryDirectory()
        let path = folder.write("a.yml", "a:1\na:2\n")
        folder.write("b.yml", "b:1\n")
        folder.write("c.txt", "c:1\n")
        var discovery = FileDiscovery(settings: FileDiscoverySettings(paths: [folder.path + "/*.yml"]))
        let change0 = Self.poll(&discovery, 0)
        #expect(change0)
        #expect(Self.addresses(discovery) == ["a:1", "a:2", "b:1"])
        #expect(discovery.groups.first?.labels[TargetLabel.filePath] == path)
        #expect(discovery.problems.isEmpty)
    }

    @Test("a change is seen without waiting for the refresh, no change is none")
    func changes() {
        let folder = TemporaryDirectory()
        folder.write("a.yml", "a:1\n")
        var discovery = FileDiscovery(settings: FileDiscoverySettings(paths: [folder.path + "/*.yml"]))
        let change0 = Self.poll(&discovery, 0)
        #expect(change0)
        let change3000 = Self.poll(&discovery, 3_000)
        #expect(!change3000)
        folder.write("a.yml", "a:1\na:2\n")
        let change6000 = Self.poll(&discovery, 6_000)
        #expect(change6000)
        #expect(Self.addresses(discovery) == ["a:1", "a:2"])
        folder.write("b.yml", "b:1\n")
        let change9000 = Self.poll(&discovery, 9_000)
        #expect(change9000)
        #expect(Self.addresses(discovery) == ["a:1", "a:2", "b:1"])
        unsafe unlink(folder.path + "/a.yml")
        let change12000 = Self.poll(&discovery, 12_000)
        #expect(change12000)
        #expect(Self.addresses(discovery) == ["b:1"])
    }

    @Test("a bad file keeps its last good content and says why")
    func badFile() {
        let folder = TemporaryDirectory()
        let path = folder.write("a.yml", "a:1\n")
        var discovery = FileDiscovery(settings: FileDiscoverySettings(paths: [path]))
        _ = discovery.poll(now: Self.at(0), reader: Self.reader)
        folder.write("a.yml", "!!!\n")
        let change3000 = Self.poll(&discovery, 3_000)
        #expect(change3000)
        #expect(Self.addresses(discovery) == ["a:1"])
        #expect(discovery.problems == ["\(path): not a list of targets"])
        folder.write("a.yml", "a:1\na:3\n")
        let change6000 = Self.poll(&discovery, 6_000)
        #expect(change6000)
        #expect(discovery.problems.isEmpty)
    }

    @Test("a file that is named and not there is a problem, and is found once it comes")
    func missingFile() {
        let folder = TemporaryDirectory()
        let path = folder.path + "/later.json"
        var discovery = FileDiscovery(settings: FileDiscoverySettings(paths: [path]))
        _ = discovery.poll(now: Self.at(0), reader: Self.reader)
        #expect(discovery.problems == ["\(path): No such file or directory"])
        folder.write("later.json", "l:1\n")
        let change3000 = Self.poll(&discovery, 3_000)
        #expect(change3000)
        #expect(Self.addresses(discovery) == ["l:1"])
    }

    @Test("a mechanism that is not there yet says so")
    func notImplemented() {
        let discovery = JobDiscovery([
            .notImplemented(name: "kubernetes_sd_configs"), .fixed([TargetGroup(addresses: ["a:1"])]),
        ])
        #expect(discovery.problems == ["not implemented yet: kubernetes_sd_configs; it finds no targets"])
        #expect(discovery.groups.count == 1)
    }
}
