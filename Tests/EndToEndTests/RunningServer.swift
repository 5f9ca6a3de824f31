import Bytes
import Glibc
import Remote
import TestSupport

/// The release binary as people run it, with its API at hand.
final class RunningServer {
    /// The binary under test: `LAPWING`, as `make test` sets it.
    static var binary: String? {
        guard let path = unsafe getenv("LAPWING") else { return nil }
        return unsafe String(cString: path)
    }

    let port: Int
    let folder: TemporaryDirectory
    private let arguments: [String]
    private var process: ChildProcess
    private var startCount = 1

    init(binary: String, arguments: [String], folder: TemporaryDirectory, port: Int) {
        self.port = port
        self.folder = folder
        self.arguments = [binary] + arguments
        process = ChildProcess(self.arguments, folder: folder, name: "server-1")
    }

    /// `serve` with the `lapwing.yml` and the data of a folder, and more options.
    convenience init(binary: String, serving folder: TemporaryDirectory, port: Int, options: [String] = []) {
        let arguments = [
            "serve", "--config.file=\(folder.path)/lapwing.yml", "--web.listen-address=127.0.0.1:\(port)",
            "--storage.path=\(folder.path)/data",
        ]
        self.init(binary: binary, arguments: arguments + options, folder: folder, port: port)
    }

    deinit {
        process.signal(SIGKILL)
        process.wait()
    }

    var log: String { process.errors }
    var output: String { process.output }

    /// Ends the process as a crash would.
    func kill() {
        process.signal(SIGKILL)
        process.wait()
    }

    /// Ends the process in order and gives its exit code.
    func stop() -> Int32 {
        process.signal(SIGTERM)
        return process.wait()
    }

    func reload() { process.signal(SIGHUP) }

    func start() {
        startCount += 1
        process = ChildProcess(arguments, folder: folder, name: "server-\(startCount)")
    }

    /// The answer of the API; nil while nobody answers or it is no JSON.
    func ask(_ path: String, _ form: [(String, String)] = []) async -> JSONValue? {
        let client = APIClient(server: "http://127.0.0.1:\(port)", timeoutSeconds: 20)
        guard let answer = try? await client.post(path, form: form.map { (name: $0.0, value: $0.1) }) else {
            return nil
        }
        return try? JSONReader.read(answer.body)
    }

    /// The answer to a GET, by curl.
    func get(_ path: String, arguments: [String] = []) -> (status: Int, body: String) {
        let words =
            ["curl", "-sg", "-m", "20", "-w", "\n%{http_code}"] + arguments + ["http://127.0.0.1:\(port)\(path)"]
        let text = ChildProcess.run(words, folder: TemporaryDirectory(), name: "curl").output
        let end = text.lastIndex(of: "\n") ?? text.startIndex
        return (Int(text[end...].dropFirst()) ?? 0, String(text[..<end]))
    }

    /// Values of an instant query by a label; nil where it failed.
    func values(_ expression: String, by label: String = "__name__") async -> [String: String]? {
        guard let answer = await ask("/api/v1/query", [("query", expression)]),
            let result = answer["data"]?["result"]?.elements
        else { return nil }
        var values: [String: String] = [:]
        for element in result {
            values[element["metric"]?[label]?.text ?? ""] = element["value"]?.elements?.last?.text ?? ""
        }
        return values
    }

    /// Asks again until `isDone`, for at most `seconds`.
    ///
    /// The one place where these tests wait: what they watch happens in another process, on its own clock.
    static func wait(seconds: Double, until isDone: () async -> Bool) async -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        while clock.now < end {
            if await isDone() { return true }
            try? await clock.sleep(for: .milliseconds(100))
        }
        return await isDone()
    }
}
