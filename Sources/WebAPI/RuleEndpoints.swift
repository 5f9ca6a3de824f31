import Bytes
import MetricModel
import Rules

/// `/rules` and `/alerts`: what is computed on schedule and what it found.
struct RuleEndpoints: Sendable {
    let rules: RuleManager

    /// Which rules an answer shows.
    private struct Selection {
        var kind: RuleSettings.Kind?
        var names: Set<String>
        var groups: Set<String>
        var files: Set<String>
        var selectors: [[LabelMatcher]]

        func includes(_ group: RuleGroupSnapshot) -> Bool {
            (groups.isEmpty || groups.contains(group.name)) && (files.isEmpty || files.contains(group.file))
        }

        func includes(_ rule: RuleSnapshot) -> Bool {
            guard kind == nil || rule.kind == kind, names.isEmpty || names.contains(rule.name) else { return false }
            let labels = LabelSet(rule.labels)
            return selectors.isEmpty || selectors.contains { $0.allSatisfy { $0.matches(labels) } }
        }
    }

    func rules(_ request: APIRequest) throws(APIError) -> APIResponse {
        try request.parameters.checkWhole()
        let selection = try selection(request.parameters)
        let hidesAlerts = try flag(request.parameters, "exclude_alerts")
        var groups: [RuleGroupSnapshot] = []
        for group in rules.snapshot() where selection.includes(group) {
            var group = group
            group.rules = group.rules.filter { selection.includes($0) }
            if !group.rules.isEmpty { groups.append(group) }
        }
        let page = try page(groups, request.parameters)
        return .success { writer in
            writer.object {
                $0.key("groups")
                $0.array(of: page.groups) { $0.ruleGroup($1, hidesAlerts: hidesAlerts) }
                if let token = page.nextToken {
                    $0.key("groupNextToken")
                    $0.string(token)
                }
            }
        }
    }

    func alerts(_ request: APIRequest) -> APIResponse {
        let alerts = rules.snapshot().flatMap { $0.rules.flatMap(\.alerts) }
        return .success { writer in
            writer.object {
                $0.key("alerts")
                $0.array(of: alerts) { $0.alert($1) }
            }
        }
    }

    /// Alerts are delivered by this process itself.
    func alertmanagers(_ request: APIRequest) -> APIResponse {
        .success { writer in
            writer.object {
                for name in ["activeAlertmanagers", "droppedAlertmanagers"] {
                    $0.key(name)
                    $0.beginArray()
                    $0.endArray()
                }
            }
        }
    }

    private func selection(_ parameters: QueryParameters) throws(APIError) -> Selection {
        var kind: RuleSettings.Kind?
        switch parameters["type"]?.lowercased() {
        case nil: break
        case "alert": kind = .alerting
        case "record": kind = .recording
        case let other?: throw .invalidParameter("type", "not supported value \"\(other)\"")
        }
        return Selection(
            kind: kind, names: Set(parameters.all("rule_name[]")), groups: Set(parameters.all("rule_group[]")),
            files: Set(parameters.all("file[]")), selectors: try SeriesEndpoints.selectors(parameters, isNamed: true))
    }

    private func flag(_ parameters: QueryParameters, _ name: String) throws(APIError) -> Bool {
        switch parameters[name]?.lowercased() {
        case nil, "false", "0", "f": false
        case "true", "1", "t": true
        case let other?: throw .invalidParameter(name, "cannot parse \"\(other)\" as true or false")
        }
    }

    /// A page of groups.
    ///
    /// A token names the first group of the next page; it is opaque to clients.
    private func page(
        _ groups: [RuleGroupSnapshot], _ parameters: QueryParameters
    ) throws(APIError) -> (groups: [RuleGroupSnapshot], nextToken: String?) {
        let limit = try parameters.limit("group_limit")
        let token = parameters["group_next_token"]
        guard limit > 0 else {
            if token != nil {
                throw .invalidParameter("group_limit", "group_limit needs to be set with group_next_token")
            }
            return (groups, nil)
        }
        var rest = groups[...]
        if let token {
            guard let start = groups.firstIndex(where: { Self.token($0) == token }) else {
                throw .invalidParameter("group_next_token", "invalid group_next_token \"\(token)\"")
            }
            rest = groups[start...]
        }
        let shown = rest.prefix(limit)
        return (Array(shown), rest.dropFirst(limit).first.map(Self.token))
    }

    private static func token(_ group: RuleGroupSnapshot) -> String {
        String(ByteHash.hash(Array("\(group.file);\(group.name)".utf8)), radix: 16)
    }
}

extension JSONWriter {
    fileprivate mutating func ruleGroup(_ group: RuleGroupSnapshot, hidesAlerts: Bool) {
        object {
            $0.key("name")
            $0.string(group.name)
            $0.key("file")
            $0.string(group.file)
            $0.key("rules")
            $0.array(of: group.rules) { $0.rule($1, hidesAlerts: hidesAlerts) }
            $0.key("interval")
            $0.number(Double(group.intervalMilliseconds) / 1000)
            $0.key("limit")
            $0.integer(group.limit)
            $0.key("evaluationTime")
            $0.number(group.evaluationSeconds)
            $0.key("lastEvaluation")
            $0.string(group.lastEvaluation.map { TimeText.rfc3339($0) } ?? TimeText.never)
        }
    }

    private mutating func rule(_ rule: RuleSnapshot, hidesAlerts: Bool) {
        object {
            if rule.kind == .alerting {
                $0.key("state")
                $0.string(rule.state.rawValue)
            }
            $0.key("name")
            $0.string(rule.name)
            $0.key("query")
            $0.string(rule.query)
            if rule.kind == .alerting {
                $0.alertingFields(rule, hidesAlerts: hidesAlerts)
            } else if !rule.labels.isEmpty {
                $0.key("labels")
                $0.texts(rule.labels)
            }
            $0.key("health")
            $0.string(rule.health.rawValue)
            if let error = rule.lastError {
                $0.key("lastError")
                $0.string(error)
            }
            $0.key("evaluationTime")
            $0.number(rule.evaluationSeconds)
            $0.key("lastEvaluation")
            $0.string(rule.lastEvaluation.map { TimeText.rfc3339($0) } ?? TimeText.never)
            $0.key("type")
            $0.string(rule.kind == .alerting ? "alerting" : "recording")
        }
    }

    private mutating func alertingFields(_ rule: RuleSnapshot, hidesAlerts: Bool) {
        key("duration")
        number(Double(rule.holdMilliseconds) / 1000)
        key("keepFiringFor")
        number(Double(rule.keepFiringMilliseconds) / 1000)
        key("labels")
        texts(rule.labels)
        key("annotations")
        texts(rule.annotations)
        key("alerts")
        if hidesAlerts { null() } else { array(of: rule.alerts) { $0.alert($1) } }
    }

    fileprivate mutating func alert(_ alert: AlertSnapshot) {
        object {
            $0.key("labels")
            $0.labels(alert.labels)
            $0.key("annotations")
            $0.texts(alert.annotations)
            $0.key("state")
            $0.string(alert.state.rawValue)
            $0.key("activeAt")
            $0.string(TimeText.rfc3339(alert.activeAt))
            if let since = alert.keepFiringSince {
                $0.key("keepFiringSince")
                $0.string(TimeText.rfc3339(since))
            }
            $0.key("value")
            $0.sampleValue(alert.value, style: .exponent)
        }
    }

    private mutating func texts(_ pairs: [(name: String, value: String)]) {
        object {
            for pair in pairs {
                $0.key(pair.name)
                $0.string(pair.value)
            }
        }
    }
}
