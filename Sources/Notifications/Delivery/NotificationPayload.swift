import MetricModel

/// The JSON of a notification: Alertmanager's webhook payload of version 4, and our line on standard output, which is
/// the same object with the time of the notification in front.
///
/// Maps are written in order of name, so that equal notifications are equal bytes.
package enum NotificationPayload {
    /// The body of a webhook and how many alerts it leaves out.
    ///
    /// `maximumAlerts` 0 is all; beyond the size limit the last alerts are left out too.
    package static func webhook(
        _ notification: Notification, externalURL: String, maximumAlerts: Int = 0, limitBytes: Int = .max
    ) -> (body: [UInt8], truncatedAlerts: Int) {
        body(notification, externalURL: externalURL, maximumAlerts: maximumAlerts, limitBytes: limitBytes, at: nil)
    }

    /// The line for standard output, with its end.
    package static func line(_ notification: Notification, externalURL: String, limitBytes: Int = .max) -> [UInt8] {
        let made = body(
            notification, externalURL: externalURL, maximumAlerts: 0, limitBytes: limitBytes, at: notification.at)
        return made.body + [0x0a]
    }

    private static func body(
        _ notification: Notification, externalURL: String, maximumAlerts: Int, limitBytes: Int, at time: Timestamp?
    ) -> (body: [UInt8], truncatedAlerts: Int) {
        var alerts: [[UInt8]] = []
        var byteCount = 0
        let wanted = maximumAlerts > 0 ? maximumAlerts : notification.alerts.count
        for alert in notification.alerts.prefix(wanted) {
            let text = object(of: alert, at: notification.at)
            guard byteCount + text.count <= limitBytes || alerts.isEmpty else { break }
            byteCount += text.count + 1
            alerts.append(text)
        }
        let truncated = notification.alerts.count - alerts.count
        var json = JSONObject()
        if let time { json.add("time", string: TimeText.rfc3339(time)) }
        json.add("receiver", string: notification.receiver)
        json.add("status", string: notification.status.rawValue)
        json.add("alerts", raw: Array("[".utf8) + Array(alerts.joined(separator: [0x2c])) + Array("]".utf8))
        json.add("groupLabels", pairs: notification.groupLabels.pairs)
        json.add("commonLabels", pairs: commonLabels(of: notification.alerts))
        json.add("commonAnnotations", pairs: commonAnnotations(of: notification.alerts))
        json.add("externalURL", string: externalURL)
        json.add("version", string: "4")
        json.add("groupKey", string: notification.groupKey)
        json.add("truncatedAlerts", raw: Array(String(truncated).utf8))
        json.add("notification_reason", string: notification.reason.rawValue)
        json.add("routeLabels", raw: Array("{}".utf8))
        return (json.finished(), truncated)
    }

    private static func object(of alert: Alert, at time: Timestamp) -> [UInt8] {
        let status = alert.status(at: time)
        var json = JSONObject()
        json.add("status", string: status.rawValue)
        json.add("labels", pairs: alert.labels.pairs)
        json.add("annotations", pairs: sorted(alert.annotations))
        json.add("startsAt", string: TimeText.rfc3339(alert.startsAt))
        // The end of a firing alert is only an assumption; Alertmanager shows Go's zero time there.
        json.add("endsAt", string: status == .resolved ? TimeText.rfc3339(alert.endsAt) : TimeText.never)
        json.add("generatorURL", string: alert.generatorURL)
        json.add("fingerprint", string: alert.fingerprint.description)
        return json.finished()
    }

    private static func sorted(_ values: [String: String]) -> [(name: String, value: String)] {
        values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { (name: $0.key, value: $0.value) }
    }

    private static func commonLabels(of alerts: [Alert]) -> [(name: String, value: String)] {
        guard let first = alerts.first else { return [] }
        return first.labels.pairs.filter { pair in alerts.allSatisfy { $0.labels[pair.name] == pair.value } }
    }

    private static func commonAnnotations(of alerts: [Alert]) -> [(name: String, value: String)] {
        guard let first = alerts.first else { return [] }
        return sorted(first.annotations).filter { pair in
            alerts.allSatisfy { $0.annotations[pair.name] == pair.value }
        }
    }
}

/// A JSON object under construction.
struct JSONObject {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func add(_ name: String, string value: String) {
        addName(name)
        Self.append(value, to: &bytes)
    }

    mutating func add(_ name: String, raw value: [UInt8]) {
        addName(name)
        bytes.append(contentsOf: value)
    }

    mutating func add(_ name: String, pairs: [(name: String, value: String)]) {
        var object = JSONObject()
        for pair in pairs { object.add(pair.name, string: pair.value) }
        add(name, raw: object.finished())
    }

    func finished() -> [UInt8] { bytes + [UInt8(ascii: "}")] }

    private mutating func addName(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        Self.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0a: bytes += Array("\\n".utf8)
            case 0x0d: bytes += Array("\\r".utf8)
            case 0x09: bytes += Array("\\t".utf8)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes += Array("\\u00\(digits.utf8.count < 2 ? "0" : "")\(digits)".utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
