import MetricModel

/// What containers and pods take on disk, and how full their file systems are.
extension Renderer {
    /// The figures of one cgroup.
    private struct Report {
        var labels: [UInt8]
        var layer: DiskFigure?
        var log: DiskFigure?
        var volumes: [(name: String, figure: DiskFigure)] = []
        /// When the oldest of them was taken.
        var oldest = UInt64.max
    }

    /// A family of one number per cgroup and, where there are labels, per file system or volume.
    private typealias Lines = (Report) -> [(labels: [UInt8], value: UInt64)]

    mutating func renderDiskUse(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let reports = Self.reports(sweeper)
        let root = sweeper.table.slot(of: CgroupTable.rootPath).map { sweeper.table.records[$0] }
        let hosts = root?.isShown == true ? sweeper.hostSpaces.known : []
        let rootLabels = root?.labels ?? []
        let spaces: [(String, String, (FileSystemSpace) -> UInt64)] = [
            ("container_fs_limit_bytes", "Size of the file system, or of the quota.", { $0.sizeBytes }),
            ("container_fs_inodes_total", "Inodes of the file system, or of the quota.", { $0.files }),
            ("container_fs_inodes_free", "Inodes of the file system that are free.", { $0.filesFree }),
        ]
        disk(
            "container_fs_usage_bytes", .integer, "Bytes that the writable layer and the logs take on disk.", reports,
            hosts.map { (rootLabels, Self.device($0.device), $0.space.sizeBytes &- $0.space.freeBytes) }, &output
        ) { report in
            report.layer.map { [(Self.device($0.device), $0.use.bytes &+ (report.log?.use.bytes ?? 0))] } ?? []
        }
        for (name, help, value) in spaces {
            let lines = hosts.map { (rootLabels, Self.device($0.device), value($0.space)) }
            disk(name, .integer, help, reports, lines, &output) { report in
                guard let layer = report.layer, let space = layer.space else { return [] }
                return [(Self.device(layer.device), value(space))]
            }
        }
        let parts: [(String, String, Lines)] = [
            (
                "container_fs_layer_usage_bytes", "Bytes that the writable layer takes on disk.",
                { $0.layer.map { [([], $0.use.bytes)] } ?? [] }
            ),
            (
                "container_fs_layer_inodes", "Files and folders in the writable layer.",
                { $0.layer.map { [([], $0.use.inodes)] } ?? [] }
            ),
            (
                "container_fs_log_usage_bytes", "Bytes that the logs take on disk.",
                { $0.log.map { [([], $0.use.bytes)] } ?? [] }
            ),
            (
                "container_fs_volume_usage_bytes", "Bytes that a volume takes on disk.",
                { $0.volumes.map { (Self.volume($0.name), $0.figure.use.bytes) } }
            ),
            (
                "container_fs_volume_limit_bytes", "Size of the file system that a volume lies on.",
                {
                    $0.volumes.compactMap { volume in
                        volume.figure.space.map { (Self.volume(volume.name), $0.sizeBytes) }
                    }
                }
            ),
        ]
        for (name, help, lines) in parts { disk(name, .integer, help, reports, [], &output, lines) }
        let now = sweeper.clock.monotonicNanoseconds
        disk("container_fs_age_seconds", .seconds, "How old the oldest figure of disk use is.", reports, [], &output) {
            [([], now > $0.oldest ? now - $0.oldest : 0)]
        }
    }

    /// Everything known, sorted out while the walker waits; a few microseconds per hundred containers.
    private static func reports(_ sweeper: Sweeper) -> [Report] {
        sweeper.disk.withState { state in
            var reports: [Report] = []
            for (slot, record) in sweeper.table.records.enumerated() where record.isShown {
                let key = DiskSubject.Key(slot: slot, generation: record.generation)
                guard let subject = state.subjects[key], !subject.parts.isEmpty else { continue }
                var report = Report(labels: record.labels)
                for (part, tree) in subject.parts {
                    guard let figure = state.trees[tree]?.figure else { continue }
                    report.oldest = min(report.oldest, figure.takenNanoseconds)
                    switch part {
                    case .layer: report.layer = figure
                    case .log: report.log = figure
                    case .volume(let name): report.volumes.append((name, figure))
                    }
                }
                guard report.oldest != .max else { continue }
                report.volumes.sort { $0.name < $1.name }
                reports.append(report)
            }
            return reports
        }
    }

    private static func device(_ name: String) -> [UInt8] { label("device", name) }
    private static func volume(_ name: String) -> [UInt8] { label("volume", name) }

    private static func label(_ name: StaticString, _ value: String) -> [UInt8] {
        var bytes: [UInt8] = []
        CgroupLabels.append(name, Array(value.utf8), to: &bytes)
        return bytes.isEmpty ? [] : [UInt8(ascii: ",")] + bytes
    }

    private mutating func disk(
        _ name: String, _ unit: Family.Unit, _ help: String, _ reports: [Report],
        _ hosts: [(labels: [UInt8], more: [UInt8], value: UInt64)], _ output: inout [UInt8], _ lines: Lines
    ) {
        var hasHeading = false
        let text = Array(name.utf8)
        func heading(_ output: inout [UInt8]) {
            if !hasHeading { output.append(contentsOf: Family.heading(name, .gauge, help)) }
            hasHeading = true
        }
        for host in hosts {
            heading(&output)
            line(text, host.labels, host.more, unit, host.value, &output)
        }
        for report in reports {
            for entry in lines(report) {
                heading(&output)
                line(text, report.labels, entry.labels, unit, entry.value, &output)
            }
        }
    }

    // MARK: What it costs

    func renderWalks(_ sweeper: Sweeper, into output: inout [UInt8]) {
        let (trees, walks, entries, nanoseconds, hanging, failures) = sweeper.disk.withState {
            ($0.trees.count, $0.walks, $0.entries, $0.walkNanoseconds, $0.hangingCount, $0.failures)
        }
        let numbers: [(String, Family.Kind, Family.Unit, UInt64, String)] = [
            ("trees", .gauge, .integer, UInt64(trees), "Layers, logs and volumes whose size is wanted."),
            ("walks_total", .counter, .integer, walks, "Trees walked, or answered without."),
            ("entries_total", .counter, .integer, entries, "Files and folders looked at."),
            ("walk_seconds_total", .counter, .seconds, nanoseconds, "Time that walks took, pauses included."),
            ("hanging", .gauge, .integer, UInt64(hanging), "Threads that wait for a file system that does not answer."),
        ]
        for (name, kind, unit, value, help) in numbers {
            output.append(contentsOf: Family.heading("lapwing_collector_disk_" + name, kind, help))
            output.append(contentsOf: "lapwing_collector_disk_\(name) ".utf8)
            SampleText.append(value, unit, to: &output)
        }
        let name = "lapwing_collector_disk_failures_total"
        output.append(
            contentsOf: Family.heading(name, .counter, "Trees that have no figure, or one that lacks something."))
        for failure in DiskFailure.allCases {
            output.append(contentsOf: "\(name){reason=\"\(failure.text)\"} ".utf8)
            SampleText.appendInteger(failures[failure.rawValue], to: &output)
        }
    }
}
