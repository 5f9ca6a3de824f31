import Bytes
import Glibc
import MetricModel
import Storage

@testable import TSDB

/// Small inputs that mean something, from which fuzzing begins.
enum FuzzSeeds {
    static let exposition = [
        "# HELP a_total Text.\n# TYPE a_total counter\na_total{b=\"c\",d=\"e\\\"\\n\"} 1.5e3 1700000000000\na_total 2\n",
        "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.3\nh_count 2\n",
        "# TYPE a counter\n# UNIT a seconds\na_total{x=\"y\"} 1 1.5 # {trace_id=\"abc\"} 0.5 1.5\na_created 1\n# EOF\n",
        "{\"metric.with.dots\",\"label.x\"=\"v\"} NaN\n", "s{quantile=\"0.99\"} -Inf\n\n\t \r\n", "a 0x1p3\nb 1_000\n",
    ]

    static let promql = [
        "sum by (a, b) (rate(http_requests_total{job=~\"a|b\", code!~\"5..\"}[5m] offset 1h)) / on (a) group_left (c) x",
        "histogram_quantile(0.9, sum without (le) (increase(x_bucket[1h30m:5m] @ start())))", "-1 ^ 2 % -(3 > bool 4)",
        "topk(5, {__name__=~\".+\", \"utf.8\"=\"\\u00e9\"} @ 1609746000.5 and ignoring () y unless z or vector(Inf))",
        "label_replace(up, \"a\", \"$1\", \"b\", `(.*)`) # comment\n+ 0x1F + 1e-3 + .5 + NaN", "absent(a[1i])",
        "'\\x41'",
        "{a=\"b\"} 1 2 _ 3x4 -1+2x3 stale {{schema:1 sum:-0.3 count:3.1 buckets:[1 2 3] offset:-2}}x2",
    ]

    static let kernel = [
        "8:0 Read 4096\n8:0 Write 8192\n8:0 Total 12288\n",
        "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n253:0\n",
        "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 0 0 0 0\n", "1 2 3 4 \n",
        "total=5 N0=3 N1=2\nhierarchical_file=9 N0=9\n",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull avg10=1.0 avg60=0 avg300=0 total=9\n",
        "1 (a (b) c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1 2\n", "12345 678 9\n",
        "Max open files            1024                 4096                 files\n", "Referenced:        12 kB\n",
        "22 27 0:21 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:4 / /c rw - cgroup2 cgroup2 rw\n",
        "/dev/sda1 / ext4 rw,relatime 0 0\ntmpfs /a\\040b tmpfs ro 0 0\n",
        "9 8 0:69 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/b\\040c/diff,workdir=/w\n"
            + "10 9 8:1 /v/volumes/data/_data /data rw - ext4 /dev/sda1 rw\n1 1 8:1 /v /mnt rw - ext4 /dev/sda1 rw\n",
        "8:0 rbytes=1 wbytes=2 rios=3 wios=4 cost.vrate=100.00 cost.usage=5 cost.wait=6 cost.indebt=7 cost.indelay=8\n",
        "Inter-|   Receive\n face |bytes\n  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n",
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice/"
            + "cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope",
        "{\"Name\":\"/x\",\"Config\":{\"Image\":\"i\",\"Labels\":{\"a\":\"b\\u00e9\"}}}",
        "{\"State\":{\"Running\":false,\"ExitCode\":9,\"FinishedAt\":\"2027-01-15T08:00:05Z\"},\"Name\":\"/x\"}",
        "{\"Version\":\"v1\",\"FinishedAt\":1795658973785247863,\"ExitCode\":7}", "Tcp: A B C\nTcp: 1 -1 3\n",
    ]

    /// A lane of rows and one of streams, as the journal defines them.
    static let definitions: [[UInt8]] = [UInt64(1), 2].map { lane in
        var index = HeadIndex()
        let series = (0..<70).map { number in
            var builder = LabelSetBuilder()
            builder.set("__name__", to: "m")
            builder.set("n", to: "\(number)")
            return index.series.intern(builder.build()).series
        }
        var record = JournalRecord.emptyHeader
        let name = Array("target".utf8)
        unsafe name.withUnsafeBytes { bytes in
            unsafe JournalRecord.append(.lane, numbers: lane, lane - 1, bytes: bytes, to: &record)
        }
        return record + index.definition(lane: UInt32(lane), firstSlot: 0, series: series)
    }

    /// Batches of rows and of streams, without their header.
    static let journal: [[UInt8]] = {
        var rows: [UInt8] = []
        var states = SlotStates()
        let scratch = RowScratch()
        for row in 0..<5 {
            let values = (0..<70).map { $0 % 7 == row ? SpecialValue.absent : Double(row * $0) / 10 }
            states.grow(to: values.count)
            scratch.reserve(RowFormat.maximumByteCount(slots: values.count))
            let count = states.encodeRow(
                timestamp: Int64(row) * 1000, values: values, isKey: row == 0, into: scratch)
            unsafe JournalRecord.append(
                .row, numbers: 1, UInt64(row), bytes: UnsafeRawBufferPointer(start: scratch.memory, count: count),
                to: &rows)
        }
        var stream = LooseStream()
        var samples: [UInt8] = []
        for value in 0..<4 {
            stream.append(value: Double(value).bitPattern, timestamp: Int64(value), generation: 1, to: &samples)
        }
        var parts: [UInt8] = []
        for number in [3, 0, UInt64(samples.count)] { VarInt.append(number, to: &parts) }
        parts += samples
        var loose: [UInt8] = []
        unsafe parts.withUnsafeBytes { unsafe JournalRecord.append(.loose, numbers: 2, 1, bytes: $0, to: &loose) }
        var cut: [UInt8] = []
        unsafe JournalRecord.append(
            .cut, numbers: 0, 0, bytes: UnsafeRawBufferPointer(start: nil, count: 0), to: &cut)
        return [rows, loose, rows + loose, runs, runs + cut + runs]
    }()

    /// Runs of two slots with common times.
    private static let runs: [UInt8] = {
        let times: [Int64] = [1_700_000_000_000, 1_700_000_015_000, 1_700_000_030_000]
        var slice = LooseSlice()
        var runs = LooseRuns()
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: LooseStream.maximumSampleByteCount) { room in
            guard let room = room.baseAddress else { return }
            for slot in 0..<5 {
                runs.begin(slot: slot, before: 0, times: times.indices, in: times)
                for (index, time) in times.enumerated() {
                    let value = unsafe slice.append(
                        bits: Double(slot * index).bitPattern, timestamp: time, generation: 1, slot: slot,
                        powers: ValueCodec.Powers.shared.table, room: room)
                    unsafe runs.add(value: value)
                }
            }
        }
        runs.finish(times)
        var record: [UInt8] = []
        unsafe runs.bytes.withUnsafeBytes { unsafe JournalRecord.append(.runs, numbers: 2, 1, bytes: $0, to: &record) }
        return record
    }()

    /// Frames of all shapes of columns, decompressed.
    static let segments: [[UInt8]] = {
        var encoder = SegmentFrameEncoder()
        var frames: [[UInt8]] = []
        let shapes: [(Int) -> Double] = [
            { _ in 1 }, { Double($0) }, { Double($0) / 10 }, { Double($0 * $0) * 1e-3 }, { sin(Double($0)) },
            { $0 % 3 == 0 ? SpecialValue.absent : Double($0) }, { $0 > 20 ? SpecialValue.stale : 3 },
        ]
        for part in 0..<2 {
            encoder.removeAll()
            for (series, shape) in shapes.enumerated() {
                let values = (0..<(part == 0 ? 30 : 120)).map(shape)
                unsafe values.withUnsafeBufferPointer { values in
                    unsafe encoder.add(
                        series: UInt32(series), clock: 0, clockOffset: part, values: values,
                        startTimestamps: UnsafeBufferPointer(start: nil, count: 0))
                }
            }
            frames.append(unsafe Array(encoder.finish(firstSeries: 0)))
        }
        return frames
    }()

    static let sealed: [[UInt8]] = {
        var postings = PostingsEncoder()
        for series: UInt32 in [0, 1, 2, 7, 9, 10, 999] { postings.append(series) }
        let clock = (try? ClockCodec.encode((0..<120).map { 1_700_000_000_000 + Int64($0) * 15_000 })) ?? []
        return [postings.finish(), Array(clock.dropFirst(2).dropLast(4)), clock]
    }()
}
