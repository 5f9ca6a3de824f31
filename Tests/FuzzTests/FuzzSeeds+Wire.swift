import Bytes

/// Seeds in protobuf, compressed, and as files of the machine and of people.
extension FuzzSeeds {
    static let symbolWriteType = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

    private static func label(_ name: String, _ value: String, in writer: inout WireWriter) {
        writer.message(1) {
            $0.string(1, name)
            $0.string(2, value)
        }
    }

    /// A native histogram as remote write sends it.
    private static func histogram(_ writer: inout WireWriter) {
        writer.varint(1, 6)
        writer.double(3, 12.5)
        writer.zigzag(4, 3)
        writer.double(5, 0.001)
        writer.varint(6, 1)
        writer.message(11) {
            $0.zigzag(1, -1)
            $0.varint(2, 2)
        }
        writer.packed(12, varints: [4, 1])
        writer.signed(15, 1_700_000_000_000)
    }

    static let remoteWrite: [[UInt8]] = {
        var first = WireWriter()
        first.message(1) { series in
            label("__name__", "up", in: &series)
            label("job", "a", in: &series)
            for number in 1...3 {
                series.message(2) {
                    $0.double(1, Double(number))
                    $0.signed(2, Int64(number) * 1000)
                }
            }
            series.message(3) { exemplar in
                label("trace_id", "x", in: &exemplar)
                exemplar.double(2, 1)
                exemplar.signed(3, 1000)
            }
        }
        first.message(3) {
            $0.varint(1, 1)
            $0.string(2, "up")
            $0.string(4, "Help.")
            $0.string(5, "s")
        }
        var second = WireWriter()
        second.message(1) { series in
            label("__name__", "h", in: &series)
            series.message(4, histogram)
        }
        return [first.bytes, second.bytes]
    }()

    static let symbolWrite: [[UInt8]] = {
        var writer = WireWriter()
        for symbol in ["", "__name__", "up", "job", "a", "help"] { writer.string(4, symbol) }
        writer.message(5) { series in
            series.packed(1, varints: [1, 2, 3, 4])
            series.message(2) {
                $0.double(1, 1)
                $0.signed(2, 1000)
                $0.signed(3, 500)
            }
            series.message(4) { exemplar in
                exemplar.packed(1, varints: [3, 4])
                exemplar.double(2, 1)
                exemplar.signed(3, 1000)
            }
            series.message(5) {
                $0.varint(1, 1)
                $0.varint(3, 5)
                $0.varint(4, 0)
            }
        }
        writer.message(5) { series in
            series.packed(1, varints: [1, 2])
            series.message(3, histogram)
        }
        return [writer.bytes]
    }()

    static let packed: [[UInt8]] = {
        let bodies = [remoteWrite[0], symbolWrite[0]]
        var seeds: [[UInt8]] = []
        for (number, body) in bodies.enumerated() {
            seeds.append([UInt8(number)] + Compression.snappyCompress(body))
            if let zstd = try? Compression.zstdCompress(body) { seeds.append([UInt8(number + 2)] + zstd) }
        }
        if let gzip = try? Compression.gzip(Array(exposition[0].utf8)) { seeds.append([4] + gzip) }
        return seeds
    }()

    static let protobuf: [[UInt8]] = {
        func family(_ name: String, type: UInt64, _ metric: (inout WireWriter) -> Void) -> [UInt8] {
            var writer = WireWriter()
            writer.string(1, name)
            writer.string(2, "Help.")
            writer.varint(3, type)
            writer.message(4) { message in
                label("code", "200", in: &message)
                metric(&message)
            }
            var bytes: [UInt8] = []
            VarInt.append(UInt64(writer.bytes.count), to: &bytes)
            return bytes + writer.bytes
        }
        let counter = family("a_total", type: 0) { $0.message(3) { $0.double(1, 7) } }
        let gauge = family("g", type: 1) { metric in
            metric.message(2) { $0.double(1, -1.5) }
            metric.signed(6, 12345)
        }
        let summary = family("s", type: 2) { metric in
            metric.message(4) { summary in
                summary.varint(1, 3)
                summary.double(2, 4.5)
                summary.message(3) {
                    $0.double(1, 0.5)
                    $0.double(2, 1.25)
                }
            }
        }
        let both = family("h", type: 4) { metric in
            metric.message(7) { histogram in
                histogram.varint(1, 6)
                histogram.double(2, 12.5)
                histogram.message(3) { bucket in
                    bucket.varint(1, 5)
                    bucket.double(2, 2.5)
                    bucket.message(3) { exemplar in
                        label("trace_id", "abc", in: &exemplar)
                        exemplar.double(2, 2.2)
                        exemplar.message(3) { $0.signed(1, 1_700_000_000) }
                    }
                }
                histogram.zigzag(5, 1)
                histogram.double(6, 0.001)
                histogram.varint(7, 1)
                histogram.message(12) {
                    $0.zigzag(1, -1)
                    $0.varint(2, 2)
                }
                histogram.packed(13, varints: [4, 1])
            }
        }
        return [counter, gauge, summary, both, counter + gauge + both]
    }()

    static let configuration = [
        """
        global: {scrape_interval: 15s, scrape_timeout: 5s, external_labels: {a: b}}
        rule_files: ["r/*.yml"]
        scrape_configs:
        - job_name: x
          honor_labels: true
          params: {match: [a, b]}
          basic_auth: {username: u, password: p}
          static_configs: [{targets: ["a:1", b], labels: {c: d}}]
          relabel_configs: [{source_labels: [a], regex: "(.*)", target_label: b, replacement: $1, action: replace}]
          metric_relabel_configs: [{regex: a.+, action: labeldrop}]
          file_sd_configs: [{files: ["t.json"], refresh_interval: 1m}]
        """,
        """
        collector: {disable_metrics: [process], filters: ['id=~"/a.*"'], labels: info, max_series: 10}
        storage: {tsdb: {out_of_order_time_window: 30m}, exemplars: {max_exemplars: 9}}
        alerting: {alert_relabel_configs: [{action: drop, source_labels: [a], regex: b}]}
        notifications:
          route: {receiver: r, group_by: [a], routes: [{matchers: ['a="b"'], continue: true}]}
          receivers: [{name: r, webhook_configs: [{url: "http://x/"}]}]
        """,
        """
        groups:
        - name: g
          interval: 1m
          rules:
          - {alert: A, expr: up == 0, for: 5m, labels: {s: p}, annotations: {t: "{{ $value | humanize }}"}}
          - {record: a:b, expr: sum(x)}
        """,
        "tls_server_config: {cert_file: c, key_file: k, min_version: TLS12}\nbasic_auth_users: {u: $2y$10$a}\n",
        "[{\"targets\": [\"a:1\"], \"labels\": {\"x\": \"y\\u00e9\"}}]",
        "a: &x [1, *x]\nb: !!str {<<: *x}\n? c\n: |\n  d\n",
    ]

    static let machine: [(path: String, text: String)] = [
        (
            "proc/stat",
            "cpu  1 1\ncpu0 100 0 50 900 7 0 1 0 3 4\nctxt 12\nbtime 1700000000\nprocs_running 1\nintr 5 1\n"
        ),
        ("proc/meminfo", "MemTotal:  100 kB\nMemFree: 5 kB\nActive(anon): 3 kB\nHugePages_Total: 0\n"),
        ("proc/vmstat", "pgfault 5\npgpgin 6\noom_kill 0\n"), ("proc/loadavg", "0.5 1.25 2 1/300 4000\n"),
        ("proc/schedstat", "version 15\ncpu0 0 0 0 0 0 0 1500000000 2000000 77\n"),
        (
            "proc/mdstat",
            "Personalities : [raid1]\nmd0 : active raid1 sdb1[1] sda1[0](F)\n      9 blocks super 1.2 [2/1] [U_]\n"
                + "      [>....]  recovery =  8.5% (1/2) finish=1min speed=5K/sec\n\nunused devices: <none>\n"
        ),
        ("proc/net/softnet_stat", "0000000a 00000002 00000001 0 0 0 0 0 0 0 0 00000000 00000004\n"),
        ("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=0 total=3\n"),
        ("proc/self/net/dev", "a|b\n face |bytes\n  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"),
        ("proc/self/net/snmp", "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoMin MaxConn\nTcp: 200 -1\n"),
        ("proc/self/net/netstat", "TcpExt: A ListenOverflows\nTcpExt: 0 5\n"),
        ("proc/self/net/snmp6", "Ip6InReceives   5\nIcmp6InErrors 0\n"),
        ("proc/self/net/sockstat", "sockets: used 5\nTCP: inuse 1 orphan 0 tw 0 alloc 2 mem 1\nUDP: inuse 0 mem 0\n"),
        ("proc/self/net/sockstat6", "TCP6: inuse 1\nFRAG6: inuse 0 memory 0\n"),
        ("proc/self/net/arp", "IP address HW type Flags HW address Mask Device\n1.2.3.4 0x1 0x2 00:00 * eth0\n"),
        ("proc/self/net/stat/nf_conntrack", "entries found\n0000000a 00000001\n"),
        ("proc/sys/fs/file-nr", "1024 0 99999\n"), ("proc/sys/kernel/random/entropy_avail", "256\n"),
        ("proc/diskstats", "8 0 sda 1 0 2 3 4 0 6 7 0 9 10\n259 0 nvme0n1 1 0 8 0 0 0 0 0 0 0 0\n"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "2400000\n"),
        ("sys/devices/system/cpu/cpu0/topology/core_id", "0\n"), ("sys/class/hwmon/hwmon0/temp1_input", "45500\n"),
        ("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n"), ("sys/class/thermal/thermal_zone0/temp", "-1500\n"),
        ("sys/class/net/bonding_masters", "bond0\n"), ("sys/class/net/bond0/bonding/slaves", "eth0 eth1\n"),
        ("sys/class/net/bond0/ifindex", "7\n"), ("sys/class/net/bond0/flags", "0x1003\n"),
        ("sys/class/net/bond0/speed", "-1\n"), ("sys/class/dmi/id/sys_vendor", "Maker \"One\"\n"),
        ("etc/os-release", "ID=x\nNAME='A \"b\"'\nVERSION_ID=\"22.04.1\"\n"), ("etc/hostname", "host\n"),
        ("run/udev/data/b8:0", "E:ID_MODEL=Disk\nE:ID_FS_TYPE=ext4\nE:DM_NAME=root\n"),
    ]
}
