/// Thermal zones, memory errors and what the firmware says the machine is.
struct MachineHardware {
    static let maximumDevices = 1_024

    func writeFirmware(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let folder = "/sys/class/dmi/id/"
        guard files.exists(folder) else { return false }
        page.family("dmi_info", .gauge, "What the firmware says the machine is.")
        for (label, file) in [
            ("bios_date", "bios_date"), ("bios_release", "bios_release"), ("bios_vendor", "bios_vendor"),
            ("bios_version", "bios_version"), ("board_asset_tag", "board_asset_tag"), ("board_name", "board_name"),
            ("board_serial", "board_serial"), ("board_vendor", "board_vendor"), ("board_version", "board_version"),
            ("chassis_asset_tag", "chassis_asset_tag"), ("chassis_serial", "chassis_serial"),
            ("chassis_vendor", "chassis_vendor"), ("chassis_version", "chassis_version"),
            ("product_family", "product_family"), ("product_name", "product_name"),
            ("product_serial", "product_serial"), ("product_sku", "product_sku"), ("product_uuid", "product_uuid"),
            ("product_version", "product_version"), ("system_vendor", "sys_vendor"),
        ] as [(StaticString, String)] {
            if let value = files.line(folder + file) { page.label(label, value) }
        }
        page.sample(.integer(1))
        return true
    }

    /// Zones in thousandths of a degree, and how hard fans and the like work.
    func writeThermalZones(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let root = "/sys/class/thermal"
        let names = files.names(root).prefix(Self.maximumDevices)
        page.family("thermal_zone_temp", .gauge, "Zone temperature in Celsius.")
        for zone in names where zone.hasPrefix("thermal_zone") {
            guard let milli = files.number("\(root)/\(zone)/temp") else { continue }
            page.label("type", files.line("\(root)/\(zone)/type") ?? [])
            page.label("zone", Array(zone.utf8.dropFirst(12)))
            page.sample(.decimal(Double(milli) / 1_000))
        }
        for (file, name, help) in [
            ("cur_state", "cooling_device_cur_state", "Current throttle state of the cooling device."),
            ("max_state", "cooling_device_max_state", "Maximum throttle state of the cooling device."),
        ] as [(String, StaticString, StaticString)] {
            page.family(name, .gauge, help)
            for device in names where device.hasPrefix("cooling_device") {
                page.label("name", Array(device.utf8.dropFirst(14)))
                page.label("type", files.line("\(root)/\(device)/type") ?? [])
                page.sample(files.number("\(root)/\(device)/\(file)").map { .signed($0) })
            }
        }
        return !names.isEmpty
    }

    /// Memory errors corrected and not, by controller and row.
    func writeMemoryErrors(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let root = "/sys/devices/system/edac/mc"
        let controllers = files.names(root).filter { $0.hasPrefix("mc") && Int($0.dropFirst(2)) != nil }
        for (file, name, help) in [
            ("ce_count", "edac_correctable_errors_total", "Correctable memory errors."),
            ("ue_count", "edac_uncorrectable_errors_total", "Uncorrectable memory errors."),
        ] as [(String, StaticString, StaticString)] {
            page.family(name, .counter, help)
            for controller in controllers {
                page.label("controller", Array(controller.utf8.dropFirst(2)))
                page.sample(files.number("\(root)/\(controller)/\(file)").map { .signed($0) })
            }
        }
        for (file, name, help) in [
            ("ce_count", "edac_csrow_correctable_errors_total", "Correctable memory errors of the row."),
            ("ue_count", "edac_csrow_uncorrectable_errors_total", "Uncorrectable memory errors of the row."),
        ] as [(String, StaticString, StaticString)] {
            page.family(name, .counter, help)
            for controller in controllers {
                for row in files.names("\(root)/\(controller)") where row.hasPrefix("csrow") {
                    page.label("controller", Array(controller.utf8.dropFirst(2)))
                    page.label("csrow", Array(row.utf8.dropFirst(5)))
                    page.sample(files.number("\(root)/\(controller)/\(row)/\(file)").map { .signed($0) })
                }
            }
        }
        return !controllers.isEmpty
    }
}
