import Glibc
import MetricModel
import Synchronization

/// The clocks that one query has made, so that series with the same timestamps get the same object.
final class ClockCache: Sendable {
    /// A stretch of a clock.
    struct Span: Hashable {
        var clock: ObjectIdentifier
        var offset: Int
        var count: Int
    }

    /// Which ticks of a clock have a sample.
    struct Pattern: Hashable {
        var span: Span
        var presence: [UInt64]
    }

    /// What clocks with the same content have in common at least.
    private struct Outline: Hashable {
        var first: Int64
        var last: Int64
        var count: Int
    }

    private struct State {
        var joined: [[Span]: Clock] = [:]
        var thinned: [Pattern: Clock] = [:]
        var equal: [Outline: [Clock]] = [:]
        /// Clocks that keys name by identity must live as long as the keys.
        var held: [Clock] = []
        /// What the timestamps of shared clocks take.
        var byteCount = 0

        /// Whether one more clock may be kept; then it counts.
        mutating func hasRoom(for clock: Clock, keyBytes: Int) -> Bool {
            guard byteCount < ClockCache.limitBytes else { return false }
            byteCount += clock.timestamps.count * 8 + keyBytes + 200
            return true
        }
    }

    /// When shared clocks take more than this, further ones are made for each series.
    private static let limitBytes = 16 << 20
    /// Clocks of one outline that are compared with.
    private static let equalLimit = 16

    private let state = Mutex(State())

    /// One clock that ticks through all spans one after the other.
    func joined(_ pieces: PieceList) -> Clock {
        let key = pieces.map { Span(clock: ObjectIdentifier($0.clock), offset: $0.offset, count: $0.count) }
        return state.withLock { state in
            if let known = state.joined[key] { return known }
            var timestamps: [Int64] = []
            timestamps.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
            for piece in pieces {
                timestamps += piece.clock.timestamps[piece.offset..<piece.offset + piece.count]
            }
            let clock = Clock(timestamps)
            if state.hasRoom(for: clock, keyBytes: key.count * 48) {
                state.joined[key] = clock
                for piece in pieces { state.held.append(piece.clock) }
            }
            return clock
        }
    }

    /// A clock with these ticks: series that bring timestamps of their own often bring the same ones.
    func equal(to timestamps: [Int64]) -> Clock {
        guard let first = timestamps.first, let last = timestamps.last else { return .empty }
        let outline = Outline(first: first, last: last, count: timestamps.count)
        return state.withLock { state in
            let known = state.equal[outline] ?? []
            if let same = known.first(where: { Self.isSame($0.timestamps, timestamps) }) { return same }
            let made = Clock(timestamps)
            if known.count < Self.equalLimit, state.hasRoom(for: made, keyBytes: 0) {
                state.equal[outline, default: []].append(made)
            }
            return made
        }
    }

    private static func isSame(_ left: [Int64], _ right: [Int64]) -> Bool {
        unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                guard left.count == right.count, let start = left.baseAddress, let other = right.baseAddress else {
                    return left.count == right.count
                }
                return unsafe memcmp(start, other, left.count) == 0
            }
        }
    }

    /// The ticks of a stretch that have a sample.
    func thinned(_ clock: Clock, offset: Int, count: Int, presence: [UInt64]) -> Clock {
        let span = Span(clock: ObjectIdentifier(clock), offset: offset, count: count)
        let key = Pattern(span: span, presence: presence)
        return state.withLock { state in
            if let known = state.thinned[key] { return known }
            var timestamps: [Int64] = []
            for index in 0..<count where presence[index >> 6] >> UInt64(index & 63) & 1 == 1 {
                timestamps.append(clock.timestamps[offset + index])
            }
            let made = Clock(timestamps)
            if state.hasRoom(for: made, keyBytes: presence.count * 8) {
                state.thinned[key] = made
                state.held.append(clock)
            }
            return made
        }
    }
}

/// The joined clocks that one reader has had, found without locking and hashing.
struct JoinedClocks {
    private struct Entry {
        var pieces: PieceList
        var clock: Clock
    }

    /// Entries are forgotten together when there are more.
    private static let limit = 4096

    /// By the last clock of the pieces.
    private var entries: [ObjectIdentifier: Entry] = [:]
    /// Where those of all readers are.
    private let shared: ClockCache

    init(_ shared: ClockCache) { self.shared = shared }

    mutating func clock(of pieces: PieceList) -> Clock {
        let key = ObjectIdentifier(pieces[pieces.count - 1].clock)
        if let known = entries[key], Self.isSame(known.pieces, as: pieces) { return known.clock }
        let made = shared.joined(pieces)
        if entries.count >= Self.limit { entries.removeAll() }
        entries[key] = Entry(pieces: pieces, clock: made)
        return made
    }

    private static func isSame(_ left: PieceList, as right: PieceList) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices {
            guard left[index].clock === right[index].clock, left[index].offset == right[index].offset,
                left[index].count == right[index].count
            else { return false }
        }
        return true
    }
}
