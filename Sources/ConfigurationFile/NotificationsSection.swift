import MetricModel
import Notifications

/// The `notifications` section: Alertmanager's words for routes and receivers.
enum NotificationsSection {
    static func read(_ value: YAMLValue, folder: String) throws(ConfigurationError) -> NotificationSettings {
        var reader = try MappingReader(value)
        var resolveTimeout: Int64?
        if var global = try reader.mapping("global") {
            resolveTimeout = try global.duration("resolve_timeout")
            try global.finish()
        }
        var receivers: [NotificationReceiver] = []
        for element in try reader.list("receivers") { receivers.append(try receiver(element, folder: folder)) }
        let route = try self.route(try reader.required("route"), depth: 0)
        for name in ["inhibit_rules", "time_intervals", "mute_time_intervals", "templates"] {
            if let written = reader.optional(name) { throw written.error("\(name) is not implemented yet") }
        }
        try reader.finish()
        var settings = NotificationSettings(route: route, receivers: receivers)
        if let resolveTimeout { settings.resolveTimeoutMilliseconds = resolveTimeout }
        if let problem = settings.problems().first { throw value.error(problem) }
        return settings
    }

    private static func route(_ value: YAMLValue, depth: Int) throws(ConfigurationError) -> NotificationRoute {
        guard depth < NotificationRoute.depthLimit else {
            throw value.error("routes are nested deeper than \(NotificationRoute.depthLimit)")
        }
        var reader = try MappingReader(value)
        var route = NotificationRoute()
        route.receiver = try reader.string("receiver")
        if let names = try reader.strings("group_by") {
            route.groupBy = names.contains("...") ? .all : .labels(names)
        }
        route.groupWaitMilliseconds = try reader.duration("group_wait")
        route.groupIntervalMilliseconds = try reader.duration("group_interval")
        route.repeatIntervalMilliseconds = try reader.duration("repeat_interval")
        route.continues = try reader.boolean("continue") ?? false
        for element in try reader.list("matchers") { route.matchers += try matchers(element) }
        for (name, kind) in [("match", LabelMatcher.Kind.equal), ("match_re", .regex)] {
            guard let written = reader.optional(name) else { continue }
            for member in try written.members() {
                route.matchers.append(
                    try matcher(try member.key.string(), kind, try member.value.string(), at: written))
            }
        }
        for element in try reader.list("routes") { route.routes.append(try self.route(element, depth: depth + 1)) }
        for name in ["mute_time_intervals", "active_time_intervals"] {
            if let written = reader.optional(name) { throw written.error("\(name) is not implemented yet") }
        }
        try reader.finish()
        return route
    }

    /// `name="value"`, `name=~value`, also `{…}` around several.
    private static func matchers(_ value: YAMLValue) throws(ConfigurationError) -> [LabelMatcher] {
        let text = try value.string()
        var matchers: [LabelMatcher] = []
        for piece in MatcherText.split(text) {
            guard let parts = MatcherText.parse(piece) else {
                throw value.error("expected a matcher such as severity=\"critical\", found \"\(piece)\"")
            }
            matchers.append(try matcher(parts.name, parts.kind, parts.value, at: value))
        }
        return matchers
    }

    private static func matcher(
        _ name: String, _ kind: LabelMatcher.Kind, _ value: String, at written: YAMLValue
    ) throws(ConfigurationError) -> LabelMatcher {
        do {
            return try LabelMatcher(name, kind, value)
        } catch {
            throw written.error(error.description)
        }
    }

    private static func receiver(_ value: YAMLValue, folder: String) throws(ConfigurationError) -> NotificationReceiver
    {
        var reader = try MappingReader(value)
        var receiver = NotificationReceiver(name: try reader.required("name").string())
        for element in try reader.list("webhook_configs") {
            receiver.webhooks.append(try webhook(element, folder: folder))
        }
        for element in try reader.list("stdout_configs") {
            var section = try MappingReader(element)
            receiver.outputs.append(StandardOutputSettings(sendsResolved: try section.boolean("send_resolved") ?? true))
            try section.finish()
        }
        for name in [
            "discord", "email", "slack", "pagerduty", "opsgenie", "telegram", "msteams", "msteamsv2", "pushover", "sns",
        ] {
            if let written = reader.optional(name + "_configs") {
                throw written.error(
                    "\(name)_configs is not implemented yet; webhook_configs and stdout_configs are there")
            }
        }
        try reader.finish()
        return receiver
    }

    private static func webhook(_ value: YAMLValue, folder: String) throws(ConfigurationError) -> WebhookSettings {
        var reader = try MappingReader(value)
        var webhook = WebhookSettings()
        webhook.url = try reader.secret("url")
        webhook.urlFile = try reader.string("url_file").map { FilePath.absolute($0, in: folder) }
        guard (webhook.url == nil) != (webhook.urlFile == nil) else {
            throw value.error("exactly one of url and url_file must be set")
        }
        if let url = webhook.url?.reveal(), !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            throw value.error("url must begin with http:// or https://")
        }
        webhook.sendsResolved = try reader.boolean("send_resolved") ?? true
        webhook.maximumAlerts = try reader.integer("max_alerts") ?? 0
        if let timeout = try reader.duration("timeout"), timeout > 0 { webhook.timeoutMilliseconds = timeout }
        if var section = try reader.mapping("http_config") { webhook.client = try client(&section, folder: folder) }
        try reader.finish()
        return webhook
    }

    private static func client(
        _ reader: inout MappingReader, folder: String
    ) throws(ConfigurationError) -> NotificationClientSettings {
        var client = NotificationClientSettings()
        if var basic = try reader.mapping("basic_auth") {
            let username = try basic.string("username") ?? ""
            let password = try credential(&basic, "password", folder: folder) ?? .inline(Secret(""))
            try basic.finish()
            client.authentication = .basic(username: username, password: password)
        }
        if var section = try reader.mapping("authorization") {
            let type = try section.string("type") ?? "Bearer"
            let credentials = try credential(&section, "credentials", folder: folder) ?? .inline(Secret(""))
            try section.finish()
            guard client.authentication == nil else {
                throw section.value.error("at most one of basic_auth and authorization may be set")
            }
            client.authentication = .authorization(type: type, credentials: credentials)
        }
        client.followsRedirects = try reader.boolean("follow_redirects") ?? true
        _ = try reader.boolean("enable_http2")
        if let written = reader.optional("http_headers") {
            for member in try written.members() {
                var fields = try MappingReader(member.value)
                let values = (try fields.strings("values") ?? []) + (try fields.strings("secrets") ?? [])
                try fields.finish()
                client.headers.append(
                    NotificationClientSettings.Header(name: try member.key.string(), values: values.map { Secret($0) }))
            }
        }
        if var section = try reader.mapping("tls_config") {
            client.certificateAuthorityFile = try section.string("ca_file").map { FilePath.absolute($0, in: folder) }
            client.skipsCertificateVerification = try section.boolean("insecure_skip_verify") ?? false
            try section.finish()
        }
        for name in ["oauth2", "proxy_url"] {
            if let written = reader.optional(name) { throw written.error("\(name) is not implemented yet") }
        }
        try reader.finish()
        return client
    }

    private static func credential(
        _ reader: inout MappingReader, _ name: String, folder: String
    ) throws(ConfigurationError) -> NotificationCredential? {
        let inline = try reader.secret(name)
        let file = try reader.string(name + "_file")
        guard inline == nil || file == nil else {
            throw reader.value.error("at most one of \(name) and \(name)_file may be set")
        }
        if let inline { return .inline(inline) }
        return file.map { .file(FilePath.absolute($0, in: folder)) }
    }
}

/// Matchers in Alertmanager's notation.
enum MatcherText {
    /// The pieces between commas that stand outside quotes; surrounding braces are taken off.
    static func split(_ text: String) -> [String] {
        var trimmed = Substring(text).trimmed
        if trimmed.hasPrefix("{"), trimmed.hasSuffix("}") { trimmed = trimmed.dropFirst().dropLast().trimmed }
        var pieces: [String] = []
        var current = ""
        var isQuoted = false
        var isEscaped = false
        for character in trimmed {
            if character == ",", !isQuoted {
                pieces.append(current)
                current = ""
                continue
            }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = character == "\\" && !isEscaped
            current.append(character)
        }
        pieces.append(current)
        return pieces.map { String(Substring($0).trimmed) }.filter { !$0.isEmpty }
    }

    static func parse(_ piece: String) -> (name: String, kind: LabelMatcher.Kind, value: String)? {
        guard let position = piece.firstIndex(where: { "=!".contains($0) }) else { return nil }
        let rest = piece[position...]
        for kind in [LabelMatcher.Kind.regex, .notRegex, .notEqual, .equal] where rest.hasPrefix(kind.rawValue) {
            let name = unquoted(piece[..<position].trimmed)
            let value = unquoted(rest.dropFirst(kind.rawValue.count).trimmed)
            return name.isEmpty ? nil : (name, kind, value)
        }
        return nil
    }

    private static func unquoted(_ text: Substring) -> String {
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return String(text) }
        var result = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            result.append(isEscaped && character == "n" ? "\n" : character)
            isEscaped = false
        }
        return result
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " || $0 == "\t" || $0 == "\n" }
        guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" && $0 != "\n" }) else {
            return start.prefix(0)
        }
        return start[...end]
    }
}
