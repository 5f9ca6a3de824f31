import Glibc
import TestSupport
import Testing

@testable import Cgroups

/// The machine's page made from kernel files laid out in a folder.
@Suite("machine")
struct MachineTests {
    private static func page(_ tree: TemporaryDirectory, maximumSeries: Int = 100_000) -> [String] {
        var settings = MachineSettings()
        settings.rootPath = tree.path
        settings.maximumSeries = maximumSeries
        var bytes: [UInt8] = []
        MachineCollector(settings: settings).render(into: &bytes)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// A machine with everything that a virtual one lacks.
    private static func fullMachine() -> TemporaryDirectory {
        let tree = TemporaryDirectory("lapwing-machine")
        for (path, text) in [
            ("proc/stat", "cpu  1 1\ncpu0 100 0 50 900 7 0 1 0 3 4\nctxt 12\nbtime 1700000000\nintr 5 1 2\n"),
            ("proc/schedstat", "version 15\ncpu0 0 0 0 0 0 0 1500000000 2000000 77\n"),
            ("proc/mdstat", Self.arrays),
            ("proc/net/softnet_stat", "0000000a 00000002 00000001 0 0 0 0 0 0 0 0 00000000 00000004\n"),
            ("proc/pressure/irq", "full avg10=0.00 avg60=0.00 avg300=0.00 total=5000000\n"),
            ("proc/self/net/dev", CgroupTree.interfaces(receiveBytes: 5, name: "bond0")),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
            ("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "5\n"),
            ("sys/devices/system/cpu/cpu0/topology/core_id", "0\n"),
            ("sys/devices/system/cpu/cpu0/topology/physical_package_id", "1\n"),
            ("sys/class/hwmon/hwmon0/name", "coretemp\n"),
            ("sys/class/hwmon/hwmon0/temp1_input", "45500\n"), ("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n"),
            ("sys/class/hwmon/hwmon0/temp1_crit_alarm", "0\n"), ("sys/class/hwmon/hwmon0/fan2_input", "1200\n"),
            ("sys/class/thermal/thermal_zone0/temp", "-1500\n"), ("sys/class/thermal/thermal_zone0/type", "acpitz\n"),
            ("sys/class/thermal/cooling_device3/type", "Fan\n"), ("sys/class/thermal/cooling_device3/cur_state", "2\n"),
            ("sys/devices/system/edac/mc/mc0/ce_count", "4\n"),
            ("sys/devices/system/edac/mc/mc0/csrow1/ue_count", "1\n"),
            ("sys/class/net/bonding_masters", "bond0\n"), ("sys/class/net/bond0/bonding/slaves", "eth0 eth1\n"),
            ("sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", "up\n"),
            ("sys/class/net/bond0/lower_eth1/bonding_slave/mii_status", "down\n"),
            ("sys/class/net/bond0/ifindex", "7\n"), ("sys/class/net/bond0/operstate", "up\n"),
            ("sys/class/net/bond0/flags", "0x1003\n"), ("sys/class/net/bond0/speed", "10000\n"),
            ("sys/class/net/veth1/ifindex", "9\n"), ("sys/class/dmi/id/sys_vendor", "Maker \"One\"\n"),
            ("sys/fs/selinux/enforce", "1\n"), ("etc/os-release", "ID=x\nNAME='A \"b\"'\nVERSION_ID=\"22.04.1\"\n"),
            (
                "proc/diskstats",
                "8 0 sda 1 0 2 3 4 0 6 7 0 9 10\n8 1 sda1 1 0 2 3 4 0 6 7 0 9 10\n259 0 nvme0n1 1 0 8 0 0 0 0 0 0 0 0\n"
            ),
            ("run/udev/data/b8:0", "E:ID_MODEL=Disk\nE:ID_FS_TYPE=ext4\nE:DM_NAME=root\n"),
        ] {
            tree.write(path, text)
        }
        return tree
    }

    private static let arrays = """
        Personalities : [raid1] [raid6]
        md0 : active raid1 sdb1[1] sda1[0](F)
              1953382336 blocks super 1.2 [2/1] [U_]
              [>....................]  recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec
              bitmap: 0/1 pages

        md127 : inactive sdc1[0](S)
              4096 blocks

        unused devices: <none>

        """

    @Test(
        "hardware that a virtual machine lacks is shown",
        arguments: [
            #"node_cpu_seconds_total{cpu="0",mode="idle"} 9"#,
            #"node_cpu_guest_seconds_total{cpu="0",mode="nice"} 0.04"#,
            "node_boot_time_seconds 1700000000", #"node_schedstat_running_seconds_total{cpu="0"} 1.5"#,
            #"node_schedstat_timeslices_total{cpu="0"} 77"#, #"node_softnet_processed_total{cpu="4"} 10"#,
            "node_pressure_irq_stalled_seconds_total 5", #"node_cpu_scaling_frequency_hertz{cpu="0"} 2400000000"#,
            #"node_cpu_scaling_governor{cpu="0",governor="performance"} 1"#,
            #"node_cpu_core_throttles_total{core="0",package="1"} 5"#,
            #"node_hwmon_chip_names{chip="coretemp",chip_name="coretemp"} 1"#,
            #"node_hwmon_temp_celsius{chip="coretemp",sensor="temp1"} 45.5"#,
            #"node_hwmon_temp_crit_alarm_celsius{chip="coretemp",sensor="temp1"} 0"#,
            #"node_hwmon_sensor_label{chip="coretemp",label="Package id 0",sensor="temp1"} 1"#,
            #"node_hwmon_fan_rpm{chip="coretemp",sensor="fan2"} 1200"#,
            #"node_thermal_zone_temp{type="acpitz",zone="0"} -1.5"#,
            #"node_cooling_device_cur_state{name="3",type="Fan"} 2"#,
            #"node_edac_correctable_errors_total{controller="0"} 4"#,
            #"node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="1"} 1"#,
            #"node_md_disks{device="md0",state="failed"} 1"#, #"node_md_disks{device="md0",state="down"} 1"#,
            #"node_md_disks_required{device="md0"} 2"#, #"node_md_state{device="md0",state="recovering"} 1"#,
            #"node_md_blocks_synced{device="md0"} 16775552"#, #"node_md_blocks{device="md0"} 1953382336"#,
            #"node_md_state{device="md127",state="inactive"} 1"#, #"node_md_disks{device="md127",state="spare"} 1"#,
            #"node_bonding_slaves{master="bond0"} 2"#, #"node_bonding_active{master="bond0"} 1"#,
            #"node_network_flags{device="bond0"} 4099"#, #"node_network_speed_bytes{device="bond0"} 1250000000"#,
            #"node_network_up{device="bond0"} 1"#, #"node_network_receive_bytes_total{device="bond0"} 5"#,
            #"node_dmi_info{system_vendor="Maker \"One\""} 1"#, "node_selinux_current_mode 1",
            #"node_os_version{id="x",id_like="",name="A \"b\""} 22.04"#,
            #"node_disk_read_bytes_total{device="sda"} 1024"#, #"node_disk_io_time_seconds_total{device="sda"} 0.009"#,
            #"node_disk_filesystem_info{device="sda",type="ext4",usage="",uuid="",version=""} 1"#,
            #"node_scrape_collector_success{collector="mdadm"} 1"#,
            #"node_scrape_collector_success{collector="meminfo"} 0"#,
        ])
    func hardware(line: String) {
        #expect(Self.page(Self.fullMachine()).contains(line))
    }

    @Test("partitions, interfaces of containers and families without a series are left out")
    func leftOut() {
        let page = Self.page(Self.fullMachine())
        #expect(!page.contains { $0.contains("sda1") || $0.contains("veth1") })
        #expect(!page.contains { $0.contains("node_memory_") || $0.contains("node_cpu_package_throttles_total") })
    }

    @Test("idle time does not step back, and starts anew with the processor")
    func steadyIdle() {
        let tree = TemporaryDirectory()
        var settings = MachineSettings()
        settings.rootPath = tree.path
        let collector = MachineCollector(settings: settings)
        func idle(_ ticks: Int) -> String {
            tree.write("proc/stat", "cpu0 1 1 1 \(ticks) 1 1 1 1 1 1\n")
            var bytes: [UInt8] = []
            collector.render(into: &bytes)
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix(#"node_cpu_seconds_total{cpu="0",mode="idle"}"#) }.map(String.init) ?? ""
        }
        #expect(idle(5_000).hasSuffix(" 50"))
        #expect(idle(4_999).hasSuffix(" 50"))
        #expect(idle(5_001).hasSuffix(" 50.01"))
        #expect(idle(100).hasSuffix(" 1"))
    }

    @Test("a page has a ceiling")
    func ceiling() {
        let page = Self.page(Self.fullMachine(), maximumSeries: 10)
        #expect(page.filter { !$0.hasPrefix("#") }.count == 10)
    }

    @Test("broken kernel files give a page all the same", arguments: 0..<40)
    func broken(seed: Int) {
        let tree = Self.fullMachine()
        var state = UInt64(seed &+ 1) &* 0x9e37_79b9_7f4a_7c15
        func random(_ limit: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(limit))
        }
        let words = [
            "", "\n", ":", "-", "18446744073709551616", "cpu", "\u{0}", "[", "blocks", "md0 : active", "0x", "a:", "\t",
            "é",
        ]
        for file in [
            "proc/stat", "proc/mdstat", "proc/net/softnet_stat", "proc/net/dev", "proc/diskstats", "proc/meminfo",
            "proc/1/mounts", "proc/self/net/snmp", "proc/self/net/netstat", "proc/self/net/udp", "proc/loadavg",
            "proc/self/net/sockstat", "proc/vmstat", "etc/os-release", "proc/schedstat", "proc/sys/fs/file-nr",
        ] {
            let text = (0..<random(60)).map { _ in words[random(words.count)] }.joined(
                separator: [" ", "", "\n"][random(3)])
            tree.write(file, text)
        }
        for line in Self.page(tree) where !line.hasPrefix("#") {
            let end = line.lastIndex(of: " ").map { line[line.index(after: $0)...] } ?? ""
            #expect(Double(end) != nil, "\(line)")
        }
    }

    @Test("counters of protocols whose names are no words are left out")
    func namesOfCounters() {
        let text = Array("Tcp: Out Ba\"d Syn\\n".utf8) + [0xf2] + Array(" In_1\nTcp: 1 2 3 4\n".utf8)
        let counters = ProtocolText.counters(MachineText(bytes: text), of: "Tcp:")
        #expect(counters.map { String(decoding: $0.name, as: UTF8.self) } == ["Out", "In_1"])
        #expect(counters.map(\.value) == [1, 4])
    }

    @Test("UDP queues are transmit, then receive, and drops stand last")
    func datagrams() {
        let text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
             1: 00000000:0044 00000000:0000 07 00000010:00000200 00:00000000 00000000     0        0 1 2 0000000000000000 5
             2: 00000000:0045 00000000:0000 07 00000001:00000002 00:00000000 00000000     0        0 1 2 0000000000000000 6

            """
        let bytes = Array(text.utf8)
        let sums = SocketText.datagrams(bytes.span)
        #expect(sums == DatagramSockets(sockets: 2, transmitQueue: 17, receiveQueue: 514, drops: 11))
        var states = [12 of UInt64](repeating: 0)
        SocketText.countStates(bytes.span, into: &states)
        #expect(states[6] == 2)
    }
}

@Suite("node exporters")
struct NodeExporterPresenceTests {
    @Test(
        "one is seen by its process or its port, and by nothing less",
        arguments: [
            ("proc/7/comm", "node_exporter\n", true), ("proc/7/comm", "prometheus-node\n", true),
            ("proc/7/comm", "node\n", false), ("proc/self/comm", "node_exporter\n", false),
            ("proc/1/net/tcp", "  sl\n   0: 00000000:238C 00000000:0000 0A 00000000:00000000 00:00000000\n", true),
            ("proc/1/net/tcp6", "  sl\n   0: 00000000000000000000000000000000:238C 0:0 0A 0:0\n", true),
            ("proc/1/net/tcp", "  sl\n   0: 0100007F:238C 0100007F:9999 01 00000000:00000000\n", false),
            ("proc/1/net/tcp", "  sl\n   0: 00000000:1F90 00000000:238C 0A 00000000:00000000\n", false),
        ])
    func presence(file: String, text: String, isRunning: Bool) {
        let folder = TemporaryDirectory()
        folder.write(file, text)
        #expect(NodeExporter.isRunning(rootPath: folder.path) == isRunning)
    }
}
