import Glibc
import Remote
import TestSupport

/// Headless Chromium with a mouse and a keyboard: commands of the DevTools protocol over a pair of pipes.
///
/// Chromium reads commands from descriptor 3 and writes answers and events to descriptor 4, each JSON ended by a zero byte
/// (`--remote-debugging-pipe`, https://chromedevtools.github.io/devtools-protocol/).
final class DrivenBrowser {
    private let identifier: pid_t
    private let commands: Int32
    private let answers: Int32
    private var number = 0
    private var session = ""
    private var unread: [UInt8] = []
    /// Uncaught errors and violated policies that the page reported.
    private(set) var complaints: [String] = []

    /// How long one command may take.
    private static let patienceMilliseconds: Int32 = 30_000

    init?(folder: TemporaryDirectory, width: Int = 1200, height: Int = 900) {
        var toBrowser: [Int32] = [0, 0]
        var fromBrowser: [Int32] = [0, 0]
        guard unsafe pipe(&toBrowser) == 0, unsafe pipe(&fromBrowser) == 0 else { return nil }
        commands = toBrowser[1]
        answers = fromBrowser[0]
        // Out of the way of 3 and 4, so that one does not overwrite the other.
        let commandEnd = fcntl(toBrowser[0], F_DUPFD, 10)
        let answerEnd = fcntl(fromBrowser[1], F_DUPFD, 10)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, folder.path + "/browser.err", O_WRONLY | O_CREAT, 0o644)
        unsafe posix_spawn_file_actions_adddup2(&actions, commandEnd, 3)
        unsafe posix_spawn_file_actions_adddup2(&actions, answerEnd, 4)
        let words = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
            "--window-size=\(width),\(height)", "--user-data-dir=\(folder.path)/profile", "about:blank",
        ]
        var arguments = unsafe words.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let failure = unsafe posix_spawnp(&child, "chromium", &actions, nil, arguments, environ)
        identifier = failure == 0 ? child : -1
        close(commandEnd)
        close(answerEnd)
        close(toBrowser[0])
        close(fromBrowser[1])
        guard failure == 0, attach() else { return nil }
    }

    deinit {
        guard identifier > 0 else { return }
        kill(identifier, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(identifier, &status, 0)
        close(commands)
        close(answers)
    }

    private func attach() -> Bool {
        guard let targets = call("Target.getTargets"),
            let page = targets["targetInfos"]?.elements?.first(where: { $0["type"]?.text == "page" }),
            let target = page["targetId"]?.text,
            let attached = call("Target.attachToTarget", "{\"targetId\":\"\(target)\",\"flatten\":true}"),
            let session = attached["sessionId"]?.text
        else { return false }
        self.session = session
        return ["Runtime.enable", "Page.enable", "Log.enable"].allSatisfy { call($0) != nil }
            && call("Emulation.setFocusEmulationEnabled", "{\"enabled\":true}") != nil
    }

    // MARK: What a person does

    func open(_ address: String) {
        _ = call("Page.navigate", "{\"url\":\(Self.quoted(address))}")
    }

    func moveMouse(to point: (x: Double, y: Double), isPressed: Bool = false) {
        mouse("mouseMoved", point, button: isPressed ? "left" : "none", buttons: isPressed ? 1 : 0)
    }

    /// Presses at one point, moves to the other in steps, and lets go.
    func drag(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
        moveMouse(to: start)
        mouse("mousePressed", start, button: "left", buttons: 1)
        for step in 1...5 {
            let share = Double(step) / 5
            moveMouse(
                to: (start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share), isPressed: true)
        }
        mouse("mouseReleased", end, button: "left", buttons: 0)
    }

    func type(_ text: String) {
        for character in text {
            _ = call("Input.dispatchKeyEvent", "{\"type\":\"char\",\"text\":\(Self.quoted(String(character)))}")
        }
    }

    func press(_ key: String, code: Int, text: String = "") {
        let shown = text.isEmpty ? "" : ",\"text\":\(Self.quoted(text))"
        for type in ["keyDown", "keyUp"] {
            _ = call(
                "Input.dispatchKeyEvent",
                "{\"type\":\"\(type)\",\"key\":\"\(key)\",\"code\":\"\(key)\",\"windowsVirtualKeyCode\":\(code)\(shown)}"
            )
        }
    }

    /// The value of a JavaScript expression as text, nil where it threw.
    func value(_ expression: String) -> String? {
        let answer = call(
            "Runtime.evaluate", "{\"expression\":\(Self.quoted("String(\(expression))")),\"returnByValue\":true}")
        guard answer?["exceptionDetails"] == nil else { return nil }
        return answer?["result"]?["value"]?.text
    }

    /// The middle, or another share, of what a selector finds; nil where nothing is found.
    func point(in selector: String, x: Double = 0.5, y: Double = 0.5) -> (x: Double, y: Double)? {
        let box = "document.querySelector(\(Self.quoted(selector))).getBoundingClientRect()"
        guard let text = value("(() => { const b = \(box); return [b.left, b.top, b.width, b.height].join(' ') })()")
        else { return nil }
        let numbers = text.split(separator: " ").compactMap { Double(String($0)) }
        guard numbers.count == 4 else { return nil }
        return (numbers[0] + numbers[2] * x, numbers[1] + numbers[3] * y)
    }

    private func mouse(_ type: String, _ point: (x: Double, y: Double), button: String, buttons: Int) {
        _ = call(
            "Input.dispatchMouseEvent",
            "{\"type\":\"\(type)\",\"x\":\(point.x),\"y\":\(point.y),\"button\":\"\(button)\",\"buttons\":\(buttons),"
                + "\"clickCount\":\(button == "left" ? 1 : 0)}")
    }

    // MARK: The protocol

    /// Sends a command and waits for its result; nil where it failed or the browser is gone.
    private func call(_ method: String, _ parameters: String = "{}") -> JSONValue? {
        number += 1
        let to = session.isEmpty ? "" : ",\"sessionId\":\"\(session)\""
        var rest = Array("{\"id\":\(number),\"method\":\"\(method)\",\"params\":\(parameters)\(to)}\0".utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(commands, $0.baseAddress, $0.count) }
            guard count > 0 else { return nil }
            rest = rest.dropFirst(count)
        }
        while let message = nextMessage() {
            if message["id"]?.text == String(number) { return message["result"] }
            note(message)
        }
        return nil
    }

    private func note(_ message: JSONValue) {
        switch message["method"]?.text {
        case "Runtime.exceptionThrown":
            let details = message["params"]?["exceptionDetails"]
            complaints.append(details?["exception"]?["description"]?.text ?? details?["text"]?.text ?? "an exception")
        case "Log.entryAdded" where message["params"]?["entry"]?["level"]?.text == "error":
            complaints.append(message["params"]?["entry"]?["text"]?.text ?? "an error in the log")
        default: break
        }
    }

    private func nextMessage() -> JSONValue? {
        while true {
            if let end = unread.firstIndex(of: 0) {
                let message = Array(unread[..<end])
                unread.removeSubrange(...end)
                return try? JSONReader.read(message)
            }
            var waiting = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&waiting, 1, Self.patienceMilliseconds) > 0 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe read(answers, &buffer, buffer.count)
            guard count > 0 else { return nil }
            unread += buffer[..<count]
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
