/// Scripts of `ProbeTests` about histograms whose layouts differ, resets, and what is stored of them.
extension ProbeTests {
    /// Step by step as Prometheus' `float_histogram.go`, oddities included.
    static let histogramArithmetic = #"""
        load 1m
            a {{schema:1 count:3 sum:4 offset:1 buckets:[1 2]}}x10
            b {{schema:0 count:8 sum:20 z_bucket:3 z_bucket_w:1.2 offset:2 buckets:[5]}}x10
            c {{schema:0 count:2 sum:1 z_bucket:2 z_bucket_w:1.414213562373095}}x10
            n {{schema:1 count:3 sum:-4 n_offset:1 n_buckets:[1 2]}}x10
            z {{schema:0 count:5 sum:4 z_bucket:3 offset:1 buckets:[2]}}x10
            short {{schema:0 count:10 sum:5 buckets:[1 2 0]}}x10
            whole {{schema:0 count:4 sum:NaN buckets:[2 2]}}x10
            lost {{schema:0 count:5 sum:NaN buckets:[2 2]}}x10
            around {{schema:-53 count:4 sum:0 custom_values:[-5 5] buckets:[1 2 1]}}x10
            e1 {{schema:0 count:4 sum:4 buckets:[1 3]}}x10
            e2 {{schema:0 count:4 sum:4 buckets:[3 1]}}x10
            k{l="1"} {{schema:-53 sum:10 count:10 custom_values:[1 2 5] buckets:[1 2 3 4]}}x10
            k{l="2"} {{schema:-53 sum:10 count:10 custom_values:[2 5 7] buckets:[1 2 3 4]}}x10

        # The zero bucket is widened before the schema is lowered: a bucket of schema 1 ends within one of schema 0.
        eval instant at 1m a + b
            {} {{schema:0 count:11 sum:24 z_bucket:4 z_bucket_w:1.414213562373095 offset:1 buckets:[2 5]}}

        eval instant at 1m b + a
            {} {{schema:0 count:11 sum:24 z_bucket:4 z_bucket_w:1.414213562373095 offset:1 buckets:[3 5]}}

        eval instant at 1m b - a
            {} {{schema:0 count:5 sum:16 z_bucket:2 z_bucket_w:1.414213562373095 offset:1 buckets:[-3 5] counter_reset_hint:gauge}}

        eval instant at 1m a + c
            {} {{schema:0 count:5 sum:5 z_bucket:3 z_bucket_w:1.414213562373095 offset:1 buckets:[2]}}

        # A negative bucket moves the threshold: what lies on the other side is counted once more.
        eval instant at 1m (a + n) + b
            {} {{schema:0 count:14 sum:20 z_bucket:5 z_bucket_w:1.414213562373095 offset:1 buckets:[2 5] n_offset:1 n_buckets:[2]}}

        # A zero bucket without width lies below zero and above it.
        eval instant at 1m z </ 0
            z {{schema:0}}

        eval instant at 1m z >/ 0
            z {{schema:0 count:5 sum:4 z_bucket:3 offset:1 buckets:[2]}}

        eval instant at 1m histogram_quantile(0.4, short)
            {} 4

        # Infinities leave no sum either; only what no bucket has was NaN.
        eval instant at 1m histogram_quantile(0.25, whole)
            expect no_info
            {} 0.7071067811865475

        eval instant at 1m histogram_quantile(0.2, lost)
            expect info msg: PromQL info: input to histogram_quantile has NaN observations, result is skewed higher for metric name "lost" (1:25)
            {} 0.7071067811865475

        eval instant at 1m histogram_fraction(0, 1, whole)
            expect no_info
            {} 0.5

        eval instant at 1m histogram_fraction(1, 1, lost)
            expect no_info
            {} 0

        eval instant at 1m histogram_fraction(0, 1, lost)
            expect info msg: PromQL info: input to histogram_fraction has NaN observations, which are excluded from all fractions for metric name "lost" (1:26)
            {} 0.4

        eval instant at 1m histogram_fraction(-5, 2.5, around)
            {} 0.25

        # Count and sum are all that is looked at here.
        eval instant at 1m histogram_count(e1 == on () e2)
            {} 4

        eval instant at 1m e1 == on () e2

        eval instant at 1m histogram_count(sum(k))
            expect no_info
            {} 20

        eval instant at 1m histogram_quantile(0.5, sum(k))
            expect info msg: PromQL info: mismatched custom buckets were reconciled during aggregation (1:29)
            {} 5

        eval instant at 1m histogram_count(sum(k) </ 2)
            expect info msg: PromQL info: mismatched custom buckets were reconciled during aggregation (1:21)
            {} 4
        """#

    /// How often start times overlap is told from the second time on: a window of a series is one.
    static let overlaps = #"""
        load 1m
            c_total{a="1"}@st _ _ -2m -2m -2m
            c_total{a="1"} _ _ 60 120 180
            c_total{a="2"}@st _ _ -2m -2m -2m
            c_total{a="2"} _ _ 60 120 180

        eval instant at 4m rate(c_total{a="1"}[3m])
            expect warn msg: PromQL warning: sample has start time that overlaps with previous sample timestamp for metric "c_total" (1:6)
            {a="1"} 1

        eval instant at 4m rate(c_total[3m])
            expect warn msg: PromQL warning: sample has start time that overlaps with previous sample timestamp for metric "c_total" (2 occurrences) (1:6)
            {a="1"} 1
            {a="2"} 1

        eval range from 3m to 4m step 1m sum(rate(c_total[3m]))
            expect warn msg: PromQL warning: sample has start time that overlaps with previous sample timestamp for metric "c_total" (4 occurrences) (1:10)
            {} 1 2
        """#

    /// What Prometheus tells of a sample's predecessor when it reads a chunk.
    static let storedHints = #"""
        load 1m
            said_reset {{count:1 sum:1}} {{count:2 sum:2 counter_reset_hint:reset}} {{count:3 sum:3}}
            said_none {{count:2 sum:2 counter_reset_hint:not_reset}} {{count:1 sum:1 counter_reset_hint:not_reset}}
            coarser {{schema:1 count:1 sum:1 buckets:[1]}} {{schema:0 count:2 sum:2 buckets:[2]}}
            bounds {{schema:-53 count:1 custom_values:[1] buckets:[1]}} {{schema:-53 count:2 custom_values:[1 2] buckets:[2]}}
            behind {{schema:0 count:5 sum:5 z_bucket:2 z_bucket_w:0.1 buckets:[0 3]}} {{schema:0 count:5 sum:5 z_bucket:5 z_bucket_w:0.1}}
            last {{schema:0 count:4 sum:4 buckets:[1 0 3]}} {{schema:0 count:4 sum:4 buckets:[4]}}
            turned{s="1"} {{count:3 sum:3}} {{count:2 sum:2}}x5
            turned{s="2"} {{count:3 sum:3}} {{count:4 sum:4}}x5
            gap {{count:5 sum:5}} 1 {{count:3 sum:3}}
            gap{s="2"} {{count:5 sum:5}} {{count:6 sum:6}} {{count:7 sum:7}}

        eval instant at 1m said_reset
            said_reset {{count:2 sum:2 counter_reset_hint:unknown}}

        eval instant at 2m said_reset
            said_reset {{count:3 sum:3 counter_reset_hint:not_reset}}

        eval instant at 2m resets(said_reset[5m])
            {} 0

        eval instant at 1m said_none
            said_none {{count:1 sum:1 counter_reset_hint:unknown}}

        eval instant at 1m resets(said_none[5m])
            {} 1

        eval instant at 1m coarser
            coarser {{schema:0 count:2 sum:2 buckets:[2] counter_reset_hint:unknown}}

        eval instant at 1m resets(coarser[5m])
            {} 0

        eval instant at 1m bounds
            bounds {{schema:-53 count:2 custom_values:[1 2] buckets:[2] counter_reset_hint:unknown}}

        # Behind the last bucket of the newer one only the next of the older is looked at.
        eval instant at 1m resets(behind[5m])
            {} 0

        eval instant at 1m resets(last[5m])
            {} 0

        eval instant at 1m histogram_count(sum(turned))
            expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:21)
            {} 6

        eval instant at 1m last_over_time(histogram_count(sum(turned))[1m:1m])
            expect no_warn
            {} 6

        # A float between does not hide a reset from functions of count and sum.
        eval instant at 2m histogram_count(sum(gap))
            expect warn msg: PromQL warning: conflicting counter resets during histogram aggregation (1:21)
            {} 10
        """#
}
