// What the scrape path and the store cost, stage by stage: `make bench`, or
//
//     StoreBenchmarks [series ...]        10000 100000 without arguments
//     StoreBenchmarks waits [series]      how long appends and queries wait for sealing, merging and retention
//     StoreBenchmarks start FOLDER        how long opening the folder of a killed process takes
//     StoreBenchmarks recorded [targets] [FOLDER]   the store alone with recorded pages, of ../shared/bench/corpus
//
// Times are CPU times of the thread (of the process where it says so), so that other work on the machine disturbs
// little. Exits with 1 when a steady scrape allocates.

import Bytes
import CountedAllocations
import Exposition
import Glibc
import Logging
import MetricModel
import Storage
import TSDB

func seconds(_ clock: clockid_t = CLOCK_THREAD_CPUTIME_ID) -> Double {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func line(_ what: String, _ value: Double, _ unit: String, digits: Double = 10) {
    print("  \(what): \((value * digits).rounded() / digits) \(unit)")
}

/// Resident memory of the process in bytes.
func residentBytes() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard unsafe fgets(&text, 128, file) != nil else { return 0 }
    let words = String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 4096
}

/// Unpacking and matching of one target's pages; the allocations of a steady page.
func measureMatching() throws -> Int {
    var pages = SyntheticPages(lineCount: 520, seed: 3)
    var texts: [[UInt8]] = []
    for _ in 0..<100 {
        pages.advance()
        texts.append(pages.text)
    }
    let packed = try texts.map { try Compression.gzip($0) }
    print("a page of 520 lines, \(texts[0].count) bytes, \(packed[0].count) packed")
    var output: [UInt8] = []
    output.reserveCapacity(texts[0].count * 2)
    let rounds = 20
    let samples = Double(rounds * texts.count * 520)
    var start = seconds()
    for _ in 0..<rounds {
        for page in packed {
            output.removeAll(keepingCapacity: true)
            try Compression.gunzip(page, limitBytes: 1 << 20, into: &output)
        }
    }
    line("gunzip", (seconds() - start) / samples * 1e9, "ns/sample")
    var cache = ScrapeCache()
    var columns = ScrapePage()
    for page in texts { try cache.read(page, format: .text, into: &columns) }
    let allocations = lapwing_allocation_count()
    start = seconds()
    for _ in 0..<rounds { for page in texts { try cache.read(page, format: .text, into: &columns) } }
    // Before anything is printed: that allocates, too.
    let count = Int(lapwing_allocation_count() - allocations)
    line("match", (seconds() - start) / samples * 1e9, "ns/sample")
    line("match", Double(count) / Double(rounds * texts.count), "allocations a page")
    line("cache", Double(cache.byteCount) / 520, "bytes a series")
    return count
}

let quiet = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
if CommandLine.arguments.dropFirst().first == "waits" {
    let folder = "/tmp/lapwing-benchmark-\(getpid())"
    defer { removeFolder(folder) }
    let count = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 1_000_000
    var waits = try StoreWaits(seriesCount: count, folder: folder, logger: quiet)
    try waits.run()
    removeFolder(folder)
    exit(0)
}
if CommandLine.arguments.count > 2, CommandLine.arguments[1] == "start" {
    let copy = "/tmp/lapwing-benchmark-\(getpid())"
    defer { removeFolder(copy) }
    try StoreStart(folder: CommandLine.arguments[2], logger: quiet).run(rounds: 9, copy: copy)
    removeFolder(copy)
    exit(0)
}
if CommandLine.arguments.dropFirst().first == "recorded" {
    let folder = "/tmp/lapwing-benchmark-\(getpid())"
    defer { removeFolder(folder) }
    let corpus = CommandLine.arguments.count > 3 ? CommandLine.arguments[3] : "../shared/bench/corpus"
    let count = CommandLine.arguments.dropFirst(2).first.flatMap { Int($0) } ?? 300
    do {
        try RecordedStore(corpus: corpus, targetCount: count, folder: folder, logger: quiet).run()
    } catch let error as RecordingError {
        print("skipped: \(error)")
    }
    removeFolder(folder)
    exit(0)
}
var failures = try measureMatching()
let counts = CommandLine.arguments.dropFirst().compactMap { Int($0) }
for count in counts.isEmpty ? [10_000, 100_000] : Array(counts) {
    let folder = "/tmp/lapwing-benchmark-\(getpid())"
    defer { removeFolder(folder) }
    var benchmark = try StoreBenchmark(seriesCount: count, folder: folder, logger: quiet)
    try benchmark.append()
    failures += benchmark.steadyAllocations
    try benchmark.ask("head")
    try benchmark.seal()
    try benchmark.ask("partition")
    try benchmark.restart()
}
print("allocations where there should be none: \(failures)")
exit(failures == 0 ? 0 : 1)
