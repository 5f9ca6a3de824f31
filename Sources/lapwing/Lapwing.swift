import ArgumentParser
import WebAPI

/// The program: one file a subcommand beside this one.
@main
struct Lapwing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lapwing",
        abstract: "Collects container metrics, scrapes everything else, stores, answers PromQL and raises alerts.",
        discussion: """
            First steps, no file needed, the second in another terminal:
              lapwing serve
              lapwing query 'topk(10, container_memory_rss)'
              lapwing query 'container_memory_rss{id="/"}' --range 1h -o plot

            Exit codes: 0 done, 1 failed check, 2 usage or configuration,
            3 inconclusive, 4 server unreachable.
            """,
        version: BuildInformation.version,
        subcommands: [
            ServeCommand.self, CollectCommand.self, QueryCommand.self, CheckCommand.self, TestCommand.self,
            ImportCommand.self, ExportCommand.self, VersionCommand.self,
        ])

    /// As `ParsableCommand.main`, but wrong usage ends with 2, as the program promises everywhere.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let isUsageError = exitCode(for: error) == .validationFailure
            guard isUsageError else { exit(withError: error) }
            StandardStream.error(fullMessage(for: error))
            exit(withError: ExitStatus.usage)
        }
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        StandardStream.output(
            "lapwing \(BuildInformation.version), speaks PromQL of Prometheus \(BuildInformation.prometheusVersion)")
    }
}
