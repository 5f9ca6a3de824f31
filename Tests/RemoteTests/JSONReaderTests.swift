import Remote
import Testing

@Suite("Reading JSON")
struct JSONReaderTests {
    private func read(_ text: String) throws(JSONError) -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    @Test("values of every kind")
    func values() throws {
        let value = try read(#" {"a": [1, -2.5e3, true, null, "x\n\u00e9\ud83d\ude00\/"], "b": {}} "#)
        #expect(value["a"]?.elements == [.number("1"), .number("-2.5e3"), .boolean(true), .null, .string("x\né😀/")])
        #expect(value["b"]?.members?.isEmpty == true)
        #expect(value["c"] == nil)
    }

    @Test(
        "what is wrong is refused with its place",
        arguments: [
            ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("tru", 0), ("\"abc", 4), ("1 2", 2), (#""\x""#, 3),
            ("nul", 0),
        ])
    func mistakes(text: String, offset: Int) {
        #expect(throws: JSONError.self) { try read(text) }
        do { _ = try read(text) } catch { #expect(error.offset == offset, "\(error)") }
    }

    @Test("deep nesting is an error, not a crash")
    func nesting() {
        #expect(throws: JSONError.self) { try read(String(repeating: "[", count: 100_000)) }
    }
}
