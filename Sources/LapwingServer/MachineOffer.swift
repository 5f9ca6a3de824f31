import Cgroups
import NIOPosix
import Synchronization

/// Whether this machine's own page is offered, under node_exporter's names: as wished, else where no node exporter runs
/// that has it already.
///
/// Looking for one takes the kernel seven milliseconds where its table of connections is large, so a start begins to
/// look and does something else meanwhile.
package final class MachineOffer: Sendable {
    private let wish: Bool?
    private let rootPath: String
    /// Held while looking, so that whoever asks meanwhile waits.
    private let answer: Mutex<Bool?>

    /// - Parameters:
    ///   - wish: What was asked for; nil where nothing was.
    ///   - rootPath: Where the host's file system is mounted.
    package init(wish: Bool?, rootPath: String) {
        self.wish = wish
        self.rootPath = rootPath
        answer = Mutex(wish)
    }

    /// Begins to look, on a thread of its own.
    func begin() {
        guard wish == nil else { return }
        NIOThreadPool.singleton.submit { _ in _ = self.isMade }
    }

    /// The answer, which is waited for once.
    var isMade: Bool {
        answer.withLock { answer in
            if let answer { return answer }
            let found = !NodeExporter.isRunning(rootPath: rootPath)
            answer = found
            return found
        }
    }

    /// Whether there is no page although nobody asked for that.
    var isLeftToExporter: Bool { wish == nil && !isMade }
}
