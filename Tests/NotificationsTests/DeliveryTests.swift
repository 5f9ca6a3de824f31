import Logging
import MetricModel
import Synchronization
import Testing

@testable import Notifications

/// Answers requests from a list and keeps them.
final class FakeTransport: WebhookTransport {
    private struct State {
        var answers: [Result<WebhookResponse, WebhookTransportError>]
        var requests: [WebhookRequest] = []
    }

    private let state: Mutex<State>

    init(_ answers: [Result<WebhookResponse, WebhookTransportError>]) { state = Mutex(State(answers: answers)) }

    func post(_ request: WebhookRequest) async throws(WebhookTransportError) -> WebhookResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? .success(WebhookResponse(status: 200)) : state.answers.removeFirst()
        }
        return try answer.get()
    }

    var requests: [WebhookRequest] { state.withLock { $0.requests } }
}

/// A clock that jumps over short waits and holds long ones until they are cancelled.
final class JumpingClock: WallClock {
    private let time = Mutex<Int64>(1_000_000)
    var now: Timestamp { Timestamp(milliseconds: time.withLock { $0 }) }
    var monotonicNanoseconds: UInt64 { UInt64(time.withLock { $0 }) * 1_000_000 }
    func sleep(milliseconds: Int64) async throws {
        guard milliseconds < 200_000 else { return try await Task.sleep(for: .seconds(3600)) }
        try Task.checkCancellation()
        time.withLock { $0 += milliseconds }
    }
}

enum Sample {
    static func notification(_ alerts: [Alert], reason: NotificationReason = .firstNotification) -> Notification {
        Notification(
            receiver: "r", integration: .webhook(0), groupKey: #"{}:{alertname="A"}"#,
            groupLabels: LabelSet(["alertname": "A"]), reason: reason, at: Timestamp(milliseconds: 500_000),
            alerts: alerts, firing: Set(alerts.map(\.fingerprint)), resolved: [],
            deadline: Timestamp(milliseconds: 9_000_000), repeatIntervalMilliseconds: 1_000_000)
    }

    static let alerts = [
        Alert(
            labels: LabelSet(["alertname": "A", "x": "1"]), annotations: ["s": "a\"b\u{1}", "t": "same"],
            startsAt: Timestamp(milliseconds: 1_000), endsAt: Timestamp(milliseconds: 600_000), generatorURL: "http://g"
        ),
        Alert(
            labels: LabelSet(["alertname": "A", "x": "2"]), annotations: ["s": "c", "t": "same"],
            startsAt: Timestamp(milliseconds: 2_500), endsAt: Timestamp(milliseconds: 400_000)),
    ]
}

@Suite("Payloads")
struct NotificationPayloadTests {
    @Test("a webhook's body is Alertmanager's version 4")
    func webhook() {
        let body = NotificationPayload.webhook(Sample.notification(Sample.alerts), externalURL: "http://h").body
        #expect(
            String(decoding: body, as: UTF8.self) == #"{"receiver":"r","status":"firing","alerts":["#
                + #"{"status":"firing","labels":{"alertname":"A","x":"1"},"annotations":{"s":"a\"b\u0001","t":"same"},"#
                + #""startsAt":"1970-01-01T00:00:01Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://g","#
                + #""fingerprint":"\#(Sample.alerts[0].fingerprint)"},"#
                + #"{"status":"resolved","labels":{"alertname":"A","x":"2"},"annotations":{"s":"c","t":"same"},"#
                + #""startsAt":"1970-01-01T00:00:02.500Z","endsAt":"1970-01-01T00:06:40Z","generatorURL":"","#
                + #""fingerprint":"\#(Sample.alerts[1].fingerprint)"}],"#
                + #""groupLabels":{"alertname":"A"},"commonLabels":{"alertname":"A"},"#
                + #""commonAnnotations":{"t":"same"},"externalURL":"http://h","version":"4","#
                + #""groupKey":"{}:{alertname=\"A\"}","truncatedAlerts":0,"#
                + #""notification_reason":"first notification","routeLabels":{}}"#)
    }

    @Test("max_alerts and the size limit leave alerts out and count them")
    func truncation() {
        let notification = Sample.notification(Sample.alerts)
        #expect(NotificationPayload.webhook(notification, externalURL: "", maximumAlerts: 1).truncatedAlerts == 1)
        #expect(NotificationPayload.webhook(notification, externalURL: "", limitBytes: 300).truncatedAlerts == 1)
    }

    @Test("a line on standard output is one line with its time")
    func line() {
        let line = NotificationPayload.line(Sample.notification(Sample.alerts), externalURL: "")
        #expect(line.filter { $0 == 0x0a }.count == 1)
        #expect(String(decoding: line, as: UTF8.self).hasPrefix(#"{"time":"1970-01-01T00:08:20Z","receiver":"r""#))
    }

    /// The first is Go's offset basis, the second was computed by hand from the definition.
    @Test("fingerprints are FNV-1a over names and values")
    func fingerprints() {
        #expect(AlertFingerprint(.empty).description == "cbf29ce484222325")
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array("alertname".utf8) + [255] + Array("A".utf8) + [255] {
            hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
        }
        #expect(AlertFingerprint(LabelSet(["alertname": "A"])).value == hash)
    }
}

@Suite("Webhooks")
struct WebhookReceiverTests {
    private static func send(
        _ answers: [Result<WebhookResponse, WebhookTransportError>], client: NotificationClientSettings = .init()
    ) async -> (DeliveryOutcome, [WebhookRequest]) {
        let transport = FakeTransport(answers)
        let receiver = WebhookReceiver(
            settings: WebhookSettings(url: Secret("http://hook.example/a?token=t"), client: client), limits: .init(),
            externalURL: "", transport: transport)
        let outcome = await receiver.send(Sample.notification(Sample.alerts))
        return (outcome, transport.requests)
    }

    @Test(
        "answers are judged",
        arguments: [
            (200, "delivered"), (204, "delivered"), (400, "permanent"), (401, "permanent"), (301, "permanent"),
            (429, "retryable"), (500, "retryable"), (503, "retryable"), (408, "retryable"),
        ])
    func answers(status: Int, expected: String) async {
        let (outcome, _) = await Self.send([.success(WebhookResponse(status: status))])
        switch outcome {
        case .delivered: #expect(expected == "delivered")
        case .retryable: #expect(expected == "retryable")
        case .permanent: #expect(expected == "permanent")
        }
    }

    @Test("a redirect that keeps the POST is followed, credentials stay with their host")
    func redirects() async {
        let client = NotificationClientSettings(
            authentication: .basic(username: "u", password: .inline(Secret("p"))),
            headers: [.init(name: "X-Key", values: [Secret("k")])])
        let (outcome, requests) = await Self.send(
            [
                .success(WebhookResponse(status: 307, location: "/b")),
                .success(WebhookResponse(status: 308, location: "https://other.example/c")),
            ], client: client)
        #expect(outcome == .delivered(status: 200))
        #expect(
            requests.map { $0.url.reveal() } == [
                "http://hook.example/a?token=t", "http://hook.example/b", "https://other.example/c",
            ])
        let names = requests.map { $0.headers.map(\.name) }
        #expect(names[0] == ["Content-Type", "User-Agent", "Authorization", "X-Key"])
        #expect(names[1] == names[0])
        #expect(names[2] == ["Content-Type", "User-Agent"])
        #expect(requests[0].headers[2].value.reveal() == "Basic dTpw")
    }

    @Test("redirects have an end")
    func redirectLoop() async {
        let loop = Result<WebhookResponse, WebhookTransportError>.success(
            WebhookResponse(status: 307, location: "/b"))
        let (outcome, requests) = await Self.send(Array(repeating: loop, count: 50))
        #expect(outcome == .permanent(status: nil, message: "more than 5 redirects"))
        #expect(requests.count == 6)
    }

    @Test("waits double up to the longest and are spread by a quarter")
    func backoff() {
        let backoff = RetryBackoff(firstMilliseconds: 1000, longestMilliseconds: 60_000)
        #expect(
            (1...8).map { backoff.milliseconds(afterAttempt: $0, chance: 0) }
                == [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
        #expect(backoff.milliseconds(afterAttempt: 1, chance: 0.999) == 751)
    }
}

@Suite("The notifier")
struct NotifierTests {
    private static func settings() -> NotificationSettings {
        NotificationSettings(
            route: NotificationRoute(
                receiver: "r", groupWaitMilliseconds: 0, groupIntervalMilliseconds: 300_000),
            receivers: [
                NotificationReceiver(
                    name: "r", webhooks: [WebhookSettings(url: Secret("http://h/"))],
                    outputs: [StandardOutputSettings()])
            ])
    }

    @Test("alerts reach every place of their receiver, with retries, and every attempt is kept")
    func deliveries() async throws {
        let database = try AlertTables.inMemory()
        let store = SQLiteNotificationStateStore(database)
        let transport = FakeTransport([
            .failure(WebhookTransportError("connection refused")), .success(WebhookResponse(status: 503, body: "busy")),
        ])
        let (lines, continuation) = AsyncStream<String>.makeStream()
        let notifier = Notifier(
            settings: Self.settings(), externalURL: "http://h", store: store, transport: transport,
            output: { continuation.yield(String(decoding: $0, as: UTF8.self)) }, clock: JumpingClock(),
            logger: Logger(label: "test"))
        let running = Task { await notifier.run() }
        notifier.receive([GroupingStateTests.alert("A", "1", from: 1_000)])
        var iterator = lines.makeAsyncIterator()
        #expect(await iterator.next()?.contains(#""status":"firing""#) == true)
        while try store.loadLog().count < 2 { await Task.yield() }
        running.cancel()
        await running.value
        let attempts = try notifier.attempts()
        #expect(
            attempts.filter { $0.integration == "webhook/0" }.map(\.outcome) == [.delivered, .retrying, .retrying])
        #expect(
            attempts.filter { $0.integration == "webhook/0" }.map(\.message) == [
                "", "status 503: busy", "connection refused",
            ])
        #expect(attempts.filter { $0.integration == "stdout/0" }.map(\.outcome) == [.delivered])
        #expect(notifier.statistics().deliveredCount == 2)
        #expect(transport.requests.count == 3)
    }

    @Test("attempts beyond the limit leave the table, the oldest first")
    func attemptsKept() throws {
        let store = SQLiteNotificationStateStore(try AlertTables.inMemory())
        for number in 1...10 {
            try store.record(
                DeliveryAttempt(
                    at: Timestamp(milliseconds: 0), receiver: "r", integration: "webhook/0", groupKey: "g", reason: "",
                    firingCount: 1, resolvedCount: 0, attempt: number, outcome: .retrying, status: 500, message: "m",
                    milliseconds: 1), keeping: 3)
        }
        #expect(try store.attempts(limit: 100).map(\.attempt) == [10, 9, 8])
    }

    @Test("the log comes back from the database as it was")
    func log() throws {
        let store = SQLiteNotificationStateStore(try AlertTables.inMemory())
        let entry = NotificationLogEntry(
            at: Timestamp(milliseconds: 5), firing: [AlertFingerprint(value: .max), AlertFingerprint(value: 1)],
            resolved: [], expiresAt: Timestamp(milliseconds: 100))
        try store.save(key: "k", entry)
        #expect(try store.loadLog() == ["k": entry])
        try store.removeExpired(before: Timestamp(milliseconds: 100))
        #expect(try store.loadLog().isEmpty)
    }

    @Test("bytes that are no pairs are not read")
    func pairs() {
        let pairs = ["a": "b", "": "x", "long": String(repeating: "y", count: 300)]
        let bytes = PairsBlob.encode(pairs)
        #expect(PairsBlob.decode(bytes) == pairs)
        for count in 1..<bytes.count where PairsBlob.decode(Array(bytes.prefix(count))) != nil {
            #expect(PairsBlob.decode(Array(bytes.prefix(count))) != pairs)
        }
        #expect(PairsBlob.decode([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]) == nil)
    }
}
