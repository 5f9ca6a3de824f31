import MetricModel
import Testing

@Suite("Secret")
struct SecretTests {
    struct Holder {
        var name = "x"
        var password = Secret("canary-7f3a")
    }

    @Test("no way of printing shows the value")
    func printsPlaceholder() {
        let secret = Secret("canary-7f3a")
        var dumped = ""
        dump(Holder(), to: &dumped)
        let shown = ["\(secret)", String(describing: secret), String(reflecting: secret), "\(Holder())", dumped]
        for text in shown { #expect(!text.contains("canary")) }
        #expect("\(secret)" == "<secret>")
        #expect(secret.reveal() == "canary-7f3a")
    }
}
