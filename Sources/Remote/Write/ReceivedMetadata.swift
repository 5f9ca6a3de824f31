import Bytes
import MetricModel
import Storage
import Synchronization

/// Hands on what senders say of metric families, each thing once: senders of 2.0 repeat it with every sample.
final class ReceivedMetadata: Sendable {
    private let store: (any MetadataStore)?
    private let limit: Int
    /// Hashes of what was handed on.
    private let known = Mutex<Set<UInt64>>([])

    init(store: (any MetadataStore)?, limit: Int) {
        self.store = store
        self.limit = limit
    }

    func add(_ entries: [WriteRequest.Metadata], of body: UnsafeRawBufferPointer) {
        guard let store, !entries.isEmpty else { return }
        var news: [FamilyMetadata] = []
        var last: WriteRequest.TextSource?
        for entry in entries where !entry.name.isEmpty && entry.name != last {
            last = entry.name
            var hash = UInt64(entry.type.rawValue.utf8.count)
            for part in [entry.name, entry.help, entry.unit] {
                hash = unsafe ByteHash.hash(UnsafeRawBufferPointer(rebasing: body[part]), seed: hash)
            }
            guard isNew(hash) else { continue }
            let name = unsafe String(decoding: body[entry.name], as: UTF8.self)
            let metadata = unsafe MetricMetadata(
                type: entry.type, help: String(decoding: body[entry.help], as: UTF8.self),
                unit: String(decoding: body[entry.unit], as: UTF8.self))
            news.append(FamilyMetadata(name: name, metadata: metadata))
        }
        if !news.isEmpty { store.note(news) }
    }

    private func isNew(_ hash: UInt64) -> Bool {
        known.withLock { known in
            if known.count > 4 * limit { known = [] }
            return known.insert(hash).inserted
        }
    }
}
