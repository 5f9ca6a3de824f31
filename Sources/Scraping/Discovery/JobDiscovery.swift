import MetricModel

/// Everything that finds targets for one job.
struct JobDiscovery: Sendable {
    private enum Source: Sendable {
        case fixed([TargetGroup])
        case files(FileDiscovery)
        case notImplemented(name: String)
    }

    let settings: [DiscoverySettings]
    private var sources: [Source]

    init(_ settings: [DiscoverySettings]) {
        self.settings = settings
        sources = settings.map { entry in
            switch entry {
            case .fixed(let groups): .fixed(groups)
            case .files(let files): .files(FileDiscovery(settings: files))
            case .notImplemented(let name): .notImplemented(name: name)
            }
        }
    }

    /// Looks for changes; true when `groups` or `problems` may have changed.
    mutating func poll(now: Timestamp, reader: TargetFileReader) -> Bool {
        var hasChanged = false
        for index in sources.indices {
            guard case .files(var files) = sources[index] else { continue }
            if files.poll(now: now, reader: reader) { hasChanged = true }
            sources[index] = .files(files)
        }
        return hasChanged
    }

    var groups: [TargetGroup] {
        sources.flatMap { source -> [TargetGroup] in
            switch source {
            case .fixed(let groups): groups
            case .files(let files): files.groups
            case .notImplemented: []
            }
        }
    }

    var problems: [String] {
        sources.flatMap { source -> [String] in
            switch source {
            case .fixed: []
            case .files(let files): files.problems
            case .notImplemented(let name): ["not implemented yet: \(name); it finds no targets"]
            }
        }
    }
}
