import Glibc

/// Finds the names of block devices and keeps them as label text.
struct BlockDeviceNames {
    /// Devices remembered at most; a host has tens.
    static let maximumDevices = 4_096

    private let rootPath: String
    private var labels: [UInt64: [UInt8]] = [:]
    private var partitions: [UInt64: Bool] = [:]

    init(rootPath: String) {
        self.rootPath = rootPath
    }

    /// Forgets all names: a number may have gone to another device.
    mutating func forget() {
        labels.removeAll(keepingCapacity: true)
        partitions.removeAll(keepingCapacity: true)
    }

    /// `device="/dev/sda",major="8",minor="0"`; a device without a name is called by its number, `8:0`.
    mutating func label(of device: UInt64, reader: inout FileReader) -> [UInt8] {
        if let label = labels[device] { return label }
        if labels.count >= Self.maximumDevices { forget() }
        let major = device >> 32
        let minor = device & 0xFFFF_FFFF
        let name = linkName(major, minor) ?? partitionName(major, minor, reader: &reader)
        var label: [UInt8] = []
        CgroupLabels.append("device", Array((name.map { "/dev/\($0)" } ?? "\(major):\(minor)").utf8), to: &label)
        label.append(contentsOf: ",major=\"\(major)\",minor=\"\(minor)\"".utf8)
        labels[device] = label
        return label
    }

    /// Whether the device is a part of another, whose numbers hold its own.
    mutating func isPartition(_ device: UInt64) -> Bool {
        if let known = partitions[device] { return known }
        let path = "\(rootPath)/sys/dev/block/\(device >> 32):\(device & 0xFFFF_FFFF)/partition"
        let isPartition = FileStatus.of(Array(path.utf8) + [0], at: AT_FDCWD) != nil
        if partitions.count < Self.maximumDevices { partitions[device] = isPartition }
        return isPartition
    }

    /// The last component of what `/sys/dev/block/8:0` points to.
    private func linkName(_ major: UInt64, _ minor: UInt64) -> String? {
        guard let target = SymbolicLink.target(of: "\(rootPath)/sys/dev/block/\(major):\(minor)") else { return nil }
        // A slash in a device's name stands as an exclamation mark there.
        return target.split(separator: "/").last.map { String($0.map { $0 == "!" ? "/" : $0 }) }
    }

    /// The name in `/proc/partitions`, for hosts whose `/sys` is not to be seen.
    private func partitionName(_ major: UInt64, _ minor: UInt64, reader: inout FileReader) -> String? {
        guard let text = reader.contents(path: rootPath + "/proc/partitions", limitBytes: 1 << 20) else { return nil }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 4, words[0] == "\(major)", words[1] == "\(minor)" { return String(words[3]) }
        }
        return nil
    }
}

/// Reads where a symbolic link points.
enum SymbolicLink {
    /// The text of the link; nil with `errno` set when there is none.
    static func target(of path: String) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = unsafe readlink(path, start, buffer.count)
            guard count > 0 else { return nil }
            return unsafe String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
        }
    }
}
