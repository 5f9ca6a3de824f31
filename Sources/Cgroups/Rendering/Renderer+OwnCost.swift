/// What the collector costs and lacks, as series of its own.
extension Renderer {
    func renderOwnCost(_ sweeper: Sweeper, into output: inout [UInt8]) {
        renderSweeps(sweeper, into: &output)
        renderKnown(sweeper, into: &output)
        if groups.contains(.disk) { renderWalks(sweeper, into: &output) }
        let nameless = sweeper.nameless
        labelled(
            "lapwing_collector_nameless_containers", .gauge, "reason",
            [
                ("not_found", UInt64(nameless.notFound)), ("denied", UInt64(nameless.denied)),
                ("unanswered", UInt64(nameless.unanswered)),
            ], "Containers and pods whose names neither a readable file nor a runtime tells.", into: &output)
        renderRuntimes(sweeper, into: &output)
        labelled(
            "lapwing_collector_errors_total", .counter, "kind",
            SweepStatistics.ErrorKind.allCases.map { ("\($0.text)", sweeper.statistics.errors[$0.rawValue]) },
            "Files and watches that failed, by kind.", into: &output)
    }

    private func single(
        _ name: String, _ kind: Family.Kind, _ unit: Family.Unit, _ value: UInt64, _ help: String,
        into output: inout [UInt8]
    ) {
        output.append(contentsOf: Family.heading(name, kind, help))
        output.append(contentsOf: name.utf8)
        output.append(KernelText.space)
        SampleText.append(value, unit, to: &output)
    }

    private func labelled(
        _ name: String, _ kind: Family.Kind, _ label: String, _ values: [(String, UInt64)], _ help: String,
        into output: inout [UInt8]
    ) {
        output.append(contentsOf: Family.heading(name, kind, help))
        for (text, value) in values {
            output.append(contentsOf: "\(name){\(label)=\"\(text)\"} ".utf8)
            SampleText.appendInteger(value, to: &output)
        }
    }

    /// What sweeps and pages cost, and whether they could be made.
    private func renderSweeps(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let statistics = sweeper.statistics
        single(
            "container_scrape_error", .gauge, .integer, sweeper.hierarchies.isEmpty ? 1 : 0,
            "1 when no cgroup hierarchy could be opened.", into: &output)
        single(
            "machine_scrape_error", .gauge, .integer, sweeper.machine.isReadable ? 0 : 1,
            "1 when the machine's memory could not be read.", into: &output)
        single(
            "lapwing_collector_sweep_duration_seconds", .gauge, .seconds, statistics.lastSweepNanoseconds,
            "How long the last sweep took.", into: &output)
        single(
            "lapwing_collector_sweep_seconds_total", .counter, .seconds, statistics.sweepNanoseconds,
            "Time spent in sweeps.", into: &output)
        single("lapwing_collector_sweeps_total", .counter, .integer, statistics.sweeps, "Sweeps made.", into: &output)
        single(
            "lapwing_collector_render_seconds_total", .counter, .seconds, statistics.renderNanoseconds,
            "Time spent writing pages.", into: &output)
        single(
            "lapwing_collector_scans_total", .counter, .integer, statistics.scans, "Listings of all directories.",
            into: &output)
        single(
            "lapwing_collector_files_read_total", .counter, .integer, sweeper.reader.filesRead,
            "Kernel files read.", into: &output)
        single(
            "lapwing_collector_bytes_read_total", .counter, .integer, sweeper.reader.bytesRead,
            "Bytes of kernel files read.", into: &output)
    }

    /// What is known, left out and kept open.
    private func renderKnown(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let statistics = sweeper.statistics
        single(
            "lapwing_collector_cgroups", .gauge, .integer, UInt64(sweeper.table.liveCount), "Cgroups known.",
            into: &output)
        single(
            "lapwing_collector_cgroups_appeared_total", .counter, .integer, statistics.cgroupsAppeared,
            "Cgroups that came.", into: &output)
        single(
            "lapwing_collector_cgroups_vanished_total", .counter, .integer, statistics.cgroupsVanished,
            "Cgroups that went.", into: &output)
        single(
            "lapwing_collector_cgroups_left_out_total", .counter, .integer, statistics.cgroupsLeftOut,
            "Directories left out because a ceiling was reached.", into: &output)
        single(
            "lapwing_collector_series_left_out_total", .counter, .integer, statistics.seriesLeftOut,
            "Series left out because a page's ceiling was reached.", into: &output)
        single(
            "lapwing_collector_extra_samples_total", .counter, .integer, statistics.extraSamples,
            "Readings of one cgroup between sweeps, at its birth and its end.", into: &output)
        single(
            "lapwing_collector_ends_without_final_sample_total", .counter, .integer,
            statistics.endsWithoutFinalSample, "Cgroups that went before their last numbers could be read.",
            into: &output)
        single(
            "lapwing_collector_workloads", .gauge, .integer, UInt64(sweeper.workloads.entries.count),
            "Workloads remembered, living or ended.", into: &output)
        single(
            "lapwing_collector_workloads_dropped_total", .counter, .integer, sweeper.workloads.dropped,
            "Workloads forgotten early or not taken in because a ceiling was reached.", into: &output)
        single(
            "lapwing_collector_descriptors", .gauge, .integer, UInt64(clamping: sweeper.budget.used),
            "Descriptors of kernel files kept open.", into: &output)
        single(
            "lapwing_collector_watches", .gauge, .integer, UInt64(sweeper.watches.count), "Directories watched.",
            into: &output)
        single(
            "lapwing_collector_is_polling", .gauge, .integer, sweeper.watcher == nil ? 1 : 0,
            "1 when directories are listed because they cannot be watched.", into: &output)
    }

    /// How things stand with each runtime's socket that was needed.
    private func renderRuntimes(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let overview = sweeper.runtimes?.overview ?? []
        guard !overview.isEmpty else { return }
        func line(_ name: String, _ socket: RuntimeSocket, state: RuntimeState?, _ value: UInt64) {
            var labels: [UInt8] = []
            CgroupLabels.append("runtime", Array(socket.kind.rawValue.utf8), to: &labels)
            CgroupLabels.append("socket", Array(socket.path.utf8), to: &labels)
            CgroupLabels.append("state", Array((state?.rawValue ?? "").utf8), to: &labels)
            SampleText.appendSeries(Array(name.utf8), labels, to: &output)
            SampleText.appendInteger(value, to: &output)
        }
        let state = "lapwing_collector_runtime_state"
        output.append(contentsOf: Family.heading(state, .gauge, "1, the state of the runtime's socket as a label."))
        for known in overview { line(state, known.socket, state: known.state, 1) }
        let failures = "lapwing_collector_runtime_failures_total"
        output.append(contentsOf: Family.heading(failures, .counter, "Conversations with a runtime that failed."))
        for known in overview { line(failures, known.socket, state: nil, known.failures) }
    }
}
