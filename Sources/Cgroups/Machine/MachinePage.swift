import Bytes

/// The kind of a metric family of the machine.
enum MachineKind {
    case counter, gauge
    /// What the exporter whose names these are leaves open.
    case untyped

    var text: StaticString {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .untyped: "untyped"
        }
    }
}

/// A number as the kernel gave it.
enum MachineNumber: Equatable {
    case integer(UInt64)
    case signed(Int64)
    /// Nanoseconds, written as seconds.
    case seconds(nanoseconds: UInt64)
    case decimal(Double)

    /// 1 for yes and 0 for no.
    static func flag(_ isSet: Bool) -> MachineNumber { .integer(isSet ? 1 : 0) }
}

/// Writes families of series in the text format 0.0.4; a family without a series leaves no trace.
struct MachinePage {
    private(set) var output: [UInt8]
    /// Lines of samples that may still be written.
    private(set) var room: Int
    private(set) var leftOut: UInt64 = 0
    private var name: [UInt8] = []
    private var kind = MachineKind.gauge
    private var help: StaticString = ""
    private var isHeadingWritten = false
    private var labels: [UInt8] = []

    /// A page that is appended to a buffer, of so many series at most.
    init(_ output: consuming [UInt8], maximumSeries: Int) {
        self.output = output
        room = maximumSeries
    }

    /// Begins a family; the name is `node_` with what follows.
    mutating func family(_ name: StaticString, _ kind: MachineKind, _ help: StaticString) {
        family(name, [], "", kind, help)
    }

    /// Begins a family whose name holds a key of the kernel's, cleaned of what may not stand in a name.
    mutating func family(
        _ prefix: StaticString, _ key: [UInt8], _ suffix: StaticString, _ kind: MachineKind, _ help: StaticString
    ) {
        name.removeAll(keepingCapacity: true)
        Self.append("node_", to: &name)
        Self.append(prefix, to: &name)
        for byte in key {
            let isLetter = (byte | 0x20) &- 0x61 < 26
            name.append(isLetter || byte &- 0x30 < 10 ? byte : UInt8(ascii: "_"))
        }
        Self.append(suffix, to: &name)
        self.kind = kind
        self.help = help
        isHeadingWritten = false
    }

    /// Adds a label to the next sample.
    mutating func label(_ name: StaticString, _ value: [UInt8]) {
        beginLabel(name)
        CgroupLabels.appendEscaped(value, to: &labels)
        labels.append(UInt8(ascii: "\""))
    }

    mutating func label(_ name: StaticString, _ value: StaticString) {
        beginLabel(name)
        Self.append(value, to: &labels)
        labels.append(UInt8(ascii: "\""))
    }

    private mutating func beginLabel(_ name: StaticString) {
        if !labels.isEmpty { labels.append(UInt8(ascii: ",")) }
        Self.append(name, to: &labels)
        labels.append(UInt8(ascii: "="))
        labels.append(UInt8(ascii: "\""))
    }

    /// Writes a sample of the family with the labels added since the last; nil writes nothing.
    mutating func sample(_ value: MachineNumber?) {
        defer { labels.removeAll(keepingCapacity: true) }
        guard let value else { return }
        guard room > 0 else {
            leftOut &+= 1
            return
        }
        room -= 1
        if !isHeadingWritten { writeHeading() }
        output.append(contentsOf: name)
        if !labels.isEmpty {
            output.append(UInt8(ascii: "{"))
            output.append(contentsOf: labels)
            output.append(UInt8(ascii: "}"))
        }
        output.append(KernelText.space)
        switch value {
        case .integer(let number): SampleText.appendInteger(number, to: &output)
        case .seconds(let nanoseconds): SampleText.appendSeconds(nanoseconds: nanoseconds, to: &output)
        case .signed(let number):
            DecimalFormatting.append(number, to: &output)
            output.append(KernelText.newline)
        case .decimal(let number):
            DecimalFormatting.append(number, style: .compact, to: &output)
            output.append(KernelText.newline)
        }
    }

    /// A family of one series without labels.
    mutating func single(_ name: StaticString, _ kind: MachineKind, _ value: MachineNumber?, _ help: StaticString) {
        guard let value else { return }
        family(name, kind, help)
        sample(value)
    }

    private mutating func writeHeading() {
        isHeadingWritten = true
        Self.append("# HELP ", to: &output)
        output.append(contentsOf: name)
        output.append(KernelText.space)
        Self.append(help, to: &output)
        Self.append("\n# TYPE ", to: &output)
        output.append(contentsOf: name)
        output.append(KernelText.space)
        Self.append(kind.text, to: &output)
        output.append(KernelText.newline)
    }

    private static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }
}
