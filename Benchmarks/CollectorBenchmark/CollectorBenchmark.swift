import Cgroups
import Glibc
import MetricModel
import Synchronization
import Threads

/// The measurements, each on cgroups of its own that it removes again.
struct CollectorBenchmark {
    /// CPU time of this process in nanoseconds.
    private var cpuNanoseconds: UInt64 {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = UInt64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        return seconds * 1_000_000_000 + UInt64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1_000
    }

    private var now: UInt64 { SystemClock().monotonicNanoseconds }

    private var residentMegabytes: Double {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return (words.count > 1 ? Double(words[1]) ?? 0 : 0) * 4_096 / 1e6
    }

    private var descriptorCount: Int {
        guard let stream = unsafe opendir("/proc/self/fd") else { return -1 }
        defer { unsafe closedir(stream) }
        var count = -3
        while unsafe readdir(stream) != nil { count += 1 }
        return count
    }

    private func settings(interval: Int) -> CollectorSettings {
        var settings = CollectorSettings()
        settings.freshnessMilliseconds = Int64(interval) + Int64(interval) / 4
        return settings
    }

    /// Pages a series a line, as a scraper sees them.
    private func page(_ collector: Collector) -> [UInt8] {
        var output: [UInt8] = []
        collector.render(into: &output)
        return output
    }

    func sweeps(cgroups: Int, seconds: Int, interval: Int, scrape: Int) {
        var load = CgroupLoad()
        load.make(count: cgroups)
        defer { load.remove() }
        let collector = Collector(settings: settings(interval: interval))
        let thread = OwnThread(name: "lapwing-collect") { collector.run(sweepIntervalMilliseconds: Int64(interval)) }
        sleep(3)
        var buffer = page(collector)
        let start = (cpuNanoseconds, now)
        var pages = 0
        var bytes = 0
        let end = start.1 + UInt64(seconds) * 1_000_000_000
        while now < end {
            guard scrape > 0 else {
                sleep(UInt32((end - now) / 1_000_000_000 + 1))
                continue
            }
            usleep(UInt32(scrape) * 1_000)
            buffer.removeAll(keepingCapacity: true)
            collector.render(into: &buffer)
            pages += 1
            bytes = buffer.count
        }
        let used = Double(cpuNanoseconds - start.0)
        let passed = Double(now - start.1)
        print("\(cgroups) cgroups, sweep each \(interval) ms, \(pages) scrapes: \(percent(used / passed)) of a core")
        print("page \(bytes) bytes, resident \(residentMegabytes) MB, descriptors \(descriptorCount)")
        for line in String(decoding: page(collector), as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("lapwing_collector_") {
            print("  " + line)
        }
        collector.stop()
        thread?.join()
    }

    func scrapes(cgroups: Int, count: Int) {
        var load = CgroupLoad()
        load.make(count: cgroups)
        defer { load.remove() }
        var settings = settings(interval: 1_000_000)
        settings.freshnessMilliseconds = .max / 2_000_000
        let collector = Collector(settings: settings)
        var buffer = page(collector)
        let start = cpuNanoseconds
        for _ in 0..<count {
            buffer.removeAll(keepingCapacity: true)
            collector.render(into: &buffer)
        }
        let each = Double(cpuNanoseconds - start) / Double(count) / 1e6
        let lines = buffer.count { $0 == 0x0A }
        print("one scrape of \(cgroups) cgroups: \(each) ms CPU, \(lines) lines, \(buffer.count) bytes")
    }

    func machine(count: Int) {
        let collector = MachineCollector(settings: MachineSettings())
        var buffer: [UInt8] = []
        collector.render(into: &buffer)
        let start = cpuNanoseconds
        for _ in 0..<count {
            buffer.removeAll(keepingCapacity: true)
            collector.render(into: &buffer)
        }
        let each = Double(cpuNanoseconds - start) / Double(count) / 1e6
        print("one page of the machine: \(each) ms CPU, \(buffer.count { $0 == 0x0A }) lines, \(buffer.count) bytes")
    }

    func printPage(seconds: Int) {
        let collector = Collector(settings: settings(interval: 1_000))
        let thread = OwnThread(name: "lapwing-collect") { collector.run(sweepIntervalMilliseconds: 1_000) }
        sleep(UInt32(seconds))
        print(String(decoding: page(collector), as: UTF8.self))
        collector.stop()
        thread?.join()
    }

    func churn(count: Int) {
        var load = CgroupLoad()
        load.make(count: 1)
        defer { load.remove() }
        let collector = Collector(settings: settings(interval: 1_000))
        let thread = OwnThread(name: "lapwing-collect") { collector.run(sweepIntervalMilliseconds: 1_000) }
        sleep(2)
        func report(_ done: Int) {
            let text = String(decoding: page(collector), as: UTF8.self)
            let watches = text.split(separator: "\n").first { $0.hasPrefix("lapwing_collector_watches ") } ?? ""
            print("\(done) made and removed: \(residentMegabytes) MB, \(descriptorCount) descriptors, \(watches)")
        }
        report(0)
        for number in 0..<count {
            load.add("churn\(number)", withProcess: false)
            if number % 10 == 0 { usleep(20_000) }
            load.removeDirectories("churn\(number)")
            if (number + 1) % (count / 5) == 0 {
                sleep(3)
                report(number + 1)
            }
        }
        for line in page(collector).split(separator: 0x0A) where line.starts(with: "lapwing_collector_".utf8) {
            print("  " + String(decoding: line, as: UTF8.self))
        }
        collector.stop()
        thread?.join()
    }

    func seen(cgroups: Int, count: Int) {
        var load = CgroupLoad()
        load.make(count: cgroups)
        defer { load.remove() }
        let collector = Collector(settings: settings(interval: 10_000))
        let thread = OwnThread(name: "lapwing-collect") { collector.run(sweepIntervalMilliseconds: 10_000) }
        sleep(2)
        var times: [Double] = []
        var buffer: [UInt8] = []
        for number in 0..<count {
            usleep(UInt32(50_000 + number * 731 % 50_000))
            let start = now
            load.add("late\(number)", withProcess: false)
            let wanted = Array("container_memory_usage_bytes{id=\"/lapwing-benchmark/late\(number)\"".utf8)
            while true {
                buffer.removeAll(keepingCapacity: true)
                collector.render(into: &buffer)
                if contains(buffer, wanted) { break }
                usleep(500)
            }
            times.append(Double(now - start) / 1e6)
        }
        times.sort()
        let last = times.count - 1
        print(
            "new cgroup with its first sample on the page: median \(times[last / 2]) ms, 99 % \(times[last * 99 / 100]), most \(times[last])"
        )
        collector.stop()
        thread?.join()
    }

    private func contains(_ buffer: [UInt8], _ wanted: [UInt8]) -> Bool {
        var line = 0
        while line < buffer.count {
            if buffer[line...].starts(with: wanted) { return true }
            line = (buffer[line...].firstIndex(of: 0x0A) ?? buffer.count) + 1
        }
        return false
    }

    private func percent(_ share: Double) -> String {
        let hundredths = Int((share * 10_000).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) %"
    }
}
