import ArgumentParser
import Bytes
import ConfigurationFile
import LapwingServer
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

            Completion for bash, zsh or fish:
              lapwing --generate-completion-script bash > /etc/bash_completion.d/lapwing
            """,
        version: BuildInformation.version,
        subcommands: [
            ServeCommand.self, CollectCommand.self, QueryCommand.self, CheckCommand.self, TestCommand.self,
            ImportCommand.self, ExportCommand.self, VersionCommand.self,
        ])

    /// As `ParsableCommand.main`, but wrong usage ends with 2, as the program promises everywhere.
    static func main() async {
        // A server is small from its first instruction on; what ends soon is not worth the mappings.
        if let word = CommandLine.arguments.dropFirst().first, ["serve", "collect"].contains(word) {
            ResidentCode.ofProcess.release()
        }
        do {
            var command = try parseAsRoot(arguments(CommandLine.arguments.dropFirst()))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let isUsageError = exitCode(for: error) == .validationFailure
            guard isUsageError else { exit(withError: error) }
            StandardStream.error(unknownSubcommand(CommandLine.arguments.dropFirst()) ?? fullMessage(for: error))
            exit(withError: ExitStatus.usage)
        }
    }

    /// The words as the parser wants them: `--disable_metrics=` is an option with an empty value, as for cAdvisor and
    /// Prometheus, but the parser says that the value is missing unless it stands in a word of its own.
    private static func arguments(_ words: some Sequence<String>) -> [String] {
        var isOption = true
        return words.flatMap { word in
            if word == "--" { isOption = false }
            guard isOption, word.hasPrefix("--"), word.firstIndex(of: "=") == word.indices.last else { return [word] }
            return [String(word.dropLast()), ""]
        }
    }

    /// What is said of a word that stands where a subcommand should; nil where there is none.
    private static func unknownSubcommand(_ arguments: some Sequence<String>) -> String? {
        var command: any ParsableCommand.Type = Lapwing.self
        var path = "lapwing"
        for word in arguments {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            if let next = subcommands.first(where: { $0.configuration.commandName == word }) {
                command = next
                path += " " + word
                continue
            }
            let names = subcommands.compactMap { $0.configuration.commandName }
            let near = NearestWord.nearest(to: word, among: names).map { "Did you mean '\($0)'?" }
            return """
                Error: '\(path)' has no subcommand '\(word)'. \(near ?? "It has " + names.joined(separator: ", ") + ".")
                  See '\(path) --help' for more information.
                """
        }
        return nil
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        StandardStream.output(
            "lapwing \(BuildInformation.version), speaks PromQL of Prometheus \(BuildInformation.prometheusVersion)")
    }
}
