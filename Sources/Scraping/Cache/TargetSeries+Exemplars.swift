import Exposition
import MetricModel
import Storage

/// Handing exemplars on.
extension TargetSeries {
    /// Gives the exemplars of a page that was stored to who keeps them; those that the page before had are left out.
    ///
    /// One without a time has that of its sample, or of the scrape.
    mutating func appendExemplars(_ scratch: ScrapeScratch, _ writer: any SourceWriter, at timestamp: Timestamp) {
        guard let exemplars = environment.exemplars else { return }
        let columns = scratch.columns
        guard !columns.exemplars.isEmpty || !columns.histograms.isEmpty || !lastExemplars.isEmpty else { return }
        var seen: Set<PlacedExemplar> = []
        var batch: [SeriesExemplar] = []
        func add(_ exemplar: Exemplar, _ series: Int32, sampleTime: Int64) {
            let placed = PlacedExemplar(series: series, exemplar: exemplar)
            guard seen.insert(placed).inserted, !lastExemplars.contains(placed),
                let labels = labels(of: series, writer)
            else { return }
            let ownTime = sampleTime == ScrapePage.noTimestamp ? timestamp.milliseconds : sampleTime
            batch.append(
                SeriesExemplar(
                    labels: labels, exemplar: exemplar, timestamp: exemplar.timestampMilliseconds ?? ownTime))
        }
        for entry in columns.exemplars {
            let time = columns.timestamps.isEmpty ? ScrapePage.noTimestamp : columns.timestamps[entry.sample]
            add(entry.exemplar, columns.series[entry.sample], sampleTime: time)
        }
        for histogram in columns.histograms {
            for exemplar in histogram.exemplars { add(exemplar, histogram.series, sampleTime: histogram.timestamp) }
        }
        lastExemplars = seen
        guard !batch.isEmpty else { return }
        batch.sort { $0.timestamp < $1.timestamp }
        _ = exemplars.append(batch)
    }

    private func labels(of series: Int32, _ writer: any SourceWriter) -> LabelSet? {
        let place = places[Int(series)]
        if place >= 0 { return writer.labels(of: Int(place)) }
        return place <= Place.own ? ownSeries[Int(Place.own - place)].labels : nil
    }
}
