import Glibc
import Logging
import TSDB

/// How long the store of a killed process takes to open: copies of its folder are opened one after the other.
struct StoreStart {
    let folder: String
    let logger: Logger

    /// Opens `rounds` copies and prints the calmest figures.
    func run(rounds: Int, copy: String) throws {
        var wall: [Double] = []
        var cpu: [Double] = []
        var state: DatabaseState?
        for _ in 0..<rounds {
            removeFolder(copy)
            copyFolder(folder, to: copy)
            var settings = DatabaseSettings.anyTime
            settings.maintainsByItself = false
            let started = seconds(CLOCK_MONOTONIC)
            let startedCPU = seconds(CLOCK_PROCESS_CPUTIME_ID)
            let database = try TimeSeriesDatabase.open(path: copy, settings: settings, logger: logger)
            wall.append(seconds(CLOCK_MONOTONIC) - started)
            cpu.append(seconds(CLOCK_PROCESS_CPUTIME_ID) - startedCPU)
            state = database.state
            database.close()
        }
        guard let state else { return }
        print("\(state.journalFileBytes) bytes of journal, \(rounds) starts")
        line("wall, least", (wall.min() ?? 0) * 1000, "ms")
        line("wall, median", wall.sorted()[rounds / 2] * 1000, "ms")
        line("CPU, least", (cpu.min() ?? 0) * 1000, "ms")
    }
}
