import ArgumentParser
import ConfigurationFile
import Glibc
import Logging
import PromQLScripts
import Rules
import Storage
import TSDB

/// `lapwing test`: unit tests of rules and scripts of PromQL.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run unit tests of rules, and PromQL test scripts.",
        discussion:
            "The last line is `N passed, M failed`. Exit code 0: all passed. 1: one failed. 2: a file cannot be read.",
        subcommands: [TestRules.self, TestPromQL.self])
}

struct TestPromQL: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promql", abstract: "Run scripts in the language of Prometheus' own tests (promqltest).",
        discussion: """
            Example of a script:
              load 1m
                requests_total{path="/"}  0+60x10
              eval instant at 10m rate(requests_total[5m])
                {path="/"} 1
            """)

    @Argument(help: "Script files.")
    var files: [String]

    @Flag(name: .shortAndLong, help: "Print only the summary.")
    var quiet = false

    func run() throws {
        var passed = 0
        var failed = 0
        for file in files {
            let text: String
            do {
                text = String(decoding: try FilePath.read(file), as: UTF8.self)
            } catch {
                StandardStream.error(error.description)
                throw ExitStatus.usage
            }
            let runner = ScriptRunner(makeStore: { try ScratchDatabase() })
            let report = runner.run(text, name: file)
            passed += report.passed
            failed += report.failures.count
            guard !quiet else { continue }
            for failure in report.failures { StandardStream.output("\(file):\(failure)") }
            StandardStream.output("\(file): \(report.passed) passed, \(report.failures.count) failed")
        }
        StandardStream.output("\(passed) passed, \(failed) failed")
        if failed > 0 { throw ExitStatus.failure }
    }
}

struct TestRules: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Run unit tests of rule files, in promtool's format.")

    @Argument(help: "Test files.")
    var files: [String]

    func run() throws {
        var passed = 0
        var failed = 0
        var unreadable = 0
        for path in files {
            let file: RuleTestFile
            do {
                file = try RuleTestReader.read(path: path)
            } catch {
                StandardStream.error(error.description)
                unreadable += 1
                continue
            }
            for warning in file.warnings { StandardStream.error("warning: \(warning)") }
            for outcome in RuleTestRunner(makeStore: Self.makeStore).run(file) {
                if outcome.failures.isEmpty { passed += 1 } else { failed += 1 }
                for failure in outcome.failures { StandardStream.output("\(path): \(outcome.name): \(failure)") }
            }
        }
        StandardStream.output("\(passed) passed, \(failed) failed")
        if unreadable > 0 { throw ExitStatus.usage }
        if failed > 0 { throw ExitStatus.failure }
    }

    private static func makeStore() throws(RuleError) -> any SampleStore {
        do {
            return try ScratchDatabase()
        } catch {
            throw .query(message: error.description)
        }
    }
}
