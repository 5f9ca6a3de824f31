package import MetricModel

/// A choice of labels by name.
package struct LabelChoice: Sendable {
    package var names: [String]
    /// The labels named are kept and the others not; or the other way round.
    package var keepsNamed: Bool

    package init(names: [String], keepsNamed: Bool) {
        self.names = names
        self.keepsNamed = keepsNamed
    }
}

/// Series of a selection by those of their labels that a choice keeps.
///
/// Belongs to one thread.
package protocol ChosenLabels {
    /// The number of a series' labels, `0 ..< count` of the selection; equal labels have one number, and numbers are given
    /// as they are met, from 0 on.
    mutating func number(of index: Int) -> Int

    /// The numbers of all series, where they are known without looking at labels.
    var knownNumbers: [UInt32]? { get }

    /// The labels that have a number.
    func labels(numbered number: Int) -> LabelSet
}

extension ChosenLabels {
    package var knownNumbers: [UInt32]? { nil }
}
