import Access
import ArgumentParser
import ConfigurationFile
import Logging
import MetricModel
import Rules
import Scraping

/// `lapwing check`: files, without a server.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check configuration, rules, metrics and storage, without starting anything.",
        discussion: """
            Exit code 0: all fine. 1: metrics or storage leave something to wish. 2: a
            file is wrong, each with file:line:column and what was expected.
            """,
        subcommands: [
            CheckConfiguration.self, CheckRules.self, CheckMetrics.self, CheckStorage.self, CheckWebConfiguration.self,
        ])
}

struct CheckConfiguration: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Read configuration files and every file that they name.")

    @Argument(help: "Configuration files.")
    var files: [String]

    @Flag(help: "Do not look for certificates, passwords and targets: they may be on another machine.")
    var syntaxOnly = false

    func run() throws {
        var failures = 0
        for file in files {
            do throws(ConfigurationError) {
                let configuration = try Configuration.read(path: file, lookingUpFiles: !syntaxOnly)
                if !syntaxOnly {
                    // All of them, so that nobody has to ask once for each.
                    for missing in configuration.missingFiles.dropLast() { StandardStream.error(missing.description) }
                    if let last = configuration.missingFiles.last { throw last }
                    try checkTargets(of: configuration, file)
                }
                for warning in configuration.warnings { StandardStream.output("\(file): warning: \(warning)") }
                let ruleCount = configuration.rules.files.reduce(0) { $0 + $1.groups.reduce(0) { $0 + $1.rules.count } }
                StandardStream.output(
                    "\(file): valid: \(configuration.scraping.jobs.count) scrape jobs, "
                        + "\(configuration.rules.files.count) rule files, \(ruleCount) rules")
            } catch {
                failures += 1
                StandardStream.error(error.description)
            }
        }
        if failures > 0 { throw ExitStatus.usage }
    }

    /// Reads the files that name targets; one that is not there may come later.
    private func checkTargets(of configuration: Configuration, _ file: String) throws(ConfigurationError) {
        for job in configuration.scraping.jobs {
            for case .files(let discovery) in job.discoveries {
                for pattern in discovery.paths {
                    let paths = FilePath.matching(pattern)
                    if paths.isEmpty {
                        let name = LabelName.quoted(job.jobName)
                        StandardStream.output(
                            "\(file): warning: file_sd_configs of job \(name): no file matches \(pattern)")
                    }
                    for path in paths { _ = try TargetGroupReader.groups(try FilePath.read(path), path: path) }
                }
            }
        }
    }
}

struct CheckRules: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Read rule files: syntax, expressions, templates, duplicates.")

    @Argument(help: "Rule files; - or none for standard input.")
    var files: [String] = []

    func run() throws {
        var failures = 0
        for file in files.isEmpty ? ["-"] : files {
            do throws(ConfigurationError) {
                let contents = try RuleFileReader.read(path: file == "-" ? "/dev/stdin" : file)
                let rules = contents.groups.flatMap(\.rules)
                let alerts = rules.filter { $0.kind == .alerting }.count
                StandardStream.output(
                    "\(file): valid: \(contents.groups.count) groups, \(alerts) alerting and "
                        + "\(rules.count - alerts) recording rules")
                for warning in contents.warnings { StandardStream.output("warning: \(warning)") }
                var seen: Set<String> = []
                for rule in rules {
                    let identity =
                        "\(rule.kind.rawValue) \(rule.name) \(rule.labels.sorted { $0.key < $1.key }) \(rule.expression)"
                    if !seen.insert(identity).inserted {
                        StandardStream.output("\(file): warning: the rule \(rule.name) is written twice")
                    }
                }
            } catch {
                failures += 1
                StandardStream.error(error.description)
            }
        }
        if failures > 0 { throw ExitStatus.usage }
    }
}

struct CheckWebConfiguration: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "web-config", abstract: "Read files for --web.config.file, certificates included.")

    @Argument(help: "Web-config files.")
    var files: [String]

    func run() throws {
        var failures = 0
        for file in files {
            do {
                _ = try AccessControl(path: file, logger: Logger(label: "check")) { try WebFileReader.read(path: file) }
                StandardStream.output("\(file): valid")
            } catch {
                failures += 1
                let text = String(describing: error)
                StandardStream.error(text.hasPrefix(file) ? text : "\(file): \(text)")
            }
        }
        if failures > 0 { throw ExitStatus.usage }
    }
}
