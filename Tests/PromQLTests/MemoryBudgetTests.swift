import Testing

@testable import PromQL

@Suite("Bytes that queries share")
struct MemoryBudgetTests {
    @Test("where the process has no room left bytes are refused though the budget has them")
    func processRoom() {
        let budget = MemoryBudget(limitBytes: 100 << 20) { 4 << 20 }
        #expect(budget.take(1000))
        #expect(budget.take(1 << 20))
        #expect(!budget.take(4 << 20))
        #expect(budget.usedBytes == 1000 + (1 << 20))
        #expect(MemoryBudget(limitBytes: 100 << 20).take(50 << 20))
    }
}
