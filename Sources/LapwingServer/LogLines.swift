import Glibc
package import Logging
package import MetricModel
import Synchronization

/// Log lines on standard error: `time=… level=info msg="…" key=value` or JSON, as Prometheus writes them.
package struct LogLines: LogHandler {
    package enum Format: String, Sendable, CaseIterable { case logfmt, json }

    private static let lock = Mutex(())

    private let label: String
    private let format: Format
    private let clock: any WallClock
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    package init(label: String, level: Logger.Level, format: Format = .logfmt, clock: any WallClock = SystemClock()) {
        self.label = label
        self.format = format
        self.clock = clock
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        var pairs = [
            ("time", TimeText.rfc3339(clock.now)), ("level", event.level.rawValue), ("msg", event.message.description),
        ]
        pairs += facts.map { ($0.key, $0.value.description) }
        if let error = event.error { pairs.append(("err", String(describing: error))) }
        let line: String
        switch format {
        case .logfmt: line = pairs.map { $0.0 + "=" + Self.quoted($0.1) }.joined(separator: " ") + "\n"
        case .json:
            line = "{" + pairs.map { Self.json($0.0) + ":" + Self.json($0.1) }.joined(separator: ",") + "}\n"
        }
        // One write a line: lines of several threads must not run into each other.
        Self.lock.withLock { _ in
            var bytes = Array(line.utf8)[...]
            while !bytes.isEmpty {
                let count = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR else { return }
                bytes = bytes.dropFirst(max(0, count))
            }
        }
    }

    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7f }
        return isPlain ? text : LabelName.quoted(text)
    }

    private static func json(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(Character(scalar))
            case "\n": result += "\\n"
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
