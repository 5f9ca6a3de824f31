import Testing

@testable import LapwingServer

@Suite("Feature flags")
struct FeatureFlagsTests {
    @Test("several stand in one argument or in several, and one that is none is told of")
    func names() {
        let flags = FeatureFlags(["st-storage, promql-experimental-functions", "promql-delayed-name-removals", "zebra"])
        #expect(flags.contains("st-storage") && flags.contains("promql-experimental-functions"))
        #expect(!flags.contains("promql-delayed-name-removal"))
        #expect(
            flags.complaints == [
                "--enable-feature: 'promql-delayed-name-removals' is no feature, did you mean 'promql-delayed-name-removal'?",
                "--enable-feature: 'zebra' is no feature",
            ])
        #expect(FeatureFlags([]).complaints.isEmpty)
    }
}
