import CKernel
import Glibc
import MetricModel

/// The kernel, the distribution, clocks, files and randomness.
struct MachineSystem {
    func writeKernel(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let folder = "/proc/sys/kernel/"
        // Not uname(2): inside a container it names the container.
        guard let release = files.line(folder + "osrelease"), let name = files.line(folder + "hostname") else {
            return false
        }
        var names = utsname()
        let isKnown = unsafe uname(&names) == 0
        let machine = isKnown ? unsafe withUnsafeBytes(of: &names.machine) { unsafe Array($0.prefix { $0 != 0 }) } : []
        page.family("uname_info", .gauge, "The kernel as uname(2) names it.")
        page.label("domainname", files.line(folder + "domainname") ?? [])
        page.label("machine", machine)
        page.label("nodename", files.rootPath.isEmpty ? name : hostName(&files) ?? name)
        page.label("release", release)
        page.label("sysname", files.line(folder + "ostype") ?? [])
        page.label("version", files.line(folder + "version") ?? [])
        page.sample(.integer(1))
        return true
    }

    /// The host's name where we see another's: what the host was given at its start.
    private func hostName(_ files: inout MachineFiles) -> [UInt8]? {
        files.line("/etc/hostname").flatMap { $0.isEmpty ? nil : $0 }
    }

    func writeDistribution(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/etc/os-release") ?? files.text("/usr/lib/os-release") else { return false }
        var fields: [String: String] = [:]
        for line in String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").prefix(256) {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !line.hasPrefix("#") else { continue }
            fields[parts[0].lowercased()] = Self.unquoted(parts[1])
        }
        page.family("os_info", .gauge, "The distribution as os-release names it.")
        for label in [
            "build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant", "variant_id",
            "version", "version_codename", "version_id",
        ] as [StaticString] {
            page.label(label, Array((fields["\(label)"] ?? "").utf8))
        }
        page.sample(.integer(1))
        let version = (fields["version_id"] ?? "").split(separator: ".").prefix(2).joined(separator: ".")
        page.family("os_version", .gauge, "Major and minor number of the distribution's version.")
        for label in ["id", "id_like", "name"] as [StaticString] {
            page.label(label, Array((fields["\(label)"] ?? "").utf8))
        }
        page.sample(Double(version).map { .decimal($0) })
        return true
    }

    /// Takes a value's quotes off as a shell does, see os-release(5).
    static func unquoted(_ value: Substring) -> String {
        var text = value
        guard let quote = text.first, quote == "\"" || quote == "'" else { return String(text) }
        text = text.dropFirst()
        if text.last == quote { text = text.dropLast() }
        var result = ""
        var isEscaped = false
        for character in text {
            if character == "\\", !isEscaped, quote == "\"" {
                isEscaped = true
            } else {
                result.append(character)
                isEscaped = false
            }
        }
        return result
    }

    // MARK: Clocks

    func writeTime(_ files: inout MachineFiles, clock: any WallClock, _ page: inout MachinePage) -> Bool {
        let milliseconds = clock.now.milliseconds
        page.single(
            "time_seconds", .gauge, .seconds(nanoseconds: UInt64(clamping: milliseconds) &* 1_000_000),
            "System time in seconds since 1970.")
        writeZone(seconds: milliseconds / 1_000, &page)
        let root = "/sys/devices/system/clocksource"
        let sources = files.names(root).filter { $0.hasPrefix("clocksource") }
        page.family("time_clocksource_available_info", .gauge, "Clocks the kernel could keep time by.")
        for source in sources {
            let names = files.line("\(root)/\(source)/available_clocksource") ?? []
            for name in names.split(separator: KernelText.space) {
                page.label("clocksource", Array(name))
                page.label("device", Array(source.utf8.dropFirst(11)))
                page.sample(.integer(1))
            }
        }
        page.family("time_clocksource_current_info", .gauge, "The clock the kernel keeps time by.")
        for source in sources {
            guard let name = files.line("\(root)/\(source)/current_clocksource") else { continue }
            page.label("clocksource", name)
            page.label("device", Array(source.utf8.dropFirst(11)))
            page.sample(.integer(1))
        }
        return true
    }

    private func writeZone(seconds: Int64, _ page: inout MachinePage) {
        var time = time_t(seconds)
        var local = unsafe tm()
        guard unsafe localtime_r(&time, &local) != nil, let zone = unsafe local.tm_zone else { return }
        let name = unsafe Array(String(cString: zone).utf8)
        page.family("time_zone_offset_seconds", .gauge, "The time zone's offset from UTC.")
        page.label("time_zone", name)
        page.sample(.signed(Int64(unsafe local.tm_gmtoff)))
    }

    /// What adjtimex(2) tells of the clock's discipline.
    func writeDiscipline(_ page: inout MachinePage) -> Bool {
        var state = timex()
        let status = unsafe adjtimex(&state)
        guard status >= 0 else { return false }
        let unit = state.status & Int32(STA_NANO) != 0 ? 1e9 : 1e6
        let isInStep = state.status & Int32(STA_UNSYNC) == 0 && status != TIME_ERROR
        let partsPerMillion = 65_536.0
        let gauges: [(StaticString, Int, Double, StaticString)] = [
            ("timex_estimated_error_seconds", state.esterror, 1e6, "Estimated error in seconds."),
            ("timex_loop_time_constant", state.constant, 1, "Phase-locked loop time constant."),
            ("timex_maxerror_seconds", state.maxerror, 1e6, "Maximum error in seconds."),
            ("timex_offset_seconds", state.offset, unit, "Offset between local system and reference clock."),
            ("timex_pps_frequency_hertz", state.ppsfreq, partsPerMillion, "Pulse per second frequency."),
            ("timex_pps_jitter_seconds", state.jitter, unit, "Pulse per second jitter."),
            ("timex_pps_shift_seconds", Int(state.shift), 1, "Pulse per second interval duration."),
            ("timex_pps_stability_hertz", state.stabil, partsPerMillion, "Pulse per second stability."),
            ("timex_status", Int(state.status), 1, "The status as bits."),
            ("timex_sync_status", isInStep ? 1 : 0, 1, "1 when the clock is in step with a reliable server."),
            ("timex_tai_offset_seconds", Int(state.tai), 1, "International Atomic Time offset."),
            ("timex_tick_seconds", state.tick, 1e6, "Seconds between clock ticks."),
        ]
        for (name, value, scale, help) in gauges { page.single(name, .gauge, .decimal(Double(value) / scale), help) }
        let ratio = 1 + Double(state.freq) / 1e6 / partsPerMillion
        page.single(
            "timex_frequency_adjustment_ratio", .gauge, .decimal(ratio), "Local clock frequency adjustment.")
        let counters: [(StaticString, Int, StaticString)] = [
            ("timex_pps_calibration_total", state.calcnt, "Pulse per second calibration intervals."),
            ("timex_pps_error_total", state.errcnt, "Pulse per second calibration errors."),
            ("timex_pps_jitter_total", state.jitcnt, "Pulse per second jitter limit exceedings."),
            ("timex_pps_stability_exceeded_total", state.stbcnt, "Pulse per second stability limit exceedings."),
        ]
        for (name, value, help) in counters { page.single(name, .counter, .signed(Int64(value)), help) }
        return true
    }

    // MARK: Files and randomness

    func writeEntropy(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let folder = "/proc/sys/kernel/random/"
        guard let available = files.number(folder + "entropy_avail") else { return false }
        page.single("entropy_available_bits", .gauge, .signed(available), "Bits of available entropy.")
        page.single(
            "entropy_pool_size_bits", .gauge, files.number(folder + "poolsize").map { .signed($0) },
            "Bits that the entropy pool holds.")
        return true
    }

    func writeOpenFiles(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        guard let text = files.text("/proc/sys/fs/file-nr"), let words = text.lines.first, words.count == 3 else {
            return false
        }
        page.single("filefd_allocated", .gauge, text.number(words, 0).map { .integer($0) }, "Open files.")
        page.single(
            "filefd_maximum", .gauge, text.number(words, 2).map { .integer($0) }, "Files that may be open at once.")
        return true
    }

    func writeSecurity(_ files: inout MachineFiles, _ page: inout MachinePage) -> Bool {
        let mode = files.number("/sys/fs/selinux/enforce")
        page.single("selinux_enabled", .gauge, .flag(mode != nil), "1 when SELinux is enabled.")
        page.single(
            "selinux_current_mode", .gauge, mode.map { .signed($0) }, "SELinux enforces (1) or only reports (0).")
        return true
    }
}
