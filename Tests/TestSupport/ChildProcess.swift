package import Glibc

/// A program that a test started, with its output in files.
///
/// Unchecked, because one test owns it and nothing changes after init but the kernel's state.
package final class ChildProcess: @unchecked Sendable {
    package let identifier: pid_t
    package let outputPath: String
    package let errorPath: String

    /// Starts `arguments[0]`, found on the PATH.
    package init(_ arguments: [String], folder: TemporaryDirectory, name: String) {
        outputPath = folder.path + "/\(name).out"
        errorPath = folder.path + "/\(name).err"
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, flags, 0o644)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorPath, flags, 0o644)
        var words = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let failure = unsafe posix_spawnp(&child, arguments[0], &actions, nil, words, environ)
        identifier = failure == 0 ? child : -1
    }

    package var hasStarted: Bool { identifier > 0 }
    package var output: String { TemporaryDirectory.read(outputPath) }
    package var errors: String { TemporaryDirectory.read(errorPath) }

    package func signal(_ number: Int32) { if identifier > 0 { kill(identifier, number) } }

    /// Waits for the end and gives the exit code; 128 and the signal's number where one ended it.
    @discardableResult
    package func wait() -> Int32 {
        guard identifier > 0 else { return -1 }
        var status: Int32 = 0
        while unsafe waitpid(identifier, &status, 0) < 0 {
            if errno != EINTR { return -1 }
        }
        let ending = status & 0x7f
        return ending == 0 ? (status >> 8) & 0xff : 128 + ending
    }

    /// Runs a program to its end.
    package static func run(_ arguments: [String], folder: TemporaryDirectory, name: String) -> (
        code: Int32, output: String, errors: String
    ) {
        let child = ChildProcess(arguments, folder: folder, name: name)
        let code = child.wait()
        return (code, child.output, child.errors)
    }
}
