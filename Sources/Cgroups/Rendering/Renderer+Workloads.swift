/// What workloads left behind, as series that outlive their containers.
extension Renderer {
    mutating func renderWorkloads(_ workloads: Workloads, into output: inout [UInt8]) {
        let entries = workloads.entries.values.filter { !$0.labels.isEmpty }
            .sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
        single(entries, "restarts_total", .counter, .integer, "Instances that replaced an ended one.", &output) {
            $0.restarts
        }
        renderExits(entries, &output)
        renderKills(entries, &output)
        let ended = entries.filter { !$0.exits.isEmpty }
        single(
            ended, "ended_cpu_seconds_total", .counter, .seconds, "CPU time used by instances that ended.", &output
        ) { $0.cpuNanoseconds }
        single(ended, "ended_run_seconds_total", .counter, .seconds, "Time that ended instances ran.", &output) {
            $0.runNanoseconds
        }
        single(ended, "ended_read_bytes_total", .counter, .integer, "Bytes read by instances that ended.", &output) {
            $0.readBytes
        }
        single(
            ended, "ended_written_bytes_total", .counter, .integer, "Bytes written by instances that ended.", &output
        ) { $0.writtenBytes }
        single(
            ended, "ended_memory_peak_bytes", .gauge, .integer, "The highest memory peak of an ended instance.", &output
        ) { $0.peakMemoryBytes }
        single(ended, "last_exit_time_seconds", .gauge, .seconds, "When an instance last ended.", &output) {
            $0.lastExitWall
        }
        single(
            ended.filter { $0.lastExitCode >= 0 }, "last_exit_code", .gauge, .integer,
            "The code with which an instance last ended; 128 and the signal where one ended it.", &output
        ) { UInt64($0.lastExitCode) }
    }

    private mutating func single(
        _ entries: [Workload], _ name: String, _ kind: Family.Kind, _ unit: Family.Unit, _ help: String,
        _ output: inout [UInt8], _ value: (Workload) -> UInt64
    ) {
        let name = "lapwing_workload_" + name
        if !entries.isEmpty { output.append(contentsOf: Family.heading(name, kind, help)) }
        for entry in entries { line(Array(name.utf8), entry.labels, [], unit, value(entry), &output) }
    }

    private mutating func renderExits(_ entries: [Workload], _ output: inout [UInt8]) {
        let name = "lapwing_workload_exits_total"
        var hasHeading = false
        for entry in entries {
            for exit in entry.exits {
                if !hasHeading {
                    output.append(contentsOf: Family.heading(name, .counter, "Instances that ended, by exit code."))
                }
                hasHeading = true
                let code = exit.code < 0 ? "unknown" : String(exit.code)
                line(Array(name.utf8), entry.labels, Array(",code=\"\(code)\"".utf8), .integer, exit.count, &output)
            }
        }
    }

    private mutating func renderKills(_ entries: [Workload], _ output: inout [UInt8]) {
        let name = "lapwing_workload_oom_kills_total"
        let killed = entries.filter { $0.killsOfFirst > 0 || $0.killsOfOthers > 0 }
        guard !killed.isEmpty else { return }
        output.append(
            contentsOf: Family.heading(
                name, .counter, "Processes killed because memory ran out: the first of an instance, or another."))
        for entry in killed {
            for (victim, count) in [("first", entry.killsOfFirst), ("other", entry.killsOfOthers)] {
                line(Array(name.utf8), entry.labels, Array(",victim=\"\(victim)\"".utf8), .integer, count, &output)
            }
        }
    }
}
