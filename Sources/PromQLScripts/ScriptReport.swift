/// How a script went.
package struct ScriptReport: Sendable {
    package struct Failure: Sendable, CustomStringConvertible {
        /// The line of the command, from 1.
        package var line: Int
        /// The query, or the command where it is none.
        package var expression: String
        package var reason: String

        package var description: String { "line \(line): \(expression): \(reason)" }
    }

    package var name: String
    package var passed = 0
    package var failures: [Failure] = []

    package init(name: String) { self.name = name }
}

extension ScriptReport: CustomStringConvertible {
    /// A line for each failure and one with the numbers.
    package var description: String {
        let lines = failures.map { "\(name): \($0)" } + ["\(name): \(passed) passed, \(failures.count) failed"]
        return lines.joined(separator: "\n")
    }
}
