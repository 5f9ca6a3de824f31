import Glibc
import Storage
import Synchronization

/// The partitions of one moment.
///
/// Queries hold the view they began with. Slices of the head that were sealed for a newer view, and files that a newer
/// view does without, stay until the last older view is let go.
final class DatabaseView: Sendable {
    let partitions: [PartitionReader]
    let epoch: UInt64
    private let registry: ViewRegistry

    fileprivate init(partitions: [PartitionReader], epoch: UInt64, registry: ViewRegistry) {
        self.partitions = partitions
        self.epoch = epoch
        self.registry = registry
    }

    deinit { registry.ended(epoch) }
}

/// The current view, and the numbers of those that are still in use.
final class ViewRegistry: Sendable {
    private struct State {
        var liveEpochs: Set<UInt64> = []
        /// Files to delete when no view older than the number is left.
        var doomed: [(path: String, epoch: UInt64)] = []
    }

    private let state = Mutex(State())
    private let currentView = Mutex<DatabaseView?>(nil)
    private let changes: ChangeLog

    init(changes: ChangeLog) { self.changes = changes }

    /// The view that new queries get.
    var current: DatabaseView? { currentView.withLock { $0 } }

    /// The number of the next view.
    var nextEpoch: UInt64 { (current?.epoch ?? 0) + 1 }

    /// Makes a list of partitions the current view; `removed` are deleted when nobody reads them any more.
    func publish(_ partitions: [PartitionReader], removing removed: [String] = []) {
        // Samples may be gone with a partition, damaged or dropped: nothing that was answered before is sure to hold.
        let ticket = changes.begin(earliest: .min)
        defer { changes.end(ticket) }
        let epoch = nextEpoch
        state.withLock { state in
            state.liveEpochs.insert(epoch)
            state.doomed += removed.map { ($0, epoch) }
        }
        let view = DatabaseView(partitions: partitions, epoch: epoch, registry: self)
        // The old view may end here, and must not do so under the lock that its end takes.
        let old = currentView.withLock { current in
            let old = current
            current = view
            return old
        }
        withExtendedLifetime(old) {}
    }

    /// Lets the current view go.
    func close() {
        let old = currentView.withLock { current in
            let old = current
            current = nil
            return old
        }
        withExtendedLifetime(old) {}
    }

    fileprivate func ended(_ epoch: UInt64) { state.withLock { _ = $0.liveEpochs.remove(epoch) } }

    /// The number of the oldest view in use.
    var oldestEpoch: UInt64 { state.withLock { $0.liveEpochs.min() ?? .max } }

    /// Deletes files that no view reads any more.
    func deleteUnused() {
        let unused = state.withLock { state in
            let oldest = state.liveEpochs.min() ?? .max
            let unused = state.doomed.filter { $0.epoch <= oldest }
            state.doomed.removeAll { $0.epoch <= oldest }
            return unused
        }
        for file in unused { unsafe unlink(file.path) }
    }
}
