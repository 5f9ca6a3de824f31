import Glibc
import MetricModel
import PromQL
import Storage

/// What several runs of one query took.
struct Measurement {
    /// The middle of the runs, in milliseconds.
    let wallMilliseconds: Double
    /// Of all threads.
    let cpuMilliseconds: Double
    let seriesCount: Int
    let samplesRead: Int
    let peakBytes: Int

    /// Runs the query once for warming and then at least `repeats` times.
    init(_ query: BenchmarkQuery, _ engine: QueryEngine, _ database: any SampleStore, end: Int64, repeats: Int) throws {
        var walls: [Double] = []
        var cpus: [Double] = []
        var last = try query.run(engine, database, end: end)
        // Short queries are run in batches, so that the clock's grain does not matter.
        let started = Self.wallSeconds
        _ = try query.run(engine, database, end: end)
        let batch = max(1, min(200, Int(0.02 / max(Self.wallSeconds - started, 1e-6))))
        for _ in 0..<repeats {
            let wall = Self.wallSeconds
            let cpu = Self.cpuSeconds
            for _ in 0..<batch { last = try query.run(engine, database, end: end) }
            walls.append((Self.wallSeconds - wall) / Double(batch) * 1000)
            cpus.append((Self.cpuSeconds - cpu) / Double(batch) * 1000)
        }
        wallMilliseconds = walls.sorted()[walls.count / 2]
        cpuMilliseconds = cpus.sorted()[cpus.count / 2]
        samplesRead = last.statistics.samplesRead
        peakBytes = last.statistics.peakBytes
        seriesCount =
            switch last.value {
            case .matrix(let series): series.count
            case .vector(let elements): elements.count
            case .scalar, .string: 1
            }
    }

    /// Nanoseconds of CPU for each sample that was read.
    var nanosecondsPerSample: Double { samplesRead > 0 ? cpuMilliseconds * 1e6 / Double(samplesRead) : 0 }

    static var wallSeconds: Double { seconds(CLOCK_MONOTONIC) }
    static var cpuSeconds: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The most memory that the process has had, in bytes.
    static var peakMemoryBytes: Int {
        var usage = rusage()
        // 0 is RUSAGE_SELF, which Glibc gives as a type of its own.
        unsafe getrusage(0, &usage)
        return usage.ru_maxrss * 1024
    }
}
