import Bytes
import MetricModel
import Synchronization

/// What senders said of metric families: the newest for each name, up to a limit.
final class ReceivedMetadata: Sendable {
    private struct State {
        var families: [String: MetricMetadata] = [:]
        /// Hashes of what was taken already: senders of 2.0 repeat it with every sample.
        var known: Set<UInt64> = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    var families: [String: MetricMetadata] { state.withLock { $0.families } }

    func add(_ entries: [WriteRequest.Metadata], of body: UnsafeRawBufferPointer) {
        guard !entries.isEmpty else { return }
        var last: WriteRequest.TextSource?
        for entry in entries where !entry.name.isEmpty && entry.name != last {
            last = entry.name
            var hash = UInt64(entry.type.rawValue.utf8.count)
            for part in [entry.name, entry.help, entry.unit] {
                hash = unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: body[part]), seed: hash)
            }
            guard state.withLock({ !$0.known.contains(hash) }) else { continue }
            let name = unsafe String(decoding: body[entry.name], as: UTF8.self)
            let metadata = unsafe MetricMetadata(
                type: entry.type, help: String(decoding: body[entry.help], as: UTF8.self),
                unit: String(decoding: body[entry.unit], as: UTF8.self))
            state.withLock { state in
                guard state.families.count < limit || state.families[name] != nil else { return }
                if state.known.count > 4 * limit { state.known = [] }
                state.known.insert(hash)
                state.families[name] = metadata
            }
        }
    }
}
