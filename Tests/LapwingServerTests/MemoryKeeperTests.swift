import Testing

@testable import LapwingServer

@Suite("Memory given back")
struct MemoryKeeperTests {
    @Test("freed memory is given back when there is enough of it, not more often than each second")
    func givesBack() {
        var state = MemoryKeeperState(limitBytes: 1 << 30)
        func look(own: Int, held: Int, at milliseconds: UInt64) -> MemoryKeeperState.Action {
            state.look(
                residentBytes: (own + 32) << 20, ownBytes: own << 20, heldBytes: held << 20,
                nanoseconds: milliseconds * 1_000_000)
        }
        #expect(look(own: 10, held: 0, at: 1000) == .nothing)
        #expect(look(own: 300, held: 290, at: 1100) == .nothing, "it is in use")
        #expect(look(own: 300, held: 10, at: 1200) == .giveBack)
        state.noteWalk(residentBytes: 92 << 20, ownBytes: 60 << 20, heldBytes: 10 << 20, nanoseconds: 1_200_000_000)
        #expect(look(own: 65, held: 0, at: 2300) == .nothing, "50 MB are what is needed")
        #expect(look(own: 120, held: 0, at: 1900) == .nothing)
        #expect(look(own: 120, held: 0, at: 2300) == .giveBack)
    }

    @Test("beyond the limit memory is given back first, then the query that holds most ends, then the next")
    func endsQueries() {
        var state = MemoryKeeperState(limitBytes: 100 << 20)
        func look(at milliseconds: UInt64, held: Int = 50) -> MemoryKeeperState.Action {
            state.look(
                residentBytes: 110 << 20, ownBytes: 90 << 20, heldBytes: held << 20,
                nanoseconds: milliseconds * 1_000_000)
        }
        func walk(at milliseconds: UInt64, held: Int = 50) {
            state.noteWalk(
                residentBytes: 107 << 20, ownBytes: 87 << 20, heldBytes: held << 20,
                nanoseconds: milliseconds * 1_000_000)
        }
        #expect(look(at: 1000) == .giveBack)
        walk(at: 1000)
        #expect(look(at: 1050) == .nothing)
        #expect(look(at: 1200) == .endLargestQuery)
        #expect(look(at: 1300) == .giveBack, "what the ended query frees is given back before the next one ends")
        walk(at: 1300)
        #expect(look(at: 1500) == .endLargestQuery)
        #expect(look(at: 1600, held: 0) == .giveBack)
        walk(at: 1600, held: 0)
        #expect(look(at: 1800, held: 0) == .nothing, "no query is at fault, and there is nothing to give")
    }

    @Test("while a page of known series waits what is free is given back, then the query that holds most ends")
    func pageWaits() {
        var state = MemoryKeeperState(limitBytes: 1 << 30)
        func look(at milliseconds: UInt64, held: Int = 50, isWaiting: Bool = true) -> MemoryKeeperState.Action {
            let action = state.look(
                residentBytes: 300 << 20, ownBytes: 270 << 20, heldBytes: held << 20, isPageWaiting: isWaiting,
                nanoseconds: milliseconds * 1_000_000)
            if action == .giveBack {
                state.noteWalk(
                    residentBytes: 300 << 20, ownBytes: 270 << 20, heldBytes: held << 20,
                    nanoseconds: milliseconds * 1_000_000)
            }
            return action
        }
        #expect(look(at: 1000) == .giveBack)
        #expect(look(at: 1050) == .nothing)
        #expect(look(at: 1100) == .endLargestQuery)
        #expect(look(at: 1200) == .giveBack)
        #expect(look(at: 1300) == .endLargestQuery)
        #expect(look(at: 1400, held: 0) == .giveBack)
        #expect(look(at: 1500, held: 0) == .giveBack, "no query is at fault")
        #expect(look(at: 3000, isWaiting: false) == .nothing)
    }

    @Test("what the kernel says of this process is read")
    func resident() {
        let now = ResidentMemory().read()
        #expect(now.ownBytes > 1 << 20 && now.residentBytes > now.ownBytes)
    }
}
