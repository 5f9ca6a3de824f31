import Glibc
import TestSupport
import Testing

/// The unit and the manifest that are shipped, held against the tools that will read them.
@Suite("Deployment files")
struct DeploymentTests {
    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        + "/Sources/lapwing/Deployment"

    private static func has(_ program: String) -> Bool {
        ChildProcess.run(["sh", "-c", "command -v \(program)"], folder: TemporaryDirectory(), name: "which").code == 0
    }

    @Test(
        "systemd understands the unit, and finds little to reproach",
        .enabled(if: has("systemd-analyze"), "systemd-analyze is installed"))
    func unit() {
        let folder = TemporaryDirectory()
        let text = TemporaryDirectory.read(Self.folder + "/lapwing-collect.service")
        #expect(text.contains("ExecStart=/usr/bin/lapwing collect"))
        // The program need not be installed where the test runs.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasPrefix("ExecStart=") ? "ExecStart=/bin/true" : String($0)
        }
        let unit = folder.write("lapwing-collect.service", lines.joined(separator: "\n"))
        let verified = ChildProcess.run(["systemd-analyze", "verify", unit], folder: folder, name: "verify")
        #expect(verified.code == 0 && verified.errors.isEmpty, "\(verified.errors)")
        // 2.2 of 10: it needs the network and the sight of all processes.
        let judged = ChildProcess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=22", "--no-pager", unit], folder: folder,
            name: "security")
        #expect(judged.code == 0, "\(judged.output.suffix(400))")
    }

    @Test(
        "Kubernetes' own types know every field of the manifest, and it asks for no privileges",
        .enabled(if: has("kubectl") && has("python3"), "kubectl is installed"))
    func manifest() {
        let folder = TemporaryDirectory()
        let path = Self.folder + "/collector-daemonset.yaml"
        // Reading into the client's types and writing again loses what they do not know.
        let known = ChildProcess.run(
            ["kubectl", "label", "--local", "-f", path, "checked=yes", "-o", "json"], folder: folder, name: "kubectl")
        #expect(known.code == 0, "\(known.errors)")
        let types = folder.write("types.json", known.output)
        let script = folder.write(
            "check.py",
            """
            import json, sys, yaml
            written = yaml.safe_load(open("\(path)"))
            known = json.load(open("\(types)"))
            def lost(left, right, place):
                if isinstance(left, dict):
                    for key, value in left.items():
                        if not isinstance(right, dict) or key not in right:
                            # A false that is left out is the default.
                            if value is not False: print("unknown:", place + "." + key)
                        else: lost(value, right[key], place + "." + key)
                elif isinstance(left, list):
                    for index, value in enumerate(left): lost(value, right[index], place + "[%d]" % index)
                elif str(left) != str(right): print("different:", place, left, right)
            lost(written, known, "")
            pod = written["spec"]["template"]["spec"]
            own = pod["containers"][0]["securityContext"]
            assert own["allowPrivilegeEscalation"] is False and own["privileged"] is False
            assert own["readOnlyRootFilesystem"] is True and own["capabilities"] == {"drop": ["ALL"]}
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert not (pod["hostPID"] or pod["hostNetwork"] or pod["hostIPC"] or pod["automountServiceAccountToken"])
            assert all(mount["readOnly"] is True for mount in pod["containers"][0]["volumeMounts"])
            """)
        let checked = ChildProcess.run(["/usr/bin/python3", script], folder: folder, name: "check")
        #expect(checked.code == 0 && checked.output.isEmpty, "\(checked.output)\(checked.errors)")
    }

    /// Where `.ci/setup --tests` puts the schema of one release of Kubernetes.
    private static func schema(_ version: String) -> String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
            + "/.third-party/kubernetes-\(version).json"
    }

    /// What the schema finds wrong in a manifest, a line each.
    private func faults(_ manifest: String, _ version: String) -> (code: Int32, output: String, errors: String) {
        let folder = TemporaryDirectory()
        let path = folder.write("manifest.yaml", manifest)
        let script = folder.write(
            "check.py",
            """
            import json, jsonschema, re, yaml
            # References are made from one file to the other; here all stands in one.
            text = re.sub(r'("\\$ref": ")[^"#]*#/', r'\\1#/', open("\(Self.schema(version))").read())
            definitions = json.loads(text)
            schema = {"$defs": definitions["$defs"], "$ref": "#/$defs/io.k8s.api.apps.v1.DaemonSet"}
            for fault in jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(open("\(path)"))):
                print("/".join(str(part) for part in fault.absolute_path) + ":", fault.message)
            """)
        return ChildProcess.run(["/usr/bin/python3", script], folder: folder, name: "schema")
    }

    @Test(
        "the manifest holds to the strict schema of Kubernetes, which sees what is wrong",
        .enabled(
            if: has("python3") && TemporaryDirectory.read(schema("1.37")).count > 0,
            "the schema of Kubernetes was fetched (.ci/setup --tests)"),
        arguments: ["1.25", "1.37"])
    func manifestSchema(version: String) {
        let text = TemporaryDirectory.read(Self.folder + "/collector-daemonset.yaml")
        let sound = faults(text, version)
        #expect(sound.code == 0 && sound.output.isEmpty, "\(sound.output)\(sound.errors)")
        let broken = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.contains("hostPath:")
                ? "        hostPth:" : line.contains("runAsNonRoot:") ? "        runAsNonRoot: perhaps" : line
        }
        let found = faults(broken.joined(separator: "\n"), version)
        #expect(
            found.output.contains("hostPth") && found.output.contains("runAsNonRoot"), "\(found.output)\(found.errors)")
    }
}
