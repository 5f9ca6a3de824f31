import TestSupport
import Testing

@testable import Cgroups

/// The table of cAdvisor's metrics in the building's README, held to the code.
@Suite("the table of cAdvisor's metrics")
struct MetricTableTests {
    private struct Row {
        var name: String
        var version1: String
        var version2: String

        var isThere: Bool { [version1, version2].contains { $0 != "no" && $0 != "-" } }
    }

    private static let folder: String = {
        let parts = #filePath.split(separator: "/")
        return "/" + parts.dropLast(3).joined(separator: "/") + "/Sources/Cgroups"
    }()

    private static let readme = TemporaryDirectory.read(folder + "/README.md")

    private static let rows: [Row] = readme.split(separator: "\n").compactMap { line in
        let cells = line.split(separator: "|").map { $0.trimmingPrefix { $0 == " " } }
            .map { String($0.prefix { $0 != " " }) }
        guard cells.count >= 3,
            line.hasPrefix("| container_") || line.hasPrefix("| machine_") || line.hasPrefix("| cadvisor_")
        else { return nil }
        return Row(name: cells[0], version1: cells[1], version2: cells[2])
    }

    /// The names of families that the code can write.
    private static let written: Set<String> = {
        let made = NetworkFamily.all.map(\.name) + BlockFamily.perCgroup.map(\.name)
        var names = Set(made.map { String(decoding: $0, as: UTF8.self) })
        for path in sources(folder) {
            for piece in TemporaryDirectory.read(path).split(separator: "\"", omittingEmptySubsequences: false)
            where piece.hasPrefix("container_") || piece.hasPrefix("machine_") {
                if piece.utf8.allSatisfy({ $0 == 0x5F || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }) {
                    names.insert(String(piece))
                }
            }
        }
        return names
    }()

    private static func sources(_ folder: String) -> [String] {
        (DirectoryListing.names(path: folder, limit: 1_000) ?? []).map { String(decoding: $0, as: UTF8.self) }
            .flatMap {
                $0.hasSuffix(".swift") ? ["\(folder)/\($0)"] : $0.contains(".") ? [] : sources("\(folder)/\($0)")
            }
    }

    @Test("has each of the 124 once")
    func complete() {
        #expect(Self.rows.count == 124)
        #expect(Set(Self.rows.map(\.name)).count == Self.rows.count)
        let words: Set = ["yes", "no", "-", "/", "hybrid"]
        #expect(Self.rows.allSatisfy { words.contains($0.version1) && words.contains($0.version2) })
    }

    @Test("says yes to what the code writes and no to what it does not")
    func honest() {
        for row in Self.rows {
            #expect(Self.written.contains(row.name) == row.isThere, "\(row.name)")
        }
    }

    @Test("and what the code writes beside them stands in the README too")
    func own() {
        let known = Set(Self.rows.map(\.name))
        // `machine_id` is a label.
        for name in Self.written.subtracting(known) where !name.hasSuffix("_") && name != "machine_id" {
            #expect(Self.readme.contains(name), "\(name)")
        }
    }
}
