import Testing

/// The table of the house: who may import whom.
///
/// Arrows go to lower floors only.
@Suite("Arrows between buildings")
struct ArrowTests {
    /// Each building with its floor and the packages from outside that it alone, or among few, may use.
    static let floors: [(floor: Int, buildings: [String])] = [
        (
            0,
            [
                "CCrypt", "CChecksum", "CColumns", "CDeflate", "CKernel", "CMalloc", "CPageChecksums", "CRE2",
                "CSQLite", "CSegments", "CShippedRules", "CSnappy", "CWebFiles", "CYAML", "CZlib",
                "CZstd",
            ]
        ),
        (1, ["Bytes", "Threads", "YAML"]),
        (2, ["MetricModel", "SQLite"]),
        (3, ["Exposition", "PromQLSyntax", "Storage"]),
        (4, ["SelfMetrics"]),
        (5, ["Cgroups", "Notifications", "PromQL", "Remote", "Scraping", "TSDB"]),
        (6, ["Access", "PromQLScripts", "Rules"]),
        (7, ["ConfigurationFile", "WebAPI"]),
        (8, ["LapwingServer"]),
        (9, ["lapwing"]),
    ]

    /// Modules from outside and the buildings that may import them.
    static let guarded: [(module: String, buildings: Set<String>)] = [
        ("Foundation", []),
        ("FoundationEssentials", []),
        ("CYAML", ["YAML"]),
        ("CPageChecksums", ["SQLite"]),
        ("CSQLite", ["SQLite"]),
        ("CChecksum", ["Bytes"]),
        ("CColumns", ["PromQL", "TSDB"]),
        ("CCrypt", ["Access"]),
        ("CKernel", ["Cgroups"]),
        ("CSegments", ["LapwingServer"]),
        ("CRE2", ["MetricModel"]),
        ("CZlib", ["Bytes"]),
        ("AsyncHTTPClient", ["Notifications", "Remote"]),
        ("NIOHTTP1", ["Notifications", "Remote", "Scraping", "WebAPI"]),
        ("ArgumentParser", ["lapwing"]),
    ]

    @Test("a building imports lower floors only")
    func importsGoDown() {
        var floorOf: [String: Int] = [:]
        for entry in Self.floors { for building in entry.buildings { floorOf[building] = entry.floor } }
        for file in SourceTree().files(in: "Sources", endings: [".swift"]) {
            guard let own = floorOf[file.building] else {
                Issue.record(
                    "\(file.path) lies in a building that has no floor; add it to the table here and in the manifest")
                continue
            }
            for module in Self.imports(of: file) {
                guard let other = floorOf[module] else { continue }
                #expect(other < own, "\(file.path) imports \(module): floor \(other) is not below floor \(own)")
            }
        }
    }

    @Test("modules from outside stay where they belong")
    func outsideModulesStayPut() {
        for file in SourceTree().files(in: "Sources", endings: [".swift"]) {
            let imports = Self.imports(of: file)
            for rule in Self.guarded where imports.contains(rule.module) {
                #expect(rule.buildings.contains(file.building), "\(file.path) may not import \(rule.module)")
            }
        }
    }

    private static func imports(of file: SourceTree.File) -> Set<String> {
        var modules: Set<String> = []
        for line in file.lines {
            let words = line.split(separator: " ").map(String.init)
            if words.first == "import", words.count > 1 { modules.insert(words[1]) }
            if words.count > 2, words[1] == "import", ["package", "internal", "private", "public"].contains(words[0]) {
                modules.insert(words[2])
            }
        }
        return modules
    }
}
