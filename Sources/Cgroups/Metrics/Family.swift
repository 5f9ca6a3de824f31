/// A metric family made of columns of the table: its name, its help, and which column gives which series.
struct Family {
    enum Kind { case counter, gauge }

    enum Unit {
        /// The number as it is.
        case integer
        /// Nanoseconds, written as seconds.
        case seconds
        /// A number in two's complement that may be negative.
        case signed
    }

    struct Member {
        var field: Field
        /// Labels after the cgroup's own, with a comma before them.
        var labels: [UInt8] = []

        init(_ field: Field, _ labels: String = "") {
            self.field = field
            self.labels = Array(labels.utf8)
        }
    }

    var name: [UInt8]
    var heading: [UInt8]
    var unit: Unit
    var group: MetricGroups
    var members: [Member]

    init(
        _ name: String, _ kind: Kind, _ unit: Unit, _ group: MetricGroups, _ members: [Member], _ help: String
    ) {
        self.name = Array(name.utf8)
        heading = Self.heading(name, kind, help)
        self.unit = unit
        self.group = group
        self.members = members
    }

    init(_ name: String, _ kind: Kind, _ unit: Unit, _ group: MetricGroups, _ field: Field, _ help: String) {
        self.init(name, kind, unit, group, [Member(field)], help)
    }

    /// The two lines that introduce a family in the text format.
    static func heading(_ name: String, _ kind: Kind, _ help: String) -> [UInt8] {
        Array("# HELP \(name) \(help)\n# TYPE \(name) \(kind == .counter ? "counter" : "gauge")\n".utf8)
    }
}
