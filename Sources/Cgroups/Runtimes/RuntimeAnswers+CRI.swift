/// What a runtime tells over the kubelet's interface, `cri-api/pkg/apis/runtime/v1/api.proto`.
///
///     ContainerStatusResponse:   status 1
///     ContainerStatus:           metadata 2 (name 1, attempt 2)  state 3  exit_code 7  image 8 (image 1,
///                                user_specified_image 18)  labels 12
///     PodSandboxStatusResponse:  status 1
///     PodSandboxStatus:          metadata 2 (name 1, uid 2, namespace 3)  labels 7
extension RuntimeAnswers {
    static let containerStatusMethod = "/runtime.v1.RuntimeService/ContainerStatus"
    static let sandboxStatusMethod = "/runtime.v1.RuntimeService/PodSandboxStatus"
    private static let exitedState: UInt64 = 2

    /// The question of both: the identifier (1).
    static func statusRequest(_ identifier: String) -> [UInt8] {
        [0x0A, UInt8(truncatingIfNeeded: identifier.utf8.count)] + identifier.utf8
    }

    /// The names of a container; nil where it has none.
    static func containerStatus(_ message: [UInt8], labels wanted: Set<String>) -> ContainerNames? {
        var names = ContainerNames()
        var uid = ""
        var given = ""
        fields(of: status(in: message)) { field, content in
            switch field {
            case 2:
                names.container = text(1, of: content)
                names.restarts = number(2, of: content)
            case 8:
                given = text(18, of: content)
                names.image = text(1, of: content)
            case 12:
                takeLabel(content, wanted: wanted, into: &names)
                let label = entry(content)
                if label.key == "io.kubernetes.pod.uid" { uid = label.value }
            default: break
            }
        }
        guard !names.container.isEmpty else { return nil }
        // What the pod asked for says more than the digest it became.
        if !given.isEmpty { names.image = given }
        if !names.pod.isEmpty {
            names.name = ["k8s", names.container, names.pod, names.namespace, uid, String(names.restarts)].joined(
                separator: "_")
        }
        names.labels.sort { $0.exportedName < $1.exportedName }
        return names
    }

    /// The names of the container that only holds a pod's namespaces; nil where it has none.
    static func sandboxStatus(_ message: [UInt8], labels wanted: Set<String>) -> ContainerNames? {
        var names = ContainerNames()
        fields(of: status(in: message)) { field, content in
            switch field {
            case 2:
                names.pod = text(1, of: content)
                names.namespace = text(3, of: content)
            case 7: takeLabel(content, wanted: wanted, into: &names)
            default: break
            }
        }
        guard !names.pod.isEmpty else { return nil }
        names.container = "POD"
        names.labels.sort { $0.exportedName < $1.exportedName }
        return names
    }

    /// The code of a container that has ended.
    static func exitCode(_ message: [UInt8]) -> Int32? {
        let status = status(in: message)
        return number(3, of: status) == exitedState ? Int32(truncatingIfNeeded: number(7, of: status)) : nil
    }

    private static func status(in message: [UInt8]) -> [UInt8] {
        var status: [UInt8] = []
        fields(of: message) { if $0 == 1 { status = $1 } }
        return status
    }

    private static func text(_ wanted: Int, of message: [UInt8]) -> String {
        var text = ""
        fields(of: message) { if $0 == wanted { text = String(decoding: $1, as: UTF8.self) } }
        return text
    }
}
