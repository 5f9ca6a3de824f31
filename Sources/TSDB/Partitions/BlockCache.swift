import Synchronization

/// What the cache keeps: it never changes, and any number of threads read it at once.
protocol CachedBlock: AnyObject, Sendable {
    /// What it takes.
    var byteCount: Int { get }
}

/// What queries read last from partitions, decompressed and checked, up to a number of bytes.
///
/// The second query for a block brings it in, so that a query over everything that comes once does not drive out what
/// dashboards ask for each minute. When there is no room the clock's hand takes a block that was not used since its last
/// round; one that was used is spared, and the newcomer stays outside. So a query that reads a little more than there is room
/// for, over and over, finds most of it, and what nobody asks for any more is gone after a round. Safe on several threads.
final class BlockCache: Sendable {
    struct Key: Hashable {
        /// The partition's number (`PartitionReader.number`).
        var partition: Int
        enum Kind: Hashable {
            case frame(Int)
            case group, clock, labels, selection, series, choice, found
        }

        /// The row of a segment, the number of a clock, the first series of a group or of a block of labels, or the hash of
        /// matchers.
        var place: Int64
        var kind: Kind
    }

    private struct Entry {
        var key: Key
        var block: any CachedBlock
        var isUsed = true
    }

    private struct State {
        var numbers: [Key: Int] = [:]
        var entries: [Entry] = []
        var hand = 0
        var byteCount = 0
        /// Hashes of keys that were asked for and are not there, each in the set that it chooses, the newest first.
        ///
        /// A query asks for its blocks in turn. Were there one place for each hash, two that meet in it would drive each
        /// other out and never come in.
        var askedFor = [SIMD8<Int>](repeating: .zero, count: BlockCache.rememberedSets)
        var hits: UInt64 = 0
        var misses: UInt64 = 0
    }

    private static let rememberedSets = 512
    /// What an entry takes beside the block.
    private static let bytesPerEntry = 128

    let limitBytes: Int
    private let takesAtFirst: Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limitBytes: 0 keeps nothing.
    ///   - takesAtFirst: The first query for a block brings it in.
    init(limitBytes: Int, takesAtFirst: Bool = false) {
        self.limitBytes = limitBytes
        self.takesAtFirst = takesAtFirst
    }

    var byteCount: Int { state.withLock { $0.byteCount } }
    var counts: (hits: UInt64, misses: UInt64) { state.withLock { ($0.hits, $0.misses) } }

    /// The block of a key; else whether it is worth bringing, because it was asked for before.
    func find<Block: CachedBlock>(_ key: Key, as type: Block.Type) -> (block: Block?, isWanted: Bool) {
        guard limitBytes > 0 else { return (nil, false) }
        return state.withLock { state in
            if let number = state.numbers[key], let block = state.entries[number].block as? Block {
                state.entries[number].isUsed = true
                state.hits += 1
                return (block, false)
            }
            state.misses += 1
            if takesAtFirst { return (nil, true) }
            let hash = key.hashValue
            let place = Int(UInt(bitPattern: hash) % UInt(Self.rememberedSets))
            let set = state.askedFor[place]
            if any(set .== SIMD8(repeating: hash)) { return (nil, true) }
            state.askedFor[place] = SIMD8(hash, set[0], set[1], set[2], set[3], set[4], set[5], set[6])
            return (nil, false)
        }
    }

    /// Keeps a block if there is room for it.
    func insert(_ block: any CachedBlock, for key: Key) {
        let size = block.byteCount + Self.bytesPerEntry
        guard size <= limitBytes / 4 else { return }
        state.withLock { state in
            // Another thread may have been first.
            guard state.numbers[key] == nil else { return }
            guard Self.makeRoom(size, in: &state, limit: limitBytes) else { return }
            Self.add(Entry(key: key, block: block), to: &state)
            state.byteCount += size
        }
    }

    /// Takes out what was not used lately until a newcomer fits; false where the hand meets a block that was used.
    private static func makeRoom(_ size: Int, in state: inout State, limit: Int) -> Bool {
        while state.byteCount + size > limit {
            if state.hand >= state.entries.count { state.hand = 0 }
            guard !state.entries[state.hand].isUsed else {
                state.entries[state.hand].isUsed = false
                state.hand += 1
                return false
            }
            removeAtHand(from: &state)
        }
        return true
    }

    /// Puts a newcomer behind the hand, which comes to it last.
    private static func add(_ entry: Entry, to state: inout State) {
        guard state.hand < state.entries.count else {
            state.numbers[entry.key] = state.entries.count
            state.entries.append(entry)
            state.hand = state.entries.count
            return
        }
        let moved = state.entries[state.hand]
        state.numbers[moved.key] = state.entries.count
        state.entries.append(moved)
        state.numbers[entry.key] = state.hand
        state.entries[state.hand] = entry
        state.hand += 1
    }

    private static func removeAtHand(from state: inout State) {
        let removed = state.entries[state.hand]
        state.numbers[removed.key] = nil
        state.byteCount -= removed.block.byteCount + bytesPerEntry
        let last = state.entries.removeLast()
        guard state.hand < state.entries.count else { return }
        state.entries[state.hand] = last
        state.numbers[last.key] = state.hand
    }

    /// Lets go of everything.
    func removeAll() {
        state.withLock { state in
            state.numbers = [:]
            state.entries = []
            state.byteCount = 0
        }
    }
}
