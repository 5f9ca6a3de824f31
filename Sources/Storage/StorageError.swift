/// What can go wrong between the database and those who use it.
package enum StorageError: Error, Sendable {
    /// The database was closed.
    case closed
    /// A file could not be read or written; `reason` is the system's or SQLite's own sentence.
    case inputOutput(path: String, reason: String)
    /// A checksum or structure on disk is wrong; the part named is out of use.
    case corrupt(path: String, what: String)
    /// The folder belongs to another running process.
    case folderInUse(path: String, by: String)
    /// The folder was written by a newer version; nothing in it was touched.
    case newerFormat(path: String, found: Int, supported: Int)
    /// A limit with a name was exceeded.
    case limitExceeded(limit: String, maximum: Int, wanted: Int)
    /// The request would hold more bytes than it may, or than all requests together may.
    case memory(wanted: Int, maximum: Int, isShared: Bool)
    /// The caller withdrew the request.
    case cancelled
    /// The request may not wait, and what it needs is in use.
    case wouldWait
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .closed: "the database is closed"
        case .inputOutput(let path, let reason): "\(path): \(reason)"
        case .corrupt(let path, let what): "\(path) is damaged: \(what)"
        case .folderInUse(let path, let holder):
            "\(path) is in use by \(holder); stop that process or name another folder"
        case .newerFormat(let path, let found, let supported):
            "\(path) has format version \(found), this program reads up to \(supported); use a newer lapwing. Nothing was changed"
        case .limitExceeded(let limit, let maximum, let wanted):
            "limit \(limit) exceeded: \(wanted) wanted, \(maximum) allowed"
        case .memory(let wanted, let maximum, let isShared):
            "the request would take \(wanted) bytes of memory, \(maximum) are allowed"
                + (isShared ? " to all together" : "")
        case .cancelled: "cancelled"
        case .wouldWait: "what the request needs is in use, and it may not wait"
        }
    }
}

/// Why an append, or a part of it, was refused.
package enum AppendError: Error, Sendable {
    /// The source's rows must ascend in time.
    case outOfOrder(timestamp: Int64, newest: Int64)
    /// Older than the database still takes.
    case tooOld(timestamp: Int64, oldestAccepted: Int64)
    /// Further in the future than the database takes.
    case tooFarAhead(timestamp: Int64, newestAccepted: Int64)
    /// The store has as many series as it may have; known series keep flowing.
    case seriesLimit(maximum: Int)
    /// The store cannot take anything now (closed, disk full); the reason is a sentence.
    case unavailable(reason: String)
}

extension AppendError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .outOfOrder(let timestamp, let newest): "out of order: sample at \(timestamp) ms, newest is \(newest) ms"
        case .tooOld(let timestamp, let oldest): "too old: sample at \(timestamp) ms, oldest accepted is \(oldest) ms"
        case .tooFarAhead(let timestamp, let newest):
            "too far in the future: sample at \(timestamp) ms, newest accepted is \(newest) ms"
        case .seriesLimit(let maximum): "series limit reached: \(maximum) series"
        case .unavailable(let reason): "storage unavailable: \(reason)"
        }
    }
}
