import MetricModel

/// Pages of one target as an exporter would answer them: lines of about 115 bytes, a sixth of the values changing from
/// page to page.
struct SyntheticPages {
    let lineCount: Int
    private var values: [Int]
    private var random: UInt64

    init(lineCount: Int, seed: UInt64) {
        self.lineCount = lineCount
        random = seed
        values = (0..<lineCount).map { $0 * 977 % 100_000 }
    }

    private mutating func next() -> UInt64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return random >> 33
    }

    /// Lets a sixth of the values grow.
    mutating func advance() {
        for index in values.indices where next() % 6 == 0 { values[index] += Int(next() % 500) }
    }

    /// The values as numbers.
    var row: [Double] { values.enumerated().map { $0.offset % 4 == 0 ? Double($0.element) / 100 : Double($0.element) } }

    /// The page as text.
    var text: [UInt8] {
        var page: [UInt8] = []
        for (index, value) in values.enumerated() {
            let number = index % 4 == 0 ? "\(value / 100).\(value % 100 / 10)\(value % 10)" : "\(value)"
            let family = index / 8
            if index % 8 == 0 {
                page += Array("# HELP \(Self.name(family)) What it is.\n# TYPE \(Self.name(family)) counter\n".utf8)
            }
            page += Array(
                "\(Self.name(family)){device=\"disk-\(index % 8)\",mode=\"\(Self.modes[index % 4])\",handler=\"/api/v1/things/\(family % 20)\"} \(number)\n"
                    .utf8)
        }
        return page
    }

    static let modes = ["user", "system", "idle", "iowait"]
    static func name(_ family: Int) -> String { "application_requests_of_family_\(family)_total" }

    /// The labels of a line of a target, those that a scrape adds included.
    static func labels(line index: Int, target: Int) -> LabelSet {
        var builder = LabelSetBuilder()
        builder.set("__name__", to: name(index / 8))
        builder.set("device", to: "disk-\(index % 8)")
        builder.set("mode", to: modes[index % 4])
        builder.set("handler", to: "/api/v1/things/\(index / 8 % 20)")
        builder.set("instance", to: "host-\(target).example.org:9100")
        builder.set("job", to: "node")
        // Ten series share one: as many values as a fleet's pods have.
        builder.set("pod", to: "pod-\(target)-\(index / 10)")
        return builder.build()
    }
}
