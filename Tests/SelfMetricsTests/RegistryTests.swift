import Glibc
import Testing

@testable import SelfMetrics

@Suite("The registry of our own metrics")
struct RegistryTests {
    @Test("a page has each family once, with help, type and escaped labels")
    func page() {
        let registry = Registry()
        registry.counter("b_total", help: "Second\nline", labels: ["job": "a\"b\\c"]).add(2.5)
        registry.gauge("a", help: "First").set(3)
        let latency = registry.histogram("c_seconds", help: "Third", bounds: [0.1, 1])
        latency.observe(0.05)
        latency.observe(5)
        var page: [UInt8] = []
        registry.render(into: &page)
        #expect(
            String(decoding: page, as: UTF8.self) == """
                # HELP a First
                # TYPE a gauge
                a 3
                # HELP b_total Second\\nline
                # TYPE b_total counter
                b_total{job="a\\"b\\\\c"} 2.5
                # HELP c_seconds Third
                # TYPE c_seconds histogram
                c_seconds_bucket{le="0.1"} 1
                c_seconds_bucket{le="1.0"} 1
                c_seconds_bucket{le="+Inf"} 2
                c_seconds_sum 5.05
                c_seconds_count 2

                """)
    }

    @Test("asking again for a name and labels gives the same metric")
    func sameMetric() {
        let registry = Registry()
        registry.counter("x_total", help: "").increment()
        #expect(registry.counter("x_total", help: "").value == 1)
        #expect(registry.counter("x_total", help: "", labels: ["a": "b"]).value == 0)
    }

    @Test("a counter never falls")
    func neverFalls() {
        let counter = Counter()
        counter.add(3)
        counter.add(-2)
        #expect(counter.value == 3)
    }

    @Test("the process' own figures are there")
    func process() {
        let registry = Registry()
        ProcessStatistics.register(in: registry)
        var page: [UInt8] = []
        registry.render(into: &page)
        let text = String(decoding: page, as: UTF8.self)
        for name in [
            "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
            "process_start_time_seconds",
        ] {
            #expect(text.contains("\n\(name) ") || text.hasPrefix("\(name) "))
            #expect(!text.contains("\n\(name) 0\n"))
        }
    }

    @Test("open descriptors are counted without a list of them where the kernel tells, and the list agrees")
    func descriptors() {
        let opened = (0..<300).map { _ in unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) }
        defer { for descriptor in opened { close(descriptor) } }
        let listed = ProcessStatistics.listedDescriptors()
        #expect(listed >= 300)
        // Other tests open and close files meanwhile.
        if let counted = ProcessStatistics.countedDescriptors() { #expect(abs(counted - listed) < 200) }
    }
}
