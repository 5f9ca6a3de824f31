import MetricModel
import Storage
import TSDB

/// Targets whose pages look like those of real exporters: 100 series each, counters that are added up, gauges that
/// wander, metrics that hardly change.
struct SyntheticTargets {
    /// What a series does from one scrape to the next.
    enum Shape {
        /// Goes up by whole numbers around this much.
        case counter(Int)
        /// Goes up by hundredths of a second.
        case seconds
        /// Wanders by this much around where it began.
        case gauge(Int)
        case constant
    }

    static let seriesPerTarget = 100

    let seriesCount: Int
    let stepSeconds: Int

    private var targetCount: Int { (seriesCount + Self.seriesPerTarget - 1) / Self.seriesPerTarget }

    /// The series of one target without its own labels.
    private static let page: [(name: String, labels: [(String, String)], shape: Shape)] = {
        var page: [(name: String, labels: [(String, String)], shape: Shape)] = [("go_goroutines", [], .gauge(3))]
        let modes = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"]
        for cpu in 0..<2 {
            for mode in modes {
                page.append(("node_cpu_seconds_total", [("cpu", "\(cpu)"), ("mode", mode)], .seconds))
            }
        }
        let bounds = ["0.1", "0.2", "0.4", "1", "3", "8", "20", "60", "120", "+Inf"]
        for handler in ["/metrics", "/api/v1/query", "/api/v1/query_range"] {
            for bound in bounds {
                page.append(
                    (
                        "prometheus_http_request_duration_seconds_bucket", [("handler", handler), ("le", bound)],
                        .counter(2)
                    ))
            }
        }
        for number in 0..<20 {
            page.append(("node_netstat_field\(number)", [], number < 10 ? .counter(50) : .constant))
        }
        for number in 0..<4 {
            page.append(("node_network_receive_bytes_total", [("device", "eth\(number)")], .counter(90_000)))
        }
        page.append(("node_load1", [], .gauge(5)))
        page.append(("node_memory_MemAvailable_bytes", [], .gauge(4096)))
        page.append(("node_memory_MemTotal_bytes", [], .constant))
        page.append(("go_memstats_heap_inuse_bytes", [], .gauge(8192)))
        page.append(("up", [], .constant))
        for number in 0..<10 { page.append(("container_memory_rss", [("id", "/system/\(number)")], .gauge(4096))) }
        while page.count < seriesPerTarget { page.append(("bench_idle", [("number", "\(page.count)")], .constant)) }
        return page
    }()

    /// Appends every scrape of the span that ends at `end`.
    ///
    /// What is older than `unsealed` scrapes lies in partitions afterwards, merged as a server would have it. As long as
    /// the answer is held, the targets are open.
    func fill(
        _ database: TimeSeriesDatabase, end: Int64, spanSeconds: Int, unsealed: Int
    ) throws -> [any SourceWriter] {
        var random = Xorshift(state: 0x9E37_79B9_7F4A_7C15)
        var writers: [any SourceWriter] = []
        var rows: [[Double]] = []
        for target in 0..<targetCount {
            let writer = try database.openSource(named: "bench/\(target)")
            let count = min(Self.seriesPerTarget, seriesCount - target * Self.seriesPerTarget)
            let instance = "127.1.\(target / 250).\(target % 250 + 1):9100"
            var values: [Double] = []
            for series in Self.page.prefix(count) {
                var builder = LabelSetBuilder()
                builder.set("__name__", to: series.name)
                builder.set("instance", to: instance)
                builder.set("job", to: "bench")
                for (name, value) in series.labels { builder.set(name, to: value) }
                _ = try writer.slot(for: builder.build())
                values.append(Double(random.next() % 1_000_000))
            }
            writers.append(writer)
            rows.append(values)
        }
        let scrapes = spanSeconds / stepSeconds
        for scrape in 0..<scrapes {
            let time = Timestamp(milliseconds: end - Int64(scrapes - 1 - scrape) * Int64(stepSeconds) * 1000)
            for target in writers.indices {
                Self.move(&rows[target], &random)
                try writers[target].append(timestamp: time, values: rows[target], histograms: [])
            }
            let isSliceEnd = (scrape + 1) * stepSeconds % 1800 == 0
            if isSliceEnd, scrapes - scrape > unsealed { try database.seal() }
            if (scrape + 1) * stepSeconds % 7200 == 0 { database.maintain() }
        }
        if unsealed == 0 { try database.seal() }
        try database.flush()
        database.maintain()
        return writers
    }

    private static func move(_ values: inout [Double], _ random: inout Xorshift) {
        for index in values.indices {
            let number = random.next()
            switch page[index].shape {
            case .counter(let size): values[index] += Double(number % UInt64(2 * size))
            case .seconds: values[index] += Double(number % 200) / 100
            case .gauge(let size): values[index] += Double(Int(number % UInt64(2 * size + 1)) - size)
            case .constant: break
            }
        }
    }
}

/// Marsaglia's generator: the same history at every run.
struct Xorshift {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state >> 11
    }
}
