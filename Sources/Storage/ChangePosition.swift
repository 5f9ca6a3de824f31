/// Where a view stands among the changes of its store, for whoever keeps answers and wants to know whether they hold.
package struct ChangePosition: Sendable, Hashable {
    /// Differs from store to store, and between two openings of one.
    package var store: UInt64
    /// Counts changes.
    package var number: UInt64

    package init(store: UInt64, number: UInt64) {
        self.store = store
        self.number = number
    }
}

extension Querier {
    package var changePosition: ChangePosition? { nil }
    package func earliestChange(since position: ChangePosition) -> Int64? { nil }
}
