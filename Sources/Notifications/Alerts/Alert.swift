package import MetricModel

/// An alert as it travels: from the rules, or from outside, to those who want to know.
package struct Alert: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable { case firing, resolved }

    /// They identify the alert.
    package var labels: LabelSet
    package var annotations: [String: String]
    package var startsAt: Timestamp
    /// When it ended or, in the future, when it counts as ended unless it is sent again.
    package var endsAt: Timestamp
    /// A link to the expression behind it.
    package var generatorURL: String

    package init(
        labels: LabelSet, annotations: [String: String] = [:], startsAt: Timestamp, endsAt: Timestamp,
        generatorURL: String = ""
    ) {
        self.labels = labels
        self.annotations = annotations
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.generatorURL = generatorURL
    }

    package func status(at time: Timestamp) -> Status { endsAt <= time ? .resolved : .firing }

    package var fingerprint: AlertFingerprint { AlertFingerprint(labels) }
}

/// Alertmanager's number for a set of labels: FNV-1a of 64 bits over names and values, a byte 255 behind each
/// (`model.LabelSet.Fingerprint` of prometheus/common).
package struct AlertFingerprint: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(value: UInt64) { self.value = value }

    package init(_ labels: LabelSet) {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var cursor = labels.makeCursor()
        while cursor.next() {
            for byte in cursor.name { add(byte) }
            add(255)
            for byte in cursor.value { add(byte) }
            add(255)
        }
        value = hash
    }

    package static func < (left: AlertFingerprint, right: AlertFingerprint) -> Bool { left.value < right.value }
}

extension AlertFingerprint: CustomStringConvertible {
    /// Sixteen hexadecimal digits.
    package var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, 16 - digits.utf8.count)) + digits
    }
}

/// Where alerts go: the notifier of this process, or something that passes them on.
package protocol AlertReceiving: Sendable {
    /// Takes alerts over; returns at once. Firing ones come again and again, resolved ones a few times.
    func receive(_ alerts: [Alert])
}
