import Exposition
import MetricModel
import Storage
import Synchronization
import Testing

@testable import Scraping

@Suite("The series of a target")
struct TargetSeriesTests {
    static func labels(_ pairs: KeyValuePairs<String, String>) -> LabelSet {
        var builder = LabelSetBuilder(LabelSet(["instance": "i", "job": "j"]))
        for (name, value) in pairs { builder.set(name, to: value) }
        return builder.build()
    }

    static func isStale(_ value: Double?) -> Bool { value.map(SpecialValue.isStale) ?? false }

    @Test("a page becomes one row with the report series in it")
    func writesRow() {
        var harness = SeriesHarness()
        #expect(harness.scrape("# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2.5\nb NaN\n") == nil)
        let row = harness.store.lastRow
        #expect(row.timestamp == 1000)
        #expect(row.values[Self.labels(["__name__": "a", "x": "1"])] == 1)
        #expect(row.values[Self.labels(["__name__": "a", "x": "2"])] == 2.5)
        #expect(row["b"]?.isNaN == true)
        #expect(row["up"] == 1)
        #expect(row["scrape_duration_seconds"] == 0.5)
        #expect(row["scrape_samples_scraped"] == 3)
        #expect(row["scrape_samples_post_metric_relabeling"] == 3)
        #expect(row["scrape_series_added"] == 3)
        #expect(row.values.count == 8)
    }

    @Test("the type and unit of the family become labels where that is wanted")
    func typeLabels() {
        var harness = SeriesHarness(addsTypeLabels: true)
        let page = """
            # TYPE requests counter
            # UNIT requests_seconds seconds
            # TYPE requests_seconds counter
            requests_seconds_total{__type__="gauge"} 1
            # TYPE sizes histogram
            sizes_bucket{le="1"} 1
            sizes_bucket{le="+Inf"} 1
            sizes_count 1
            sizes_sum 1
            # TYPE untold unknown
            untold{__unit__="x"} 1
            # EOF

            """
        #expect(harness.scrape(page, format: .openMetrics) == nil)
        let values = harness.store.lastRow.values
        func has(_ pairs: KeyValuePairs<String, String>) -> Bool { values[Self.labels(pairs)] != nil }
        #expect(has(["__name__": "requests_seconds_total", "__type__": "counter", "__unit__": "seconds"]))
        #expect(has(["__name__": "sizes_bucket", "__type__": "histogram", "le": "1.0"]))
        #expect(has(["__name__": "sizes_sum", "__type__": "histogram"]))
        #expect(has(["__name__": "untold"]))
        #expect(has(["__name__": "up"]))
    }

    @Test("series are added once")
    func addsOnce() {
        var harness = SeriesHarness()
        harness.scrape("a 1\nb 2\n")
        harness.scrape("a 3\nb 4\nc 5\n")
        #expect(harness.store.lastRow["scrape_series_added"] == 1)
        harness.scrape("c 3\nb 4\na 5\n")
        #expect(harness.store.lastRow["scrape_series_added"] == 0)
        #expect(harness.store.lastRow["a"] == 5)
        #expect(harness.store.lastRow["c"] == 3)
    }

    @Test("a series that is gone gets one marker and is absent after it")
    func marksVanished() {
        var harness = SeriesHarness()
        harness.scrape("a 1\nb 2\nc 3\n")
        harness.scrape("a 1\nc 3\n")
        #expect(Self.isStale(harness.store.lastRow["b"]))
        #expect(harness.store.lastRow["c"] == 3)
        harness.scrape("a 1\nc 3\n")
        #expect(harness.store.lastRow["b"] == nil)
        harness.scrape("a 1\nb 7\nc 3\n")
        #expect(harness.store.lastRow["b"] == 7)
    }

    @Test("an empty page is a good scrape of nothing")
    func emptyPage() {
        var harness = SeriesHarness()
        harness.scrape("a 1\n")
        #expect(harness.scrape("") == nil)
        #expect(Self.isStale(harness.store.lastRow["a"]))
        #expect(harness.store.lastRow["up"] == 1)
        #expect(harness.scrape("", format: .openMetrics) == nil)
        harness.scrape("a 1\n")
        #expect(harness.store.lastRow["a"] == 1)
    }

    @Test("a failed scrape marks everything once and says up 0")
    func failure() {
        var harness = SeriesHarness()
        harness.scrape("a 1\nb 2\n")
        harness.fail(.timedOut(url: "u"))
        #expect(Self.isStale(harness.store.lastRow["a"]))
        #expect(Self.isStale(harness.store.lastRow["b"]))
        #expect(harness.store.lastRow["up"] == 0)
        #expect(harness.store.lastRow["scrape_samples_scraped"] == 0)
        harness.fail(.timedOut(url: "u"))
        #expect(harness.store.lastRow["a"] == nil)
        #expect(harness.store.lastRow["up"] == 0)
        harness.scrape("a 1\nb 2\n")
        #expect(harness.store.lastRow["a"] == 1)
        #expect(harness.store.lastRow["scrape_series_added"] == 0)
        harness.scrape("b 2\n")
        #expect(Self.isStale(harness.store.lastRow["a"]))
    }

    @Test("a page that is wrong in its middle stores none of it")
    func garbage() {
        var harness = SeriesHarness()
        harness.scrape("a 1\nb 2\n")
        let failure = harness.scrape("a 1\nc 5\n}{ nonsense\nb 2\n")
        #expect(failure?.description.contains("line 3") == true)
        #expect(Self.isStale(harness.store.lastRow["a"]))
        #expect(harness.store.lastRow["c"] == nil)
        harness.scrape("a 1\nc 5\nb 2\n")
        #expect(harness.store.lastRow["c"] == 5)
        #expect(harness.store.lastRow["scrape_series_added"] == 1)
    }

    @Test("the first of two samples of one series counts")
    func duplicates() {
        var harness = SeriesHarness()
        let (failure, report) = harness.scrapeReporting(Array("a 1\na 2\nb 3\n".utf8))
        #expect(failure == nil)
        #expect(report.duplicateSamples == 1)
        #expect(harness.store.lastRow["a"] == 1)
        #expect(harness.store.lastRow["scrape_samples_scraped"] == 3)
    }

    @Test("a scraped label in the way of a target label is renamed")
    func conflictRenamed() {
        var harness = SeriesHarness()
        harness.scrape("a{job=\"x\",exported_job=\"y\"} 1\n")
        let expected = Self.labels(["__name__": "a", "exported_job": "y", "exported_exported_job": "x"])
        #expect(harness.store.lastRow.values[expected] == 1)
    }

    @Test("honor_labels lets the page win, also with an empty label")
    func honorLabels() {
        var job = ScrapeJobSettings(jobName: "j")
        job.honorsLabels = true
        var harness = SeriesHarness(job: job)
        harness.scrape("a{job=\"x\",instance=\"\"} 1\n")
        #expect(harness.store.lastRow.values[LabelSet(["__name__": "a", "job": "x"])] == 1)
    }

    @Test("metric relabelling renames and drops")
    func metricRelabelling() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.metricRelabeling = Relabeler([
            try RelabelRule(.drop, "__name__", matching: "go_.*"),
            try RelabelRule(
                sourceLabels: ["__name__"], regex: "old_(.*)", targetLabel: "__name__", replacement: "new_$1"),
        ])
        var harness = SeriesHarness(job: job)
        for _ in 0..<2 {
            harness.scrape("go_x 1\nold_y 2\nz 3\n")
            #expect(harness.store.lastRow["go_x"] == nil)
            #expect(harness.store.lastRow["new_y"] == 2)
            #expect(harness.store.lastRow["scrape_samples_scraped"] == 3)
            #expect(harness.store.lastRow["scrape_samples_post_metric_relabeling"] == 2)
        }
    }

    @Test("a series without a name after relabelling fails the scrape")
    func namelessSeries() throws {
        var job = ScrapeJobSettings(jobName: "j")
        job.metricRelabeling = Relabeler([try RelabelRule(.labeldrop, matching: "__name__")])
        var harness = SeriesHarness(job: job)
        #expect(harness.scrape("a 1\n") == .missingName(line: 1))
    }

    @Test("too many samples fail the scrape and leave no series behind")
    func sampleLimit() {
        var job = ScrapeJobSettings(jobName: "j")
        job.limits.samples = 2
        var harness = SeriesHarness(job: job)
        harness.scrape("a 1\nb 2\n")
        for _ in 0..<2 {
            #expect(harness.scrape("a 1\nb 2\nc 3\n") == .sampleLimit(found: 3, limit: 2))
            #expect(harness.store.lastRow["scrape_samples_post_metric_relabeling"] == 3)
        }
        #expect(harness.store.state.withLock { $0.slots[0].contains { $0.metricName == "c" } } == false)
        #expect(harness.scrape("a 1\nc 3\n") == nil)
        #expect(harness.store.lastRow["c"] == 3)
    }

    @Test("label limits fail the scrape with the limit's name")
    func labelLimits() {
        var job = ScrapeJobSettings(jobName: "j")
        job.limits.labels = 4
        job.limits.labelNameBytes = 8
        job.limits.labelValueBytes = 6
        var harness = SeriesHarness(job: job)
        #expect(harness.scrape("a{b=\"c\"} 1\n") == nil)
        #expect(harness.scrape("a{b=\"c\",d=\"e\"} 1\n")?.description.contains("label_limit") == true)
        #expect(harness.scrape("a{toolongname=\"c\"} 1\n")?.description.contains("label_name_length_limit") == true)
        #expect(harness.scrape("a{b=\"1234567\"} 1\n")?.description.contains("label_value_length_limit") == true)
        #expect(harness.scrape("a{b=\"c\"} 1\n") == nil)
    }

    @Test("samples with timestamps go their own way")
    func ownTimestamps() {
        var harness = SeriesHarness()
        harness.scrape("a 1 500\nb 2\n")
        #expect(harness.store.lastRow["a"] == nil)
        #expect(harness.store.lastRow["b"] == 2)
        #expect(harness.store.lastRow["scrape_samples_post_metric_relabeling"] == 2)
        let batch = harness.store.state.withLock { $0.batches.last }
        #expect(batch?.series.first?.columns.values == [1])
        #expect(batch?.series.first?.columns.timestamp(at: 0) == 500)
        // Gone: no marker, as its end has no time.
        harness.scrape("b 2\n")
        #expect(harness.store.state.withLock { $0.batches.count } == 1)
        // A series may change its ways in both directions.
        harness.scrape("a 1\nb 2 700\n")
        #expect(harness.store.lastRow["a"] == 1)
        #expect(harness.store.state.withLock { $0.batches.last?.series.first?.labels.metricName } == "b")
    }

    @Test("honor_timestamps false takes the time of the scrape")
    func ignoredTimestamps() {
        var job = ScrapeJobSettings(jobName: "j")
        job.honorsTimestamps = false
        var harness = SeriesHarness(job: job)
        harness.scrape("a 1 500\n")
        #expect(harness.store.lastRow["a"] == 1)
        #expect(harness.store.state.withLock { $0.batches.isEmpty })
    }

    @Test("track_timestamps_staleness marks series with timestamps")
    func trackedTimestamps() {
        var job = ScrapeJobSettings(jobName: "j")
        job.tracksTimestampsStaleness = true
        var harness = SeriesHarness(job: job)
        harness.scrape("a 1 500\nb 2 500\n")
        harness.scrape("b 2 600\n")
        let marker = harness.store.state.withLock { $0.batches.last?.series.first { $0.labels.metricName == "a" } }
        #expect(marker?.columns.timestamp(at: 0) == 2000)
        #expect(Self.isStale(marker?.columns.values.first))
        harness.fail(.cancelled)
        let end = harness.store.state.withLock { $0.batches.last }
        #expect(end?.series.map(\.labels.metricName) == ["b"])
    }

    @Test("when the store numbers the slots anew nothing is mixed up")
    func renumbering() {
        var harness = SeriesHarness()
        harness.scrape("a 1\nb 2\nc 3\n")
        harness.store.renumber()
        // This row was laid out before the target could know; a real store renumbers inside of append.
        harness.scrape("a 1\nb 2\nc 3\n")
        harness.scrape("a 10\nc 30\n")
        #expect(harness.store.lastRow["a"] == 10)
        #expect(harness.store.lastRow["c"] == 30)
        #expect(Self.isStale(harness.store.lastRow["b"]))
        #expect(harness.store.lastRow["up"] == 1)
        #expect(harness.store.lastRow["scrape_samples_scraped"] == 2)
    }

    @Test("a store without room keeps the known series flowing")
    func seriesLimit() {
        var harness = SeriesHarness()
        harness.scrape("a 1\n")
        harness.store.state.withLock { $0.seriesLimit = $0.slots[0].count }
        let (failure, report) = harness.scrapeReporting(Array("a 2\nb 3\n".utf8))
        #expect(failure == nil)
        #expect(report.samplesWithoutRoom == 1)
        #expect(harness.store.lastRow["a"] == 2)
        #expect(harness.store.lastRow["b"] == nil)
        harness.store.state.withLock { $0.seriesLimit = .max }
        harness.scrape("a 2\nb 3\n")
        #expect(harness.store.lastRow["b"] == 3)
    }

    @Test("series that found no room are counted at each scrape, and learned anew when there is room, not too often")
    func roomAgain() {
        var harness = SeriesHarness()
        harness.scrape("a 1\n")
        func limit(_ isFull: Bool) {
            harness.store.state.withLock { $0.seriesLimit = isFull ? $0.slots[0].count : .max }
        }
        limit(true)
        for value in 2...4 {
            let (failure, report) = harness.scrapeReporting(Array("a \(value)\nb 3\nc 4\n".utf8))
            #expect(failure == nil && report.samplesWithoutRoom == 2 && report.samplesAfterRelabeling == 3)
        }
        limit(false)
        harness.scrape("a 5\nb 3\nc 4\n")
        #expect(harness.store.lastRow["a"] == 5 && harness.store.lastRow["b"] == 3 && harness.store.lastRow["c"] == 4)
        limit(true)
        harness.scrape("a 6\nb 3\nd 4\n")
        #expect(Self.isStale(harness.store.lastRow["c"]))
        limit(false)
        harness.scrape("a 7\nd 4\n")
        #expect(harness.store.lastRow["d"] == nil, "learning anew costs what a new page costs")
        harness.time += TargetSeries.Refusals.pauseMilliseconds
        harness.scrape("a 8\nd 4\n")
        #expect(harness.store.lastRow["a"] == 8 && harness.store.lastRow["d"] == 4)
    }

    @Test("a store that refuses rows makes the scrape fail with its reason")
    func refusingStore() {
        var harness = SeriesHarness()
        harness.scrape("a 1\n")
        harness.store.state.withLock { $0.refusal = .unavailable(reason: "disk full") }
        #expect(harness.scrape("a 2\n") == .storage(reason: "storage unavailable: disk full"))
        harness.store.state.withLock { $0.refusal = nil }
        #expect(harness.scrape("a 3\n") == nil)
        #expect(harness.store.lastRow["a"] == 3)
    }

    @Test("the end of a target marks its series and its report series")
    func end() {
        var harness = SeriesHarness()
        harness.scrape("a 1\n")
        harness.series.appendEnd(timestamp: Timestamp(milliseconds: 9000), scratch: harness.scratch)
        #expect(harness.store.lastRow.timestamp == 9000)
        #expect(harness.store.lastRow.values.count == 6)
        #expect(harness.store.lastRow.values.values.allSatisfy { SpecialValue.isStale($0) })
    }

    @Test("new settings that drop a series give it its marker")
    func settingsChange() throws {
        var job = ScrapeJobSettings(jobName: "j")
        var harness = SeriesHarness(job: job)
        harness.scrape("a 1\nb 2\n")
        job.metricRelabeling = Relabeler([try RelabelRule(.drop, "__name__", matching: "b")])
        harness.series.update(target: .sample(), context: JobContext(job))
        harness.scrape("a 1\nb 2\n")
        #expect(harness.store.lastRow["a"] == 1)
        #expect(Self.isStale(harness.store.lastRow["b"]))
    }

    @Test("extra_scrape_metrics adds three series")
    func extraMetrics() {
        var job = ScrapeJobSettings(jobName: "j")
        job.extraScrapeMetrics = true
        job.limits.samples = 7
        var harness = SeriesHarness(job: job)
        harness.scrape("a 1\n")
        #expect(harness.store.lastRow["scrape_timeout_seconds"] == 5)
        #expect(harness.store.lastRow["scrape_sample_limit"] == 7)
        #expect(harness.store.lastRow["scrape_body_size_bytes"] == 4)
        harness.fail(.bodyTooLarge(limitName: "body_size_limit", limitBytes: 1))
        #expect(harness.store.lastRow["scrape_body_size_bytes"] == -1)
    }

    @Test("labels that keep changing do not fill the memory")
    func churn() {
        var harness = SeriesHarness()
        var largest = 0
        for round in 0..<60 {
            let page = (0..<100).map { "a{pod=\"p\(round)-\($0)\"} 1\n" }.joined()
            #expect(harness.scrape(page) == nil)
            largest = max(largest, harness.series.byteCount)
        }
        #expect(largest < 300_000)
        #expect(harness.store.lastRow["scrape_series_added"] == 100)
    }

    @Test("metadata are kept by family")
    func metadata() {
        var harness = SeriesHarness()
        harness.scrape("# HELP a What a is.\n# TYPE a counter\na 1\n# TYPE b gauge\nb 2\n")
        let entries = harness.table.entries()
        #expect(entries.map(\.name) == ["a", "b"])
        #expect(entries.first?.metadata == MetricMetadata(type: .counter, help: "What a is."))
        #expect(harness.table.entries(named: "b").first?.metadata.type == .gauge)
    }
}
