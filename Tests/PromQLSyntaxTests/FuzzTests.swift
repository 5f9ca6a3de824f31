import MetricModel
import Testing

@testable import PromQLSyntax

/// Texts that nobody would write: a fixed seed, so that a failure repeats.
@Suite struct FuzzTests {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }

    static let pieces: [String] =
        PrintingTests.canonicalTexts + PrintingTests.rewrittenTexts.map(\.0) + SyntaxErrorTests.faults.map(\.0)

    private func mutated(_ generator: inout Generator) -> String {
        let pieces = Self.pieces
        var bytes = Array((pieces.randomElement(using: &generator) ?? "").utf8)
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where place < bytes.count: bytes.remove(at: place)
            case 1:
                bytes.insert(
                    Array("()[]{}\"'`,:+-*/%^@=!~<>#\\_x0e5ms \n\u{0}".utf8).randomElement(using: &generator) ?? 0,
                    at: place)
            case 2 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 3:
                let other = Array((pieces.randomElement(using: &generator) ?? "").utf8)
                bytes.insert(contentsOf: other.prefix(Int.random(in: 0...other.count, using: &generator)), at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 3))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Words of the language in no order.
    private func soup(_ generator: inout Generator) -> String {
        let words = [
            "foo", "a:b", "sum", "topk", "rate", "label_replace", "by", "without", "on", "ignoring", "group_left",
            "fill", "fill_right", "bool", "offset", "anchored", "smoothed", "@", "start", "end()", "step()", "min_of",
            "(", ")", "()", "{", "}", "[", "]", "[5m]", "[1h:30s]", ":", ",", "=", "!=", "=~", "!~", "==", "+", "-",
            "*",
            "/", "%", "^", "</", ">/", "<", ">=", "and", "or", "unless", "atan2", "1", "0x1f", "1e3", ".5", "5m",
            "1h30m",
            "inf", "NaN", "\"s\"", "'t'", "`u`", "\"\\x80\"", "job=\"a\"", "{job=\"a\"}", "{\"a.b\"}", "# c\n", "foo{}",
            "x[5m]",
        ]
        let count = Int.random(in: 1...12, using: &generator)
        let glue = ["", " ", " ", " "].randomElement(using: &generator) ?? ""
        return (0..<count).map { _ in words.randomElement(using: &generator) ?? "" }.joined(separator: glue)
    }

    @Test("words in no order never trap, and what parses prints to an equal tree", arguments: 1...4)
    func soups(_ seed: UInt64) throws {
        var generator = Generator(state: seed &* 77)
        var trees = 0
        for _ in 0..<10_000 {
            let text = soup(&generator)
            do {
                let tree = try Parser.parse(text)
                trees += 1
                #expect(try Parser.parse(tree.description) == tree, "\(text) printed as \(tree)")
                #expect(try Parser.parse(tree.prettyPrinted()) == tree)
            } catch {
                #expect(error.range.start >= 0 && error.range.end <= text.utf8.count, "\(text): \(error)")
            }
        }
        #expect(trees > 100)
    }

    @Test("no text traps, errors lie within the text, and printing parses to an equal tree", arguments: 1...8)
    func mutations(_ seed: UInt64) throws {
        var generator = Generator(state: seed)
        var trees = 0
        for _ in 0..<2500 {
            let text = mutated(&generator)
            do {
                let tree = try Parser.parse(text)
                trees += 1
                #expect(try Parser.parse(tree.description) == tree, "\(text) printed as \(tree)")
                #expect(try Parser.parse(tree.prettyPrinted()) == tree)
                #expect(tree.range.start >= 0 && tree.range.end <= text.utf8.count)
            } catch {
                #expect(error.range.start >= 0 && error.range.end <= text.utf8.count, "\(text): \(error)")
            }
            _ = try? Parser.parseSelector(text)
            _ = try? SeriesNotation.parse(text)
            _ = try? SeriesNotation.parse("m " + text)
            _ = try? SeriesNotation.parse("m {{" + text)
            _ = try? SeriesNotation.parseStartTimestamps("m@st " + text)
        }
        #expect(trees > 100)
    }
}
