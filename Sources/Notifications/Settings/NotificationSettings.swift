package import MetricModel

/// The `notifications:` section: who is told about which alerts, when and how, in Alertmanager's words.
package struct NotificationSettings: Hashable, Sendable {
    /// The root of the tree; it has no matchers and names a receiver.
    package var route: NotificationRoute
    /// Names are unique; every receiver that a route names is here (`NotificationSettings.problems()` checks it).
    package var receivers: [NotificationReceiver]
    /// How long an alert that nobody ends counts as firing (`global.resolve_timeout`).
    package var resolveTimeoutMilliseconds: Int64
    package var limits: NotificationLimits

    package init(
        route: NotificationRoute, receivers: [NotificationReceiver], resolveTimeoutMilliseconds: Int64 = 300_000,
        limits: NotificationLimits = .init()
    ) {
        self.route = route
        self.receivers = receivers
        self.resolveTimeoutMilliseconds = resolveTimeoutMilliseconds
        self.limits = limits
    }

    /// What holds without configuration: every alert goes to standard output as JSON lines.
    ///
    /// Alerts of one name share a notification; a line a few seconds after the alert is worth more to a newcomer than
    /// few lines, so the first wait is short.
    package static let standard = NotificationSettings(
        route: NotificationRoute(
            receiver: "stdout", groupBy: .labels([LabelName.alertName]), groupWaitMilliseconds: 5_000,
            groupIntervalMilliseconds: 60_000),
        receivers: [NotificationReceiver(name: "stdout", outputs: [StandardOutputSettings()])])

    /// Sentences about what cannot work: unknown or double receivers, a root with matchers, times that are not positive.
    package func problems() -> [String] {
        var problems: [String] = []
        var names: Set<String> = []
        for receiver in receivers {
            if receiver.name.isEmpty { problems.append("a receiver has no name") }
            if !names.insert(receiver.name).inserted {
                problems.append("receiver \(LabelName.quoted(receiver.name)) is defined twice")
            }
        }
        if route.receiver == nil { problems.append("the root route names no receiver") }
        if !route.matchers.isEmpty { problems.append("the root route must not have matchers") }
        if route.continues { problems.append("the root route must not have continue") }
        route.collectProblems(receivers: names, depth: 0, into: &problems)
        return problems
    }
}

/// One node of the routing tree.
///
/// What is nil is taken from the parent.
package struct NotificationRoute: Hashable, Sendable {
    /// What makes alerts of one route share a notification.
    package enum GroupBy: Hashable, Sendable {
        /// Alerts with the same values of these labels.
        case labels([String])
        /// `...`: every alert is a group of its own.
        case all
    }

    package static let depthLimit = 32

    package var receiver: String?
    package var groupBy: GroupBy?
    package var groupWaitMilliseconds: Int64?
    package var groupIntervalMilliseconds: Int64?
    package var repeatIntervalMilliseconds: Int64?
    /// All of them match; no matcher matches everything.
    package var matchers: [LabelMatcher]
    /// Whether siblings behind this one are tried too (`continue`).
    package var continues: Bool
    package var routes: [NotificationRoute]

    package init(
        receiver: String? = nil, groupBy: GroupBy? = nil, groupWaitMilliseconds: Int64? = nil,
        groupIntervalMilliseconds: Int64? = nil, repeatIntervalMilliseconds: Int64? = nil,
        matchers: [LabelMatcher] = [], continues: Bool = false, routes: [NotificationRoute] = []
    ) {
        self.receiver = receiver
        self.groupBy = groupBy
        self.groupWaitMilliseconds = groupWaitMilliseconds
        self.groupIntervalMilliseconds = groupIntervalMilliseconds
        self.repeatIntervalMilliseconds = repeatIntervalMilliseconds
        self.matchers = matchers
        self.continues = continues
        self.routes = routes
    }

    fileprivate func collectProblems(receivers: Set<String>, depth: Int, into problems: inout [String]) {
        guard depth < Self.depthLimit else {
            problems.append("routes are nested deeper than \(Self.depthLimit)")
            return
        }
        if let receiver, !receivers.contains(receiver) {
            problems.append("a route names receiver \(LabelName.quoted(receiver)), which is not defined")
        }
        if let interval = groupIntervalMilliseconds, interval <= 0 {
            problems.append("group_interval must be positive")
        }
        if let interval = repeatIntervalMilliseconds, interval <= 0 {
            problems.append("repeat_interval must be positive")
        }
        if let wait = groupWaitMilliseconds, wait < 0 { problems.append("group_wait must not be negative") }
        if case .labels(let names) = groupBy, Set(names).count != names.count {
            problems.append("group_by names a label twice")
        }
        for child in routes { child.collectProblems(receivers: receivers, depth: depth + 1, into: &problems) }
    }
}

/// A name with the places it delivers to; without any it swallows its alerts.
package struct NotificationReceiver: Hashable, Sendable {
    package var name: String
    package var webhooks: [WebhookSettings]
    package var outputs: [StandardOutputSettings]

    package init(name: String, webhooks: [WebhookSettings] = [], outputs: [StandardOutputSettings] = []) {
        self.name = name
        self.webhooks = webhooks
        self.outputs = outputs
    }
}

/// `stdout_configs`: one JSON line a notification on standard output (an addition to Alertmanager's integrations).
package struct StandardOutputSettings: Hashable, Sendable {
    package var sendsResolved: Bool

    package init(sendsResolved: Bool = true) { self.sendsResolved = sendsResolved }
}

/// `webhook_configs`: a POST with Alertmanager's payload of version 4.
package struct WebhookSettings: Hashable, Sendable {
    /// Where to; nil when `urlFile` is used.
    ///
    /// A secret, because many services put the token into the address.
    package var url: Secret?
    /// A file that holds the address, read at each delivery (`url_file`).
    package var urlFile: String?
    package var sendsResolved: Bool
    /// The most alerts in one payload, 0 for all (`max_alerts`); `truncatedAlerts` counts the others.
    package var maximumAlerts: Int
    package var timeoutMilliseconds: Int64
    package var client: NotificationClientSettings

    package init(
        url: Secret? = nil, urlFile: String? = nil, sendsResolved: Bool = true, maximumAlerts: Int = 0,
        timeoutMilliseconds: Int64 = 10_000, client: NotificationClientSettings = .init()
    ) {
        self.url = url
        self.urlFile = urlFile
        self.sendsResolved = sendsResolved
        self.maximumAlerts = maximumAlerts
        self.timeoutMilliseconds = timeoutMilliseconds
        self.client = client
    }
}

/// The parts of `http_config` that deliveries honour.
package struct NotificationClientSettings: Hashable, Sendable {
    /// How a request says who it is.
    package enum Authentication: Hashable, Sendable {
        case basic(username: String, password: NotificationCredential)
        /// `type` stands before the credentials: `Bearer` unless told otherwise.
        case authorization(type: String, credentials: NotificationCredential)
    }

    package struct Header: Hashable, Sendable {
        package var name: String
        package var values: [Secret]
        package init(name: String, values: [Secret]) {
            self.name = name
            self.values = values
        }
    }

    package var authentication: Authentication?
    /// Redirects are followed (at most five); to another host without credentials and without these headers.
    package var followsRedirects: Bool
    package var headers: [Header]
    /// Certificate authorities in PEM instead of the system's (`tls_config.ca_file`).
    package var certificateAuthorityFile: String?
    package var skipsCertificateVerification: Bool

    package init(
        authentication: Authentication? = nil, followsRedirects: Bool = true, headers: [Header] = [],
        certificateAuthorityFile: String? = nil, skipsCertificateVerification: Bool = false
    ) {
        self.authentication = authentication
        self.followsRedirects = followsRedirects
        self.headers = headers
        self.certificateAuthorityFile = certificateAuthorityFile
        self.skipsCertificateVerification = skipsCertificateVerification
    }
}

/// A secret from the configuration itself or from a file that is read at each delivery.
package enum NotificationCredential: Hashable, Sendable {
    case inline(Secret)
    case file(String)
}

/// The limits of the notifier, each with its default.
package struct NotificationLimits: Hashable, Sendable {
    /// Alerts known at one time; new ones beyond it are refused and counted.
    package var alerts = 100_000
    /// Groups at one time.
    package var groups = 10_000
    /// Deliveries at one time, over all receivers.
    package var concurrentDeliveries = 8
    /// Attempts of one notification.
    package var attempts = 12
    package var firstBackoffMilliseconds: Int64 = 1_000
    package var longestBackoffMilliseconds: Int64 = 60_000
    /// The first bytes of an answer that are read and kept with the attempt.
    package var responseBodyBytes = 1_024
    /// The largest payload; beyond it alerts are left out and counted in `truncatedAlerts`.
    package var payloadBytes = 4 << 20
    /// Attempts kept in `state.sqlite`; the oldest go first.
    package var attemptsKept = 10_000

    package init() {}
}
