/// Asks one runtime about some of its containers; every wait ends after a while.
struct RuntimeQuestions: Sendable {
    /// Up to so many containers are asked about one by one; for more the list of all is had.
    static let maximumSingleQuestions = 8
    private static let answerLimitBytes = 8 << 20
    /// Containers asked about in one call to containerd, whose answers are large.
    private static let batchCount = 32
    private static let maximumNamespaces = 64

    let kind: RuntimeKind
    /// Where the socket is for us.
    let path: String
    /// The container labels that may be kept.
    let labels: Set<String>
    /// A whole round of questions may take this long.
    let patienceMilliseconds: UInt64

    /// What the runtime knows of these containers; those that it does not know are left out.
    func answers(about identifiers: [String]) throws(RuntimeFailure) -> [RuntimeAnswer] {
        guard !identifiers.isEmpty else { return [] }
        let conversation = try LocalConversation(path: path, patienceMilliseconds: patienceMilliseconds)
        return switch kind {
        case .docker, .podman: try docker(conversation, identifiers)
        case .crio: try crio(conversation, identifiers)
        case .containerd: try containerd(conversation, identifiers)
        }
    }

    /// The codes of containers that have ended, each asked about with the wall clock nanoseconds of its start.
    func ends(of containers: [String: UInt64]) throws(RuntimeFailure) -> [RuntimeAnswer] {
        guard !containers.isEmpty else { return [] }
        var answers: [RuntimeAnswer] = []
        switch kind {
        case .docker, .podman:
            var conversation = try LocalConversation(path: path, patienceMilliseconds: patienceMilliseconds)
            for (identifier, started) in containers {
                let answer = try conversation.get("/containers/\(identifier)/json", limitBytes: Self.answerLimitBytes)
                guard answer.status == 200 || answer.status == 404 else { throw .status(answer.status) }
                let code = RuntimeEnds.docker(answer.body, started: started)
                if let code { answers.append(.exited(code: code, of: identifier)) }
            }
        case .containerd, .crio:
            var calls = try RemoteCalls(LocalConversation(path: path, patienceMilliseconds: patienceMilliseconds))
            for identifier in containers.keys {
                let answer = try calls.callIfKnown(
                    RuntimeAnswers.containerStatusMethod, message: RuntimeAnswers.statusRequest(identifier))
                let code = answer.flatMap { RuntimeAnswers.exitCode($0) }
                if let code { answers.append(.exited(code: code, of: identifier)) }
            }
        }
        return answers
    }

    private func docker(
        _ start: consuming LocalConversation, _ identifiers: [String]
    ) throws(RuntimeFailure) -> [RuntimeAnswer] {
        var conversation = start
        guard identifiers.count <= Self.maximumSingleQuestions else {
            let answer = try conversation.get("/containers/json", limitBytes: Self.answerLimitBytes)
            guard answer.status == 200 else { throw .status(answer.status) }
            return RuntimeAnswers.listed(answer.body, of: Set(identifiers), labels: labels)
        }
        var answers: [RuntimeAnswer] = []
        for identifier in identifiers {
            let answer = try conversation.get("/containers/\(identifier)/json", limitBytes: Self.answerLimitBytes)
            switch answer.status {
            case 200:
                guard let names = RuntimeAnswers.inspected(answer.body, labels: labels) else {
                    throw .malformed("no container with a name")
                }
                answers.append(.names(names, of: identifier))
            case 404: break
            default: throw .status(answer.status)
            }
        }
        return answers
    }

    private func crio(
        _ start: consuming LocalConversation, _ identifiers: [String]
    ) throws(RuntimeFailure) -> [RuntimeAnswer] {
        var calls = try RemoteCalls(start)
        var answers: [RuntimeAnswer] = []
        for identifier in identifiers {
            let request = RuntimeAnswers.statusRequest(identifier)
            var names: ContainerNames?
            if let answer = try calls.callIfKnown(RuntimeAnswers.containerStatusMethod, message: request) {
                names = RuntimeAnswers.containerStatus(answer, labels: labels)
            } else if let answer = try calls.callIfKnown(RuntimeAnswers.sandboxStatusMethod, message: request) {
                names = RuntimeAnswers.sandboxStatus(answer, labels: labels)
            }
            if let names { answers.append(.names(names, of: identifier)) }
        }
        return answers
    }

    private func containerd(
        _ start: consuming LocalConversation, _ identifiers: [String]
    ) throws(RuntimeFailure) -> [RuntimeAnswer] {
        var calls = try RemoteCalls(start)
        let listed = try calls.call("/containerd.services.namespaces.v1.Namespaces/List", message: [])
        var missing = Set(identifiers)
        var found: [String: ContainerNames] = [:]
        // Docker's own namespace holds its containers without their names.
        for namespace in RuntimeAnswers.namespaces(listed).prefix(Self.maximumNamespaces) where namespace != "moby" {
            let asked = missing.sorted()
            for first in stride(from: 0, to: asked.count, by: Self.batchCount) {
                var message: [UInt8] = []
                for identifier in asked[first..<min(first + Self.batchCount, asked.count)] {
                    let filter = "id==\(identifier)"
                    message += [0x0A, UInt8(filter.utf8.count)] + filter.utf8
                }
                let answer = try calls.call(
                    "/containerd.services.containers.v1.Containers/List",
                    headers: [("containerd-namespace", namespace)], message: message)
                for case .names(let names, let identifier) in RuntimeAnswers.containerd(answer, labels: labels) {
                    found[identifier] = names
                    missing.remove(identifier)
                }
            }
        }
        // How often a pod's container was started again is told over the kubelet's interface alone.
        for (identifier, names) in found where !names.pod.isEmpty && names.container != "POD" {
            let answer = try calls.callIfKnown(
                RuntimeAnswers.containerStatusMethod, message: RuntimeAnswers.statusRequest(identifier))
            let status = answer.flatMap { RuntimeAnswers.containerStatus($0, labels: []) }
            found[identifier]?.restarts = status?.restarts ?? 0
        }
        return found.sorted { $0.key < $1.key }.map { .names($0.value, of: $0.key) }
    }

    /// Containerd's stream of ends, `containerd/api/services/events/v1/events.proto`; the request has filters (1).
    static let exitsMethod = "/containerd.services.events.v1.Events/Subscribe"
    static let exitsRequest = [0x0A, UInt8(exitsFilter.utf8.count)] + exitsFilter.utf8
    private static let exitsFilter = "topic==\"/tasks/exit\""
    /// Docker's and Podman's stream of what happens to containers.
    static let eventsPath = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D"
}
