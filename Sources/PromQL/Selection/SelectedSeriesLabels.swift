import MetricModel
import Storage

/// Which labels of a selection's series are made.
enum SelectedSeriesLabels: Sendable {
    case none
    case whole
    /// All but name, type and unit.
    case withoutMetadata

    private static let metadata = [LabelName.metricName, LabelName.type, LabelName.unit].map { Array($0.utf8) }

    /// Those of a series.
    func of(_ selected: any SelectedSeries, at index: Int) -> LabelSet {
        switch self {
        case .none: .empty
        case .whole: selected.labels(at: index)
        case .withoutMetadata: selected.labels(at: index, without: Self.metadata)
        }
    }
}
