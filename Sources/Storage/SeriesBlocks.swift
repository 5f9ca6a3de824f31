/// The series that a selector found, a block at a time.
///
/// Belongs to one thread; its blocks are safe on several.
package protocol SeriesBlocks: AnyObject {
    /// How many series the blocks have together, about.
    var estimatedSeriesCount: Int { get }

    /// The next block; nil after the last. Whoever lets the block before go first does not hold two.
    func next() throws(StorageError) -> (any SelectedSeries)?
}

/// A selection that is its only block.
package final class OneBlock: SeriesBlocks {
    private var selection: (any SelectedSeries)?
    package let estimatedSeriesCount: Int

    package init(_ selection: any SelectedSeries) {
        self.selection = selection
        estimatedSeriesCount = selection.count
    }

    package func next() -> (any SelectedSeries)? {
        let next = selection
        selection = nil
        return next
    }
}
