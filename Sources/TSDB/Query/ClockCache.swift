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

    private struct State {
        var joined: [[Span]: Clock] = [:]
        var thinned: [Pattern: Clock] = [:]
        /// Clocks that keys name by identity must live as long as the keys.
        var held: [Clock] = []
    }

    /// More patterns than this are not shared.
    private static let patternLimit = 100_000

    private let state = Mutex(State())

    /// One clock that ticks through all spans one after the other.
    func joined(_ pieces: [ColumnPieces.Piece]) -> Clock {
        let key = pieces.map { Span(clock: ObjectIdentifier($0.clock), offset: $0.offset, count: $0.count) }
        return state.withLock { state in
            if let known = state.joined[key] { return known }
            var timestamps: [Int64] = []
            timestamps.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
            for piece in pieces {
                timestamps += piece.clock.timestamps[piece.offset..<piece.offset + piece.count]
                state.held.append(piece.clock)
            }
            let clock = Clock(timestamps)
            if state.joined.count < Self.patternLimit { state.joined[key] = clock }
            return clock
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
            if state.thinned.count < Self.patternLimit {
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
        var pieces: [ColumnPieces.Piece]
        var clock: Clock
    }

    /// Entries are forgotten together when there are more.
    private static let limit = 4096

    /// By the last clock of the pieces.
    private var entries: [ObjectIdentifier: Entry] = [:]

    mutating func clock(of pieces: [ColumnPieces.Piece], _ shared: ClockCache) -> Clock {
        let key = ObjectIdentifier(pieces[pieces.count - 1].clock)
        if let known = entries[key], Self.isSame(known.pieces, as: pieces) { return known.clock }
        let made = shared.joined(pieces)
        if entries.count >= Self.limit { entries.removeAll() }
        entries[key] = Entry(pieces: pieces, clock: made)
        return made
    }

    private static func isSame(_ left: [ColumnPieces.Piece], as right: [ColumnPieces.Piece]) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices {
            guard left[index].clock === right[index].clock, left[index].offset == right[index].offset,
                left[index].count == right[index].count
            else { return false }
        }
        return true
    }
}
