import Glibc
package import Logging
import MetricModel
import NIOPosix
package import NIOSSL
import Synchronization

/// Says who may ask: one question before every route, and one TLS context for every connection.
///
/// Files are looked at for changes at most once a second, when somebody asks. What cannot be read anew leaves the old in
/// use, and the log says so.
package final class AccessControl: Sendable {
    package enum Decision: Sendable, Equatable {
        case allowed
        /// No credentials, or wrong ones.
        case denied
        /// Too many logins are being checked; come again.
        case busy
    }

    private struct State {
        var settings: AccessSettings
        var context: NIOSSLContext?
        var stamps: [FileStamp]
        var lookDue: ContinuousClock.Instant
        /// Logins that succeeded, as digests.
        var known: Set<[UInt8]> = []
        var deniedCount: UInt64 = 0
        var busyCount: UInt64 = 0
        var isLastReadingGood = true
    }

    /// Logins remembered at most; then all are forgotten.
    static let maximumKnown = 1_000
    static let lookInterval = Duration.seconds(1)

    private let path: String
    private let read: @Sendable () throws -> AccessSettings
    private let logger: Logger
    private let now: @Sendable () -> ContinuousClock.Instant
    private let digest = KeyedDigest()
    private let slots = HashingSlots()
    private let state: Mutex<State>

    /// - Parameters:
    ///   - path: the file that the settings stand in, watched for changes.
    ///   - now: the clock that spaces the looks.
    ///   - read: reads that file.
    package init(
        path: String, logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        read: @escaping @Sendable () throws -> AccessSettings
    ) throws {
        self.path = path
        self.read = read
        self.logger = logger
        self.now = now
        let settings = try read()
        state = Mutex(
            State(
                settings: settings, context: try settings.tls.map { try ServerCertificates.context($0) },
                stamps: FileStamp.of([path] + settings.files),
                lookDue: now() + Self.lookInterval))
    }

    package var isEncrypted: Bool { state.withLock { $0.settings.tls != nil } }
    /// What a client is asked for, as `WWW-Authenticate` says it.
    package var challenge: String {
        state.withLock { $0.settings.users.isEmpty && !$0.settings.tokens.isEmpty } ? "Bearer" : "Basic"
    }
    package var headers: [AccessSettings.Header] { state.withLock { $0.settings.headers } }
    /// Requests turned away for their credentials, and because too many logins were being checked.
    package var refused: (denied: UInt64, busy: UInt64) { state.withLock { ($0.deniedCount, $0.busyCount) } }
    package var isLastReadingGood: Bool { state.withLock { $0.isLastReadingGood } }

    /// The context for a new connection; nil where the server speaks plain HTTP.
    package func tlsContext() -> NIOSSLContext? {
        refresh()
        return state.withLock { $0.context }
    }

    /// Whether a request with this `Authorization` header may go on.
    package func decide(authorization: String?) async -> Decision {
        refresh()
        let settings = state.withLock { $0.settings }
        if settings.isOpen { return .allowed }
        let users = settings.users
        if let authorization, let token = BearerToken(header: authorization) {
            // Digests under a key that nobody knows differ wherever they differ: comparing them tells nothing.
            let shown = digest.of([token.bytes])
            let isKnown = settings.tokens.values.reduce(false) { $0 || digest.of([Array($1.reveal().utf8)]) == shown }
            return isKnown ? .allowed : refuse()
        }
        guard let authorization, let credentials = BasicCredentials(header: authorization) else { return refuse() }
        let hash = users[credentials.user]?.reveal()
        let login = digest.of([Array(credentials.user.utf8), credentials.password, Array((hash ?? "").utf8)])
        if hash != nil, state.withLock({ $0.known.contains(login) }) { return .allowed }
        let cost = users.values.compactMap { PasswordHash.cost(of: $0.reveal()) }.max() ?? 10
        let wanted = hash ?? PasswordHash.unmatchable(cost: cost)
        let matches = await slots.run { () -> Bool in
            if self.state.withLock({ $0.known.contains(login) }) { return true }
            return
                (try? await NIOThreadPool.singleton.runIfActive {
                    PasswordHash.verify(credentials.password, against: wanted)
                }) ?? false
        }
        guard let matches else {
            state.withLock { $0.busyCount += 1 }
            return .busy
        }
        // The fake hash of unknown users never counts, whatever it was compared with.
        guard matches, hash != nil else { return refuse() }
        state.withLock { state in
            if state.known.count >= Self.maximumKnown { state.known.removeAll() }
            state.known.insert(login)
        }
        return .allowed
    }

    private func refuse() -> Decision {
        state.withLock { $0.deniedCount += 1 }
        return .denied
    }

    // MARK: Reading again

    /// Looks whether a file changed, if the last look is long enough ago.
    private func refresh() {
        let time = now()
        let files = state.withLock { state -> [String]? in
            guard time >= state.lookDue else { return nil }
            state.lookDue = time + Self.lookInterval
            return [path] + state.settings.files
        }
        guard let files else { return }
        let stamps = FileStamp.of(files)
        guard state.withLock({ $0.stamps != stamps }) else { return }
        do {
            let settings = try read()
            let wasEncrypted = isEncrypted
            guard wasEncrypted == (settings.tls != nil) else { throw AccessError.needsRestart }
            let context = try settings.tls.map { try ServerCertificates.context($0) }
            let newStamps = FileStamp.of([path] + settings.files)
            state.withLock { state in
                state.settings = settings
                state.context = context
                state.stamps = newStamps
                state.known.removeAll()
                state.isLastReadingGood = true
            }
            logger.info("web configuration read again", metadata: ["file": "\(path)"])
        } catch {
            state.withLock { state in
                state.stamps = stamps
                state.isLastReadingGood = false
            }
            logger.error("the web configuration is not usable, the old one goes on", metadata: ["error": "\(error)"])
        }
    }
}

/// The token of a header `Authorization: Bearer TOKEN` (RFC 6750, 2.1).
struct BearerToken: Equatable {
    var bytes: [UInt8]

    init?(header: String) {
        let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        bytes = Array(parts[1].utf8.drop { $0 == 0x20 })
    }
}

/// What tells that a file changed.
struct FileStamp: Equatable, Sendable {
    var inode: UInt64
    var size: Int64
    var modifiedNanoseconds: Int64

    /// The stamps of files in order; a file that is not there has zeros.
    static func of(_ paths: [String]) -> [FileStamp] {
        paths.map { path in
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return FileStamp(inode: 0, size: 0, modifiedNanoseconds: 0) }
            return FileStamp(
                inode: UInt64(status.st_ino), size: Int64(status.st_size),
                modifiedNanoseconds: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec))
        }
    }
}
