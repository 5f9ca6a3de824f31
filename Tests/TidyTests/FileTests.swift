import Testing

@Suite("Files")
struct FileTests {
    static let lineLimit = 600
    static let functionLimit = 70

    @Test("no source file has grown past the limit")
    func filesAreShort() {
        let tree = SourceTree()
        for file in tree.files(in: "Sources", endings: [".swift", ".cc", ".h"])
            + tree.files(in: "web", endings: [".js", ".html"])
        {
            #expect(
                file.lines.count <= Self.lineLimit, "\(file.path) has \(file.lines.count) lines; split it by capability"
            )
        }
    }

    @Test("no function is longer than a screen")
    func functionsAreShort() {
        let files = ["Sources", "Tests", "Benchmarks"].flatMap { SourceTree().files(in: $0, endings: [".swift"]) }
        #expect(files.count > 500)
        var functions = 0
        for file in files {
            for function in file.functions {
                functions += 1
                #expect(
                    function.lines <= Self.functionLimit,
                    "\(file.path):\(function.line) is \(function.lines) lines long: keep the branches, hand out the rest"
                )
            }
        }
        #expect(functions > 5_000)
    }

    @Test("the length of functions is measured from the first line to the brace")
    func functionLength() {
        let file = SourceTree.File(
            path: "X.swift",
            lines: """
                struct X {
                    func short() -> Int { 1 }
                    var text: String
                    static func long(
                        _ a: Int
                    ) -> Int {
                        if a > 1 {
                            return 2
                        }
                        return a
                    }
                    init() {
                    }
                }
                """.split(separator: "\n").map(String.init))
        #expect(file.functions.map(\.line) == [4, 12])
        #expect(file.functions.map(\.lines) == [8, 2])
    }

    @Test("the top level holds what it is meant to hold")
    func topLevel() {
        let known: Set<String> = ["Benchmarks", "Sources", "Tests", "data", "rules", "web"]
        let folders = SourceTree().folders(in: ".").filter { !$0.hasPrefix(".") }
        #expect(Set(folders).isSubset(of: known), "\(folders)")
    }

    @Test("nothing is left for later")
    func noLeftovers() {
        let markers = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "try" + "!", "as" + "! "]
        for file in SourceTree().files(in: "Sources", endings: [".swift", ".cc", ".h"]) {
            for (number, line) in file.lines.enumerated() {
                for marker in markers where line.contains(marker) {
                    Issue.record("\(file.path):\(number + 1) holds \(marker)")
                }
            }
        }
    }

    @Test("every building tells on one page what it is")
    func buildingsHavePages() {
        let tree = SourceTree()
        for building in tree.folders(in: "Sources")
        where !building.hasPrefix("C") || building == "Cgroups" || building == "ConfigurationFile" {
            guard building != "lapwing" else { continue }
            let page = tree.read("Sources/\(building)/README.md") ?? ""
            #expect(page.utf8.count > 200, "Sources/\(building)/README.md says too little")
        }
    }

    @Test("the page builds no markup from data")
    func pageIsSafe() {
        let banned = [
            "inner" + "HTML", "outer" + "HTML", "insertAdjacent" + "HTML", "document" + ".write", "ev" + "al(",
        ]
        for file in SourceTree().files(in: "web", endings: [".js", ".html"]) {
            for (number, line) in file.lines.enumerated() {
                for word in banned where line.contains(word) { Issue.record("\(file.path):\(number + 1) uses \(word)") }
            }
        }
    }
}
