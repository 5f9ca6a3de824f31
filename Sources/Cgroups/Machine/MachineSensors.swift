/// The chips below `/sys/class/hwmon`, see hwmon/sysfs-interface.rst.
struct MachineSensors {
    static let maximumChips = 256

    /// A kind of sensor: its files' prefix, its name in a family, and what a unit of the file is worth.
    private static let kinds: [(prefix: String, name: StaticString, unit: StaticString, scale: Double)] = [
        ("curr", "hwmon_curr", "_amps", 1e-3), ("energy", "hwmon_energy", "_joule", 1e-6),
        ("fan", "hwmon_fan", "_rpm", 1), ("humidity", "hwmon_humidity", "", 1e-3), ("in", "hwmon_in", "_volts", 1e-3),
        ("power", "hwmon_power", "_watt", 1e-6), ("temp", "hwmon_temp", "_celsius", 1e-3),
    ]
    /// Parts of a sensor's files that are shown: the reading, its bounds, and alarms, which are flags.
    ///
    /// Dashboards ask for alarms of a bound with the unit in the name; the number is 0 or 1 all the same.
    private static let readings: [(file: String, part: StaticString, isFlag: Bool, hasUnit: Bool)] = [
        ("input", "", false, true), ("average", "_average", false, true), ("min", "_min", false, true),
        ("max", "_max", false, true), ("max_hyst", "_max_hyst", false, true), ("lcrit", "_lcrit", false, true),
        ("crit", "_crit", false, true), ("crit_hyst", "_crit_hyst", false, true), ("alarm", "_alarm", true, false),
        ("crit_alarm", "_crit_alarm", true, true), ("max_alarm", "_max_alarm", true, true),
        ("fault", "_fault", true, false),
    ]

    private struct Sensor {
        var chip: [UInt8]
        var name: String
        var kind: Int
        /// Values by their place in `readings`.
        var values: [Int: Double] = [:]
        var label: [UInt8]?
    }

    func write(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let root = "/sys/class/hwmon"
        let chips = files.names(root).prefix(Self.maximumChips)
        var sensors: [Sensor] = []
        page.family("hwmon_chip_names", .gauge, "The name the driver gives the chip.")
        for chip in chips {
            let folder = "\(root)/\(chip)"
            let name = chipName(folder, chip, &files)
            sensors += self.sensors(folder, chip: name, &files)
            guard let given = files.line(folder + "/name"), !given.isEmpty else { continue }
            page.label("chip", name)
            page.label("chip_name", given)
            page.sample(.integer(1))
        }
        page.family("hwmon_sensor_label", .gauge, "The label the driver gives the sensor.")
        for sensor in sensors {
            guard let label = sensor.label else { continue }
            page.label("chip", sensor.chip)
            page.label("label", label)
            page.label("sensor", Array(sensor.name.utf8))
            page.sample(.integer(1))
        }
        for (kind, description) in Self.kinds.enumerated() {
            for (index, reading) in Self.readings.enumerated() {
                let isPlainEnergy = description.prefix == "energy" && reading.file == "input"
                let unit: StaticString = !reading.hasUnit ? "" : isPlainEnergy ? "_joule_total" : description.unit
                page.family(
                    description.name, Array("\(reading.part)".utf8), unit, isPlainEnergy ? .counter : .gauge,
                    "A reading of a hardware sensor, its bound, or whether it raises an alarm.")
                for sensor in sensors where sensor.kind == kind {
                    guard let value = sensor.values[index] else { continue }
                    page.label("chip", sensor.chip)
                    page.label("sensor", Array(sensor.name.utf8))
                    page.sample(.decimal(reading.isFlag ? value : value * description.scale))
                }
            }
        }
        return !chips.isEmpty
    }

    /// The device's bus and name, which stay the same when chips are counted in another order.
    private func chipName(_ folder: String, _ chip: String, _ files: inout MachineFiles) -> [UInt8] {
        if let device = files.linkName(folder + "/device") {
            let bus = files.linkName(folder + "/device/subsystem")
            let name = [bus, device].compactMap { $0.map(Self.cleaned) }.filter { !$0.isEmpty }.joined(separator: "_")
            if !name.isEmpty { return Array(name.utf8) }
        }
        let given = files.line(folder + "/name").map { Self.cleaned(String(decoding: $0, as: UTF8.self)) } ?? ""
        return Array((given.isEmpty ? chip : given).utf8)
    }

    private static func cleaned(_ name: String) -> String {
        let text = String(
            name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":") ? $0 : "_" })
        var ends = text[...]
        while ends.first == "_" { ends = ends.dropFirst() }
        while ends.last == "_" { ends = ends.dropLast() }
        return String(ends)
    }

    private func sensors(_ folder: String, chip: [UInt8], _ files: inout MachineFiles) -> [Sensor] {
        var sensors: [String: Sensor] = [:]
        for file in files.names(folder) {
            // `temp1_crit_alarm`: kind, number, part.
            guard let underscore = file.firstIndex(of: "_") else { continue }
            let name = String(file[..<underscore])
            let part = file[file.index(after: underscore)...]
            guard let kind = Self.kinds.firstIndex(where: { Self.isSensor(name, of: $0.prefix) }) else { continue }
            var sensor = sensors[name] ?? Sensor(chip: chip, name: name, kind: kind)
            if part == "label" {
                sensor.label = files.line("\(folder)/\(file)")
            } else if let index = Self.readings.firstIndex(where: { $0.file == part }) {
                sensor.values[index] = files.number("\(folder)/\(file)").map { Double($0) }
            }
            sensors[name] = sensor
        }
        return sensors.values.sorted { $0.name < $1.name }
    }

    private static func isSensor(_ name: String, of prefix: String) -> Bool {
        name.hasPrefix(prefix) && name.count > prefix.count && name.dropFirst(prefix.count).allSatisfy { $0.isNumber }
    }
}
