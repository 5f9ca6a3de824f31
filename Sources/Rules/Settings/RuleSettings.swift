package import MetricModel

/// What a rule file says, as it says it: times that are missing are nil and come from the global section.
package struct RuleFileContents: Hashable, Sendable {
    /// The path as the configuration gave it (after globbing); part of each group's identity.
    package var path: String
    package var groups: [RuleGroupSettings]
    /// What was read over, as sentences.
    package var warnings: [String] = []

    package init(path: String, groups: [RuleGroupSettings] = []) {
        self.path = path
        self.groups = groups
    }
}

/// One group: rules evaluated one after the other at one time.
package struct RuleGroupSettings: Hashable, Sendable {
    /// Not empty, unique inside its file.
    package var name: String
    /// Nil: the global `evaluation_interval`.
    package var intervalMilliseconds: Int64?
    /// The most series (or alerts) a rule may give, 0 for no limit.
    package var limit: Int
    /// Nil: the global `rule_query_offset`.
    package var queryOffsetMilliseconds: Int64?
    /// Labels under those of each rule.
    package var labels: [String: String]
    package var rules: [RuleSettings]

    package init(
        name: String, intervalMilliseconds: Int64? = nil, limit: Int = 0, queryOffsetMilliseconds: Int64? = nil,
        labels: [String: String] = [:], rules: [RuleSettings] = []
    ) {
        self.name = name
        self.intervalMilliseconds = intervalMilliseconds
        self.limit = limit
        self.queryOffsetMilliseconds = queryOffsetMilliseconds
        self.labels = labels
        self.rules = rules
    }
}

/// One rule of a group.
package struct RuleSettings: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case recording, alerting }

    package var kind: Kind
    /// The recorded metric's name, or the alert's.
    package var name: String
    /// PromQL, as written.
    package var expression: String
    /// Alerting only: how long the expression must give the element before the alert fires (`for`).
    package var holdMilliseconds: Int64
    /// Alerting only (`keep_firing_for`).
    package var keepFiringMilliseconds: Int64
    /// Templates in an alerting rule.
    ///
    /// An empty value removes the label.
    package var labels: [String: String]
    /// Templates; alerting only.
    package var annotations: [String: String]

    package init(
        kind: Kind, name: String, expression: String, holdMilliseconds: Int64 = 0, keepFiringMilliseconds: Int64 = 0,
        labels: [String: String] = [:], annotations: [String: String] = [:]
    ) {
        self.kind = kind
        self.name = name
        self.expression = expression
        self.holdMilliseconds = holdMilliseconds
        self.keepFiringMilliseconds = keepFiringMilliseconds
        self.labels = labels
        self.annotations = annotations
    }
}

/// What the manager needs: the files and the global values around them.
package struct RuleManagerSettings: Hashable, Sendable {
    package var files: [RuleFileContents]
    /// The interval of groups without one of their own (`global.evaluation_interval`).
    package var evaluationIntervalMilliseconds: Int64
    /// The offset of groups without one of their own (`global.rule_query_offset`).
    package var queryOffsetMilliseconds: Int64
    /// `global.external_labels`: added to alerts that leave, and known to templates.
    package var externalLabels: LabelSet
    /// `--web.external-url`: where people reach this server, for links; without a slash at the end.
    package var externalURL: String
    /// How long a firing alert waits until it is sent again (`--rules.alert.resend-delay`).
    package var resendDelayMilliseconds: Int64
    /// `--rules.alert.for-outage-tolerance`: an alert's state older than this is not restored.
    package var outageToleranceMilliseconds: Int64
    /// `--rules.alert.for-grace-period`: the least an alert with `for` pends after an outage.
    package var graceMilliseconds: Int64
    /// `--rules.max-concurrent-evals`: groups evaluated at one time.
    package var concurrentEvaluations: Int

    package init(
        files: [RuleFileContents] = [], evaluationIntervalMilliseconds: Int64 = 60_000,
        queryOffsetMilliseconds: Int64 = 0, externalLabels: LabelSet = .empty,
        externalURL: String = "http://localhost:9090", resendDelayMilliseconds: Int64 = 60_000,
        outageToleranceMilliseconds: Int64 = 3_600_000, graceMilliseconds: Int64 = 600_000,
        concurrentEvaluations: Int = 4
    ) {
        self.files = files
        self.evaluationIntervalMilliseconds = evaluationIntervalMilliseconds
        self.queryOffsetMilliseconds = queryOffsetMilliseconds
        self.externalLabels = externalLabels
        self.externalURL = externalURL
        self.resendDelayMilliseconds = resendDelayMilliseconds
        self.outageToleranceMilliseconds = outageToleranceMilliseconds
        self.graceMilliseconds = graceMilliseconds
        self.concurrentEvaluations = concurrentEvaluations
    }
}
