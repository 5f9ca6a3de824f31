import ArgumentParser
import Exposition

/// `lapwing check metrics`: a page of metrics against the grammar and against the conventions for names.
struct CheckMetrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Read a page of metrics and say what is against the conventions.",
        discussion: """
            Names, types, help, units, series that stand there twice. A page that ends
            with # EOF is OpenMetrics. Exit code 0: nothing to say. 1: something is
            against the conventions. 2: the page cannot be read.

            Example:
              curl -s http://127.0.0.1:9100/metrics | lapwing check metrics
            """)

    @Argument(help: ArgumentHelp("Pages; - or none for standard input.", valueName: "file"))
    var files: [String] = []

    func run() throws {
        var isReadable = true
        var isClean = true
        for file in files.isEmpty ? ["-"] : files {
            do {
                if try !check(file) { isClean = false }
            } catch let error as ExpositionError {
                isReadable = false
                StandardStream.error("\(Self.shown(file)):\(error.line):\(error.column): \(error.reason)")
            } catch {
                isReadable = false
                StandardStream.error("lapwing: \(error)")
            }
        }
        guard isReadable else { throw ExitStatus.usage }
        guard isClean else { throw ExitStatus.failure }
    }

    /// Whether nothing is to be said of the page.
    private func check(_ file: String) throws -> Bool {
        var input = try InputFile(path: file)
        var page: [UInt8] = []
        while let piece = try input.next() { page += piece }
        let isOpenMetrics = page.suffix(6).elementsEqual("# EOF\n".utf8)
        let lint = try PageLint(page, format: isOpenMetrics ? .openMetrics : .text)
        for finding in lint.findings {
            StandardStream.output("\(Self.shown(file)):\(finding.line): \(finding.metric): \(finding.what)")
        }
        let verdict = lint.findings.isEmpty ? "fine" : "\(lint.findings.count) remarks"
        StandardStream.output(
            "\(Self.shown(file)): \(lint.metricCount) metrics, \(lint.seriesCount) series: \(verdict)")
        return lint.findings.isEmpty
    }

    private static func shown(_ file: String) -> String { file == "-" ? "standard input" : file }
}
