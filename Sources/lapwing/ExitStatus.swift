import ArgumentParser
import Glibc

/// The exit codes of every subcommand.
enum ExitStatus {
    /// A check that failed, a query that was refused.
    static let failure = ExitCode(1)
    /// Wrong usage or a broken configuration.
    static let usage = ExitCode(2)
    /// Neither yes nor no.
    static let inconclusive = ExitCode(3)
    /// No server answers there.
    static let unreachable = ExitCode(4)
}

/// The process' two ways of speaking, a line at a time.
enum StandardStream {
    static func output(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Writes text as it is.
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) { write(Array(text.utf8), to: descriptor) }

    /// Writes all bytes; a reader that went away ends the process quietly, as it does for other tools in a pipe.
    static func write(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                Glibc.exit(errno == EPIPE ? 0 : 1)
            }
        }
    }

    /// Columns of the terminal on standard output; nil where it is no terminal.
    static var terminalWidth: Int? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
