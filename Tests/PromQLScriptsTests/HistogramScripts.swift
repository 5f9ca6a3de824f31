/// Scripts of `ProbeTests` about native and classic histograms.
extension ProbeTests {
    /// Layouts that differ, quantiles at the edges, and what operators that know no histograms say.
    static let histogramCorners = #"""
        load 1m
            h {{schema:0 count:12 sum:100 z_bucket:2 z_bucket_w:0.001 buckets:[2 3 0 1] n_buckets:[1 3]}}x10
            e {{schema:0}}x10
            c {{schema:-53 sum:10 count:10 custom_values:[1 2 5] buckets:[1 2 3 4]}}x10
            c2 {{schema:-53 sum:10 count:10 custom_values:[2 5 7] buckets:[1 2 3 4]}}x10
            hn {{schema:0 count:12 sum:NaN buckets:[2 3 0 1]}}x10
            z {{schema:0 count:4 sum:0 z_bucket:4 z_bucket_w:1}}x10
            cc_bucket{le="1"} 1 1 1
            cc_bucket{le="2"} 3 3 3
            cc_bucket{le="+Inf"} 4 4 4
            bad_bucket{le="x"} 1 1 1
            bad_bucket{foo="x"} 1 1 1
            noinf_bucket{le="1"} 1 1 1
            noinf_bucket{le="2"} 1 1 1
            one_bucket{le="+Inf"} 1 1 1
            nm_bucket{le="1"} 5
            nm_bucket{le="2"} 3
            nm_bucket{le="+Inf"} 6
            neg_bucket{le="-2"} 1
            neg_bucket{le="-1"} 3
            neg_bucket{le="+Inf"} 4

        eval instant at 1m histogram_count(h)
            {} 12

        eval instant at 1m histogram_avg(e)
            {} NaN

        eval instant at 1m histogram_stddev(e)
            {} NaN

        eval instant at 1m histogram_quantile(0.5, e)
            {} NaN

        eval instant at 1m histogram_quantile(0.5, z)
            {} 0

        eval instant at 1m histogram_quantile(1, z)
            {} 1

        eval instant at 1m histogram_quantile(0, h)
            {} -2

        eval instant at 1m histogram_quantile(1, h)
            {} 8

        eval instant at 1m histogram_quantile(0.1, c)
            {} 1

        eval instant at 1m histogram_quantile(1, c)
            {} 5

        eval instant at 1m histogram_fraction(-Inf, +Inf, c)
            {} 1

        eval instant at 1m histogram_fraction(0, 1, c)
            {} 0.1

        eval instant at 1m histogram_fraction(5, 10, c)
            {} 0

        eval instant at 1m histogram_fraction(1, 1, c)
            {} 0

        eval instant at 1m histogram_fraction(NaN, 1, c)
            {} NaN

        eval instant at 1m histogram_fraction(2, 1, c)
            {} 0

        eval instant at 1m histogram_fraction(-1, 1, hn)
            expect info
            {} 0.16666666666666666

        eval instant at 1m histogram_quantile(0.5, cc_bucket)
            {} 1.5

        eval instant at 1m histogram_quantile(0.9, cc_bucket)
            {} 2

        eval instant at 1m histogram_quantile(0.1, cc_bucket)
            {} 0.4

        eval instant at 1m histogram_fraction(0, 1.5, cc_bucket)
            {} 0.5

        eval instant at 1m histogram_fraction(-Inf, 1, cc_bucket)
            {} 0.25

        eval instant at 1m histogram_fraction(1, Inf, cc_bucket)
            {} 0.75

        eval instant at 1m histogram_quantile(0.1, noinf_bucket)
            {} NaN

        eval instant at 1m histogram_quantile(0.1, one_bucket)
            {} NaN

        eval instant at 1m histogram_quantile(0.1, bad_bucket)
            expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "x" for metric name "bad_bucket" (1:25)
            expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "" for metric name "bad_bucket" (1:25)

        eval instant at 0 histogram_quantile(0.1, neg_bucket)
            {} -2

        eval instant at 0 histogram_quantile(0.5, neg_bucket)
            {} -1.5

        eval instant at 0 histogram_quantile(2, cc_bucket)
            expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)
            {} +Inf

        eval instant at 0 histogram_quantiles(cc_bucket, "q", 0.5, 1)
            {q="0.5"} 1.5
            {q="1.0"} 2

        eval instant at 1m c + c2
            expect info msg: PromQL info: mismatched custom buckets were reconciled during addition (1:1)
            {} {{schema:-53 sum:20 count:20 custom_values:[2 5] buckets:[4 5 11]}}

        eval instant at 1m c - c2
            expect info msg: PromQL info: mismatched custom buckets were reconciled during subtraction (1:1)
            {} {{schema:-53 sum:0 count:0 custom_values:[2 5] buckets:[2 1 -3] counter_reset_hint:gauge}}

        eval instant at 1m h + c
            expect warn msg: PromQL warning: incompatible bucket layout encountered for binary operator + (1:1)

        eval instant at 1m c * 2
            {} {{schema:-53 sum:20 count:20 custom_values:[1 2 5] buckets:[2 4 6 8]}}

        eval instant at 1m h * -1
            {} {{schema:0 count:-12 sum:-100 z_bucket:-2 z_bucket_w:0.001 buckets:[-2 -3 0 -1] n_buckets:[-1 -3] counter_reset_hint:gauge}}

        eval instant at 1m h + 1
            expect info msg: PromQL info: incompatible sample types encountered for binary operator "+": histogram + float (1:1)

        eval instant at 1m 1 > h
            expect info msg: PromQL info: incompatible sample types encountered for binary operator ">": float > histogram (1:1)

        eval instant at 1m sum({__name__=~"h|c"})
            expect warn regex: vector contains a mix of histograms with exponential and custom buckets schemas

        eval instant at 1m sum({__name__=~"c|c2"})
            expect info msg: PromQL info: mismatched custom buckets were reconciled during aggregation (1:5)
            {} {{schema:-53 sum:20 count:20 custom_values:[2 5] buckets:[4 5 11]}}

        eval instant at 1m count_values("v", c)
            {v="{count:10, sum:10, [-Inf,1]:1, (1,2]:2, (2,5]:3, (5,+Inf]:4}"} 1

        eval instant at 1m histogram_count(h >/ 1)
            {} 4

        eval instant at 1m min_over_time(h[2m])
            expect no_info

        eval instant at 1m h == h
            h {{schema:0 count:12 sum:100 z_bucket:2 z_bucket_w:0.001 buckets:[2 3 0 1] n_buckets:[1 3]}}

        eval instant at 1m h == bool z
            {} 0

        eval instant at 1m limitk(1, h)
            h {{schema:0 count:12 sum:100 z_bucket:2 z_bucket_w:0.001 buckets:[2 3 0 1] n_buckets:[1 3]}}

        eval instant at 1m topk(1, h)
            expect info msg: PromQL info: ignored histogram in topk aggregation (1:1)

        eval instant at 1m quantile(0.5, h)
            expect info msg: PromQL info: ignored histogram in quantile aggregation (1:15)

        eval instant at 1m max(h)
            expect info msg: PromQL info: ignored histogram in max aggregation (1:5)

        eval instant at 1m group(h)
            {} 1

        eval instant at 1m histogram_sum(h </ 1)
            {} -3.5355339059327373

        eval instant at 1m -h </ 1
            {} {{schema:0 count:-6 sum:3.5355339059327373 z_bucket:-2 z_bucket_w:0.001 buckets:[-2] n_buckets:[-1 -3] counter_reset_hint:gauge}}

        eval instant at 1m avg({__name__=~"h|z"})
            {} {{schema:0 count:8 sum:50 z_bucket:4.5 z_bucket_w:1 buckets:[0 1.5 0 0.5] n_buckets:[0 1.5]}}
        """#
}
