internal import Bytes

/// What a runtime told of a container.
enum RuntimeAnswer: Equatable, Sendable {
    case names(ContainerNames, of: String)
    case health(UInt64?, of: String)
    case exited(code: Int32, of: String)
}

/// Reads what runtimes answer.
///
/// Environment variables, which some answers hold, are passed over.
enum RuntimeAnswers {
    /// Docker's and Podman's `/containers/ID/json`, which has the shape of Docker's own file.
    static func inspected(_ body: [UInt8], labels: Set<String>) -> ContainerNames? {
        RuntimeFiles.docker(body, labels: labels)
    }

    /// Docker's and Podman's `/containers/json`: a list of all containers that run.
    static func listed(_ body: [UInt8], of wanted: Set<String>, labels: Set<String>) -> [RuntimeAnswer] {
        var known: [String: ContainerNames] = [:]
        var current = ContainerNames()
        var identifier = ""
        func finish() {
            if wanted.contains(identifier), !current.name.isEmpty {
                current.labels.sort { $0.exportedName < $1.exportedName }
                known[identifier] = current
            }
            current = ContainerNames()
        }
        JSONStrings.forEach(in: body) { path, value in
            switch path {
            case ["", "Id"]:
                finish()
                identifier = value
            case ["", "Names", ""]:
                if current.name.isEmpty { current.name = value.hasPrefix("/") ? String(value.dropFirst()) : value }
            case ["", "Image"]: current.image = value
            case ["", "Status"]: current.health = health(inStatus: value)
            case ["", "Labels", "io.kubernetes.container.name"]: current.container = value
            case ["", "Labels", "io.kubernetes.pod.name"]: current.pod = value
            case ["", "Labels", "io.kubernetes.pod.namespace"]: current.namespace = value
            default: break
            }
            if path.count == 3, path[1] == "Labels", labels.contains(path[2]) {
                current.labels.append(ContainerLabel(name: path[2], value: value))
            }
        }
        finish()
        return known.map { .names($0.value, of: $0.key) }
    }

    /// The health in `Up 3 minutes (healthy)`.
    private static func health(inStatus text: String) -> UInt64? {
        guard let open = text.lastIndex(of: "("), text.hasSuffix(")") else { return nil }
        let word = text[text.index(after: open)...].dropLast()
        return RuntimeFiles.health(String(word.hasPrefix("health: ") ? word.dropFirst(8) : word))
    }

    /// One line of Docker's or Podman's `/events`; nil for what does not concern us.
    static func event(_ line: [UInt8]) -> RuntimeAnswer? {
        var action = ""
        var identifier = ""
        var code: Int32?
        JSONStrings.forEach(in: line) { path, value in
            switch path {
            case ["Action"]: action = value
            case ["Actor", "ID"]: identifier = value
            case ["Actor", "Attributes", "exitCode"], ["Actor", "Attributes", "containerExitCode"]: code = Int32(value)
            default: break
            }
        }
        guard !identifier.isEmpty else { return nil }
        if action.hasPrefix("health_status: ") {
            return RuntimeFiles.health(String(action.dropFirst(15))).map { .health($0, of: identifier) }
        }
        guard action == "die" || action == "died", let code else { return nil }
        return .exited(code: code, of: identifier)
    }

    // MARK: containerd

    /// The names of `ListNamespacesResponse`, `containerd/api/services/namespaces/v1/namespace.proto`.
    static func namespaces(_ message: [UInt8]) -> [String] {
        var names: [String] = []
        Self.fields(of: message) { field, content in
            guard field == 1 else { return }
            Self.fields(of: content) { if $0 == 1 { names.append(String(decoding: $1, as: UTF8.self)) } }
        }
        return names
    }

    /// The containers of `ListContainersResponse`, `containerd/api/services/containers/v1/containers.proto`:
    /// id 1, labels 2, image 3; the specification (5), with its environment, is not looked at.
    static func containerd(_ message: [UInt8], labels wanted: Set<String>) -> [RuntimeAnswer] {
        var answers: [RuntimeAnswer] = []
        Self.fields(of: message) { field, content in
            guard field == 1 else { return }
            var identifier = ""
            var names = ContainerNames()
            Self.fields(of: content) { field, content in
                switch field {
                case 1: identifier = String(decoding: content, as: UTF8.self)
                case 2: Self.takeLabel(content, wanted: wanted, into: &names)
                case 3: names.image = String(decoding: content, as: UTF8.self)
                default: break
                }
            }
            names.labels.sort { $0.exportedName < $1.exportedName }
            if !identifier.isEmpty, names != ContainerNames() { answers.append(.names(names, of: identifier)) }
        }
        return answers
    }

    /// The end of a container's first process, in an `Envelope` of containerd's events: topic 3, event 4 with the value 2,
    /// there a `TaskExit`: container 1, process 2, status 4.
    static func taskExit(_ envelope: [UInt8]) -> RuntimeAnswer? {
        var topic = ""
        var end: [UInt8] = []
        fields(of: envelope) { field, content in
            if field == 3 { topic = String(decoding: content, as: UTF8.self) }
            if field == 4 { fields(of: content) { if $0 == 2 { end = $1 } } }
        }
        guard topic == "/tasks/exit" else { return nil }
        var identifier = ""
        var process = ""
        fields(of: end) { field, content in
            if field == 1 { identifier = String(decoding: content, as: UTF8.self) }
            if field == 2 { process = String(decoding: content, as: UTF8.self) }
        }
        // Another process of the container, begun by exec, has a name of its own.
        guard !identifier.isEmpty, process.isEmpty || process == identifier else { return nil }
        return .exited(code: Int32(truncatingIfNeeded: number(4, of: end)), of: identifier)
    }

    /// A map's entry: key 1, value 2.
    static func entry(_ entry: [UInt8]) -> (key: String, value: String) {
        var key = ""
        var value = ""
        fields(of: entry) { field, content in
            if field == 1 { key = String(decoding: content, as: UTF8.self) }
            if field == 2 { value = String(decoding: content, as: UTF8.self) }
        }
        return (key, value)
    }

    static func takeLabel(_ content: [UInt8], wanted: Set<String>, into names: inout ContainerNames) {
        let (key, value) = entry(content)
        switch key {
        case "io.kubernetes.container.name": names.container = value
        case "io.kubernetes.pod.name": names.pod = value
        case "io.kubernetes.pod.namespace": names.namespace = value
        case "io.cri-containerd.kind": if value == "sandbox" { names.container = "POD" }
        case "nerdctl/name": names.name = value
        default: break
        }
        if wanted.contains(key) { names.labels.append(ContainerLabel(name: key, value: value)) }
    }

    /// A number of a message, 0 where it is left out.
    static func number(_ field: Int, of message: [UInt8]) -> UInt64 {
        unsafe message.withUnsafeBytes { raw in
            var number: UInt64 = 0
            var reader = unsafe WireReader(raw)
            while reader.next() {
                if reader.field == field, reader.kind == .varint { number = reader.number }
            }
            return number
        }
    }

    /// Calls for each field that has bytes; what is behind a fault is not met.
    static func fields(of message: [UInt8], _ visit: (Int, [UInt8]) -> Void) {
        unsafe message.withUnsafeBytes { raw in
            var reader = unsafe WireReader(raw)
            while reader.next() {
                if reader.kind == .bytes { visit(reader.field, Array(message[reader.content])) }
            }
        }
    }
}
