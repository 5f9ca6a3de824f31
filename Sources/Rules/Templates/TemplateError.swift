/// Why a template could not be read or expanded, and where.
package struct TemplateError: Error, Hashable, Sendable {
    package var message: String
    /// Line and column (in bytes, from 1), zero where the place is not known.
    package var line: Int
    package var column: Int

    package init(_ message: String, line: Int = 0, column: Int = 0) {
        self.message = message
        self.line = line
        self.column = column
    }

    init(_ message: String, at position: Int, in source: [UInt8]) {
        self.message = message
        line = 1
        column = 1
        for byte in source.prefix(position) {
            column += 1
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            }
        }
    }

    /// The same error with a place, unless it has one.
    func located(at position: Int, in source: [UInt8]) -> TemplateError {
        line == 0 ? TemplateError(message, at: position, in: source) : self
    }
}

extension TemplateError: CustomStringConvertible {
    package var description: String { line == 0 ? message : "\(line):\(column): \(message)" }
}

/// What one expansion may take.
///
/// Reaching a limit is an error of that expansion.
package struct TemplateLimits: Hashable, Sendable {
    package var sourceBytes = 256 << 10
    package var outputBytes = 256 << 10
    /// Nodes and commands evaluated.
    package var steps = 200_000
    /// Nesting of blocks, parentheses and template calls.
    package var depth = 64
    /// Calls of `query`.
    package var queries = 50

    package init() {}
}
