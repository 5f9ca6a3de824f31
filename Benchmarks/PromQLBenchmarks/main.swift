import Glibc
import Logging
import MetricModel
import PromQL
import Storage
import TSDB

// PromQLBenchmarks [--series N] [--hours N] [--step SECONDS] [--unsealed SCRAPES] [--threads N] [--repeat N]
//                  [--cache BYTES] [--block-cache BYTES] [--behind SECONDS] [--filter TEXT] [--queries FILE]
//                  [--keep FOLDER] [--end SECONDS] [--table all|TEXT]
//
// Fills a database with targets of 100 series and times queries on it: wall and CPU time, the middle of the runs, and the
// most bytes that the query counted and that the process has had so far. With --keep a folder that is there is taken as it
// is; --end says when its history ends. Lines `read SPAN METRIC` of a query file measure the store without an engine:
// decoding on one thread, the least of the runs; with --block-cache 0 nothing stays decompressed between them. With --table the cost is measured for 1 to 100,000 series over an hour to a week
// and for a million series: all of them, or the rows with this text.

let arguments = Arguments(CommandLine.arguments.dropFirst())
let end = Int64(arguments.number("--end", default: 1_764_028_800)) * 1000
var settings = DatabaseSettings.anyTime
settings.maintainsByItself = false
settings.blockCacheBytes = Int(arguments.number("--block-cache", default: Double(settings.blockCacheBytes)))

let folder = arguments.text("--keep") ?? "/tmp/promql-benchmark.\(getpid())"
let isKept = arguments.text("--keep") != nil
let spanSeconds = Int(arguments.number("--hours", default: 6) * 3600)
let targets = SyntheticTargets(
    seriesCount: Int(arguments.number("--series", default: 10_000)),
    stepSeconds: Int(arguments.number("--step", default: 15)))
let isFilled = unsafe isKept && access(folder + "/journal.sqlite", F_OK) == 0
let quiet = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
var engineSettings = EngineSettings()
engineSettings.maximumThreads = Int(arguments.number("--threads", default: 2))
engineSettings.resultCacheBytes = Int(arguments.number("--cache", default: 0))
let engine = QueryEngine(settings: engineSettings)
if let rows = arguments.text("--table") {
    try GrowthTable(
        end: end, engine: engine, settings: settings, logger: quiet, filter: rows == "all" ? nil : rows
    ).run(folder)
    exit(0)
}
let database = try TimeSeriesDatabase.open(path: folder, settings: settings, logger: quiet)
var openTargets: [any SourceWriter] = []
if !isFilled {
    let started = Measurement.wallSeconds
    openTargets = try targets.fill(
        database, end: end, spanSeconds: spanSeconds, unsealed: Int(arguments.number("--unsealed", default: 60)))
    print("filled in \(Text.fixed(Measurement.wallSeconds - started, 1)) s")
}

let behindSeconds = Int64(arguments.number("--behind", default: 0))
print(
    "\(targets.seriesCount) series, \(spanSeconds / 3600) h at \(targets.stepSeconds) s, "
        + "\(engineSettings.maximumThreads) threads, median of \(Int(arguments.number("--repeat", default: 5)))")
print("   wall ms     cpu ms   series     samples  ns/sample  held MB  peak MB  query")
for line in try arguments.queryLines() {
    let words = line.split(separator: " ")
    if words.count == 3, words[0] == "read", let span = Int64(words[1]) {
        let measured = try DecodeMeasurement(
            String(words[2]), database, end: end - behindSeconds * 1000, spanSeconds: span,
            repeats: Int(arguments.number("--repeat", default: 5)))
        print(
            Text.fixed(measured.wallMilliseconds, 3, width: 10), Text.fixed(measured.cpuMilliseconds, 3, width: 10),
            Text.right("\(measured.seriesCount)", 8), Text.right("\(measured.sampleCount)", 11),
            Text.fixed(1000 / measured.megasamplesPerSecond, 2, width: 10), "",
            "\(line): \(Int(measured.megasamplesPerSecond)) million samples a second")
        continue
    }
    guard let query = try BenchmarkQuery(line), query.fits(spanSeconds: spanSeconds) else { continue }
    if let wanted = arguments.text("--filter"), !line.contains(wanted) { continue }
    do {
        let measured = try Measurement(
            query, engine, database, end: end - behindSeconds * 1000,
            repeats: Int(arguments.number("--repeat", default: 5)))
        print(
            Text.fixed(measured.wallMilliseconds, 3, width: 10), Text.fixed(measured.cpuMilliseconds, 3, width: 10),
            Text.right("\(measured.seriesCount)", 8), Text.right("\(measured.samplesRead)", 11),
            Text.fixed(measured.nanosecondsPerSample, 2, width: 10),
            Text.fixed(Double(measured.peakBytes) / 1e6, 1, width: 8),
            Text.right("\(Measurement.peakMemoryBytes >> 20)", 8), "", line)
    } catch {
        print(Text.right("refused", 10), "  \(line): \(error)")
    }
}
print("peak memory of the process: \(Measurement.peakMemoryBytes >> 20) MB")
openTargets = []
database.close()
if !isKept { Arguments.remove(folder) }
