package import MetricModel
package import SQLite

/// One attempt to deliver a notification, as it is kept.
package struct DeliveryAttempt: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable { case delivered, retrying, failed, cancelled }

    package var at: Timestamp
    package var receiver: String
    package var integration: String
    package var groupKey: String
    package var reason: String
    package var firingCount: Int
    package var resolvedCount: Int
    /// Counted from 1 within its notification.
    package var attempt: Int
    package var outcome: Outcome
    /// The HTTP status, nil where none came.
    package var status: Int?
    /// Why it failed, without secrets; empty where it did not.
    package var message: String
    package var milliseconds: Int64
}

/// Where the notification log and the attempts outlive the process.
///
/// Safe on several threads.
package protocol NotificationStateStore: Sendable {
    func loadLog() throws(NotificationStateError) -> [String: NotificationLogEntry]
    func save(key: String, _ entry: NotificationLogEntry) throws(NotificationStateError)
    func removeExpired(before time: Timestamp) throws(NotificationStateError)
    func record(_ attempt: DeliveryAttempt, keeping limit: Int) throws(NotificationStateError)
    /// The newest attempts first.
    func attempts(limit: Int) throws(NotificationStateError) -> [DeliveryAttempt]
}

/// The state could not be read or written; the sentence is SQLite's.
package struct NotificationStateError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
}

/// The tables `notification_log` and `notification_attempt` of `state.sqlite`.
package final class SQLiteNotificationStateStore: NotificationStateStore {
    private let database: SharedDatabase

    package init(_ database: SharedDatabase) { self.database = database }

    package func loadLog() throws(NotificationStateError) -> [String: NotificationLogEntry] {
        try read { (connection) throws(SQLiteError) in
            var log: [String: NotificationLogEntry] = [:]
            let statement = try connection.cached("SELECT key, at, firing, resolved, expires_at FROM notification_log")
            defer { statement.reset() }
            while try statement.step() {
                log[statement.text(at: 0)] = NotificationLogEntry(
                    at: Timestamp(milliseconds: statement.int64(at: 1)),
                    firing: Self.decode(statement.bytes(at: 2)), resolved: Self.decode(statement.bytes(at: 3)),
                    expiresAt: Timestamp(milliseconds: statement.int64(at: 4)))
            }
            return log
        }
    }

    package func save(key: String, _ entry: NotificationLogEntry) throws(NotificationStateError) {
        try write { (connection) throws(SQLiteError) in
            let statement = try connection.cached(
                """
                INSERT OR REPLACE INTO notification_log (key, at, firing, resolved, expires_at)
                VALUES (?1, ?2, ?3, ?4, ?5)
                """)
            try statement.bind(key, at: 1)
            try statement.bind(entry.at.milliseconds, at: 2)
            try statement.bind(Self.encode(entry.firing), at: 3)
            try statement.bind(Self.encode(entry.resolved), at: 4)
            try statement.bind(entry.expiresAt.milliseconds, at: 5)
            try statement.run()
        }
    }

    package func removeExpired(before time: Timestamp) throws(NotificationStateError) {
        try write { (connection) throws(SQLiteError) in
            let statement = try connection.cached("DELETE FROM notification_log WHERE expires_at <= ?1")
            try statement.bind(time.milliseconds, at: 1)
            try statement.run()
        }
    }

    package func record(_ attempt: DeliveryAttempt, keeping limit: Int) throws(NotificationStateError) {
        try write { (connection) throws(SQLiteError) in
            let statement = try connection.cached(
                """
                INSERT INTO notification_attempt (at, receiver, integration, group_key, reason, firing, resolved, attempt,
                    outcome, status, message, milliseconds) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                """)
            try statement.bind(attempt.at.milliseconds, at: 1)
            try statement.bind(attempt.receiver, at: 2)
            try statement.bind(attempt.integration, at: 3)
            try statement.bind(attempt.groupKey, at: 4)
            try statement.bind(attempt.reason, at: 5)
            try statement.bind(attempt.firingCount, at: 6)
            try statement.bind(attempt.resolvedCount, at: 7)
            try statement.bind(attempt.attempt, at: 8)
            try statement.bind(attempt.outcome.rawValue, at: 9)
            if let status = attempt.status {
                try statement.bind(status, at: 10)
            } else {
                try statement.bindNull(at: 10)
            }
            try statement.bind(attempt.message, at: 11)
            try statement.bind(attempt.milliseconds, at: 12)
            try statement.run()
            let trimming = try connection.cached("DELETE FROM notification_attempt WHERE id <= ?1")
            try trimming.bind(connection.lastInsertedRow - Int64(limit), at: 1)
            try trimming.run()
        }
    }

    package func attempts(limit: Int) throws(NotificationStateError) -> [DeliveryAttempt] {
        try read { (connection) throws(SQLiteError) in
            let statement = try connection.cached(
                """
                SELECT at, receiver, integration, group_key, reason, firing, resolved, attempt, outcome, status, message,
                    milliseconds FROM notification_attempt ORDER BY id DESC LIMIT ?1
                """)
            defer { statement.reset() }
            try statement.bind(limit, at: 1)
            var attempts: [DeliveryAttempt] = []
            while try statement.step() {
                attempts.append(
                    DeliveryAttempt(
                        at: Timestamp(milliseconds: statement.int64(at: 0)), receiver: statement.text(at: 1),
                        integration: statement.text(at: 2), groupKey: statement.text(at: 3),
                        reason: statement.text(at: 4), firingCount: statement.int(at: 5),
                        resolvedCount: statement.int(at: 6), attempt: statement.int(at: 7),
                        outcome: DeliveryAttempt.Outcome(rawValue: statement.text(at: 8)) ?? .failed,
                        status: statement.isNull(at: 9) ? nil : statement.int(at: 9), message: statement.text(at: 10),
                        milliseconds: statement.int64(at: 11)))
            }
            return attempts
        }
    }

    // MARK: Access

    private func read<Value: Sendable>(
        _ body: (SQLiteConnection) throws(SQLiteError) -> Value
    ) throws(NotificationStateError) -> Value {
        do throws(SQLiteError) {
            return try database.read(body)
        } catch {
            throw NotificationStateError(description: error.description)
        }
    }

    private func write(_ body: (SQLiteConnection) throws(SQLiteError) -> Void) throws(NotificationStateError) {
        do throws(SQLiteError) {
            try database.write(body)
        } catch {
            throw NotificationStateError(description: error.description)
        }
    }

    /// Eight bytes a fingerprint, little end first, in order.
    private static func encode(_ fingerprints: Set<AlertFingerprint>) -> [UInt8] {
        fingerprints.sorted().flatMap { fingerprint in
            (0..<8).map { UInt8(truncatingIfNeeded: fingerprint.value >> UInt64(8 * $0)) }
        }
    }

    private static func decode(_ bytes: [UInt8]) -> Set<AlertFingerprint> {
        var result: Set<AlertFingerprint> = []
        for start in stride(from: 0, to: bytes.count - bytes.count % 8, by: 8) {
            var value: UInt64 = 0
            for index in 0..<8 { value |= UInt64(bytes[start + index]) << UInt64(8 * index) }
            result.insert(AlertFingerprint(value: value))
        }
        return result
    }
}
