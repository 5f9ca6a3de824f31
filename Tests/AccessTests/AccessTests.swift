import Logging
import MetricModel
import Synchronization
import TestSupport
import Testing

@testable import Access

@Suite("passwords")
struct PasswordTests {
    @Test(
        "SHA-256 gives the published answers",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func digests(text: String, digest: String) {
        #expect(Self.hexadecimal(SHA256.digest(Array(text.utf8))) == digest)
    }

    @Test("a keyed digest is RFC 4231's, and fields that join to the same text differ")
    func keyed() {
        let digest = KeyedDigest(key: Array("Jefe".utf8))
        #expect(
            Self.hexadecimal(digest.of(Array("what do ya want for nothing?".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(digest.of([[1], [2, 3]]) != digest.of([[1, 2], [3]]))
        #expect(digest.of([[1, 2, 3], []]) != digest.of([[], [1, 2, 3]]))
        #expect(KeyedDigest().of([[1]]) != KeyedDigest().of([[1]]))
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test(
        "the header's credentials are read",
        arguments: [
            ("Basic dXNlcjpwYXNz", "user", "pass"), ("basic dTo=", "u", ""), ("BASIC OnA=", "", "p"),
            ("Basic dTphOmI=", "u", "a:b"),
        ])
    func header(text: String, user: String, password: String) {
        let credentials = BasicCredentials(header: text)
        #expect(credentials?.user == user)
        #expect(credentials?.password == Array(password.utf8))
    }

    @Test(
        "nothing else is taken for credentials",
        arguments: [
            "", "Basic", "Basic ", "Bearer dXNlcjpwYXNz", "Basic dXNlcg==", "Basic dXNlcjp=YXNz", "Basic !!!!",
            "Basic dXNlcjpwYXN", "Basic ====", "Basic \(String(repeating: "AAAA", count: 2_000))",
        ])
    func noCredentials(text: String) {
        #expect(BasicCredentials(header: text) == nil)
    }

    @Test(
        "what is a hash",
        arguments: [
            ("$2y$10$", 53, true), ("$2y$17$", 53, false), ("$2y$03$", 53, false), ("$1$10$", 54, false),
            ("$2y$10$", 5, false), ("", 60, false), ("", 0, false),
        ])
    func hashes(start: String, digits: Int, isHash: Bool) {
        #expect(PasswordHash.isHash(start + String(repeating: "a", count: digits)) == isHash)
    }

    @Test("a hash is matched by its password alone, and the one of nobody by none")
    func verifies() {
        let made = PasswordHash.made(Array("correct horse".utf8), cost: 4)
        #expect(PasswordHash.isHash(made))
        #expect(PasswordHash.verify(Array("correct horse".utf8), against: made))
        #expect(!PasswordHash.verify(Array("correct horsf".utf8), against: made))
        #expect(!PasswordHash.verify(Array("correct horse\0".utf8), against: made))
        let nobody = PasswordHash.unmatchable(cost: 4)
        #expect(PasswordHash.isHash(nobody))
        #expect(!PasswordHash.verify([], against: nobody))
        #expect(!PasswordHash.verify(Array("x".utf8), against: "broken"))
    }
}

@Suite("who may ask")
struct AccessControlTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func settings(_ users: [String: String], cost: Int = 4) -> AccessSettings {
        var settings = AccessSettings()
        for (user, password) in users {
            settings.users[user] = Secret(PasswordHash.made(Array(password.utf8), cost: cost))
        }
        return settings
    }

    private static func header(_ user: String, _ password: String) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        var rest = Array("\(user):\(password)".utf8)[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let bits = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - part.count))
            for index in 0..<4 {
                text.append(index <= part.count ? digits[Int(bits >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return "Basic " + String(decoding: text, as: UTF8.self)
    }

    @Test("right, wrong, unknown and missing credentials")
    func decides() async throws {
        let settings = Self.settings(["anna": "a", "bert": "b"])
        let control = try AccessControl(path: "/nowhere", logger: Self.quiet) { settings }
        #expect(await control.decide(authorization: Self.header("anna", "a")) == .allowed)
        #expect(await control.decide(authorization: Self.header("anna", "a")) == .allowed)
        #expect(await control.decide(authorization: Self.header("anna", "b")) == .denied)
        #expect(await control.decide(authorization: Self.header("bert", "a")) == .denied)
        #expect(await control.decide(authorization: Self.header("carl", "a")) == .denied)
        #expect(await control.decide(authorization: Self.header("", "")) == .denied)
        #expect(await control.decide(authorization: nil) == .denied)
        #expect(control.refused.denied == 5)
    }

    @Test(
        "a bearer token is known whole or not at all, and beside users both count",
        arguments: [
            ("Bearer 0123456789abcdef", true), ("bearer  0123456789abcdef", true), ("Bearer 0123456789abcde", false),
            ("Bearer 0123456789abcdef0", false), ("Bearer", false), ("Bearer ", false), ("0123456789abcdef", false),
            ("Basic 0123456789abcdef", false),
        ])
    func tokens(header: String, isKnown: Bool) async throws {
        for users in [[:], ["anna": "a"]] {
            var settings = Self.settings(users)
            settings.tokens = ["other": Secret("fedcba9876543210"), "scraper": Secret("0123456789abcdef")]
            let control = try AccessControl(path: "/nowhere", logger: Self.quiet) { [settings] in settings }
            #expect(await control.decide(authorization: header) == (isKnown ? .allowed : .denied))
            #expect(await control.decide(authorization: nil) == .denied)
            let login = await control.decide(authorization: Self.header("anna", "a"))
            #expect(login == (users.isEmpty ? .denied : .allowed))
        }
    }

    @Test("without users everybody is let in")
    func open() async throws {
        let control = try AccessControl(path: "/nowhere", logger: Self.quiet) { AccessSettings() }
        #expect(await control.decide(authorization: nil) == .allowed)
    }

    @Test("a flood of wrong logins is turned away, and a known login stands in no line")
    func flood() async throws {
        let settings = Self.settings(["anna": "a"], cost: 8)
        let control = try AccessControl(path: "/nowhere", logger: Self.quiet) { settings }
        let good = Self.header("anna", "a")
        #expect(await control.decide(authorization: good) == .allowed)
        let decisions = await withTaskGroup(of: AccessControl.Decision.self) { group in
            for number in 0..<200 {
                group.addTask { await control.decide(authorization: Self.header("anna", "wrong\(number)")) }
            }
            for _ in 0..<50 { #expect(await control.decide(authorization: good) == .allowed) }
            return await group.reduce(into: [AccessControl.Decision]()) { $0.append($1) }
        }
        #expect(!decisions.contains(.allowed))
        #expect(decisions.contains(.denied))
        #expect(decisions.contains(.busy))
    }

    @Test("a changed file is read again, a broken one leaves the old in use, logins are asked anew")
    func reloads() async throws {
        let folder = TemporaryDirectory()
        let path = folder.write("web.yml", "anna")
        let clock = Mutex(ContinuousClock.now)
        let control = try AccessControl(path: path, logger: Self.quiet, now: { clock.withLock { $0 } }) {
            let name = TemporaryDirectory.read(path)
            if name == "broken" { throw AccessError.settings(reason: "broken") }
            return Self.settings([name: "a"])
        }
        func change(to text: String) {
            folder.write("web.yml", text)
            clock.withLock { $0 += .seconds(10) }
        }
        #expect(await control.decide(authorization: Self.header("anna", "a")) == .allowed)
        change(to: "broken")
        #expect(await control.decide(authorization: Self.header("anna", "a")) == .allowed)
        #expect(!control.isLastReadingGood)
        change(to: "bert!")
        #expect(await control.decide(authorization: Self.header("anna", "a")) == .denied)
        #expect(control.isLastReadingGood)
        #expect(await control.decide(authorization: Self.header("bert!", "a")) == .allowed)
    }

    @Test("certificates that cannot be used are refused with the reason")
    func certificates() {
        var settings = AccessSettings()
        settings.tls = ServerTLSSettings(certificate: .file("/nowhere.pem"), key: .text(Secret("x")))
        let chosen = settings
        #expect(throws: AccessError.self) {
            try AccessControl(path: "/nowhere", logger: Self.quiet) { chosen }
        }
    }
}
