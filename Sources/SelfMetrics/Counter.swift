import Synchronization

/// A number that only grows.
///
/// Safe on any thread; adding takes no lock.
package final class Counter: Sendable {
    /// The value's bits.
    private let bits = Atomic<UInt64>(0)

    package init() {}

    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    package func increment() { add(1.0) }
    package func add(_ amount: Int) { add(Double(amount)) }

    /// Adds an amount; negative ones are left out, as a counter never falls.
    package func add(_ amount: Double) {
        guard amount > 0 else { return }
        var current = bits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: current) + amount).bitPattern
            let result = bits.weakCompareExchange(expected: current, desired: next, ordering: .relaxed)
            if result.exchanged { return }
            current = result.original
        }
    }
}
