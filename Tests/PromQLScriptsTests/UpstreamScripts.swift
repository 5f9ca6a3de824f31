/// Scripts of `ProbeTests` about what Prometheus' engine does where its documentation says little.
extension ProbeTests {
    /// Which annotations there are, and what they name.
    static let telling = #"""
        load 1m
            m{s="1"} 1
            m{s="2"} {{sum:4 count:3 buckets:[1 2 1]}}
            n{s="1"} {{sum:4 count:3 buckets:[1 2 1]}}
            n{s="2"} {{schema:-53 sum:1 count:1 custom_values:[5 10] buckets:[1]}}
            d {{schema:0 count:1 sum:1 buckets:[1]}} {{schema:-53 sum:1 count:1 custom_values:[5 10] buckets:[1]}}
            x{a="1"} 1 2 3
            x{a="2"} 2 3 4
            b{le="1"} 3
            b{le="2"} 2
            b{le="+Inf"} 4

        eval instant at 0 sum(n)
            expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "n" (1:5)

        eval instant at 0 avg((n))
            expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "n" (1:6)

        eval instant at 0 sum(m)
            expect warn msg: PromQL warning: encountered a mix of histograms and floats for aggregation (1:5)

        eval instant at 1m delta(d[5m])
            expect warn msg: PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name "d" (1:7)

        eval instant at 0 quantile(2, x @ 0) + quantile(2, x @ 0)
            expect warn regex: quantile value should be between 0 and 1, got 2 .1:(31|35|39).
            {} +Inf

        eval instant at 0 quantile(2, quantile(2, x))
            expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)
            {} +Inf

        eval instant at 0 histogram_quantiles(b, "q", 0.5, 0.9)
            expect info regex: max diff of 1, over 1 samples
            {q="0.5"} 0.6666666666666666
            {q="0.9"} 2

        eval range from 0 to 2m step 1m sort(x @ 0)
            expect no_warn
            x{a="1"} 1 1 1
            x{a="2"} 2 2 2

        eval instant at 2m max_over_time(sort(x)[2m:1m])
            expect warn msg: PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:15)
            {a="1"} 3
            {a="2"} 4
        """#

    /// Labels, pairs and parameters.
    static let upstreamCorners = #"""
        load 1m
            x{a="1"} 1 2 3
            x{a="2"} 2 3 4
            many{g="1", x="a"} 1
            many{g="1", x="b"} 2
            one{g="1", x="c"} 5
            h{g="1", x="a"} {{schema:0 count:1 sum:1 buckets:[1]}}
            h{g="1", x="b"} 3
            f{g="1"} 5

        eval instant at 0 many > on (g) group_left (x) one
            expect fail msg: multiple matches for labels: grouping labels must ensure unique matches

        eval instant at 0 h + on (g) f
            expect info msg: PromQL info: incompatible sample types encountered for binary operator "+": histogram + float (1:1)
            {g="1"} 8

        eval instant at 0 h{x="a"} + on (g) fill_left (0) f
            expect info
            {g="1"} 5

        eval instant at 0 count_values by (__name__) ("v", -x)
            x{v="-1"} 1
            x{v="-2"} 1

        eval range from 0 to 0 step 1m vector(step())
            {} 0

        eval instant at 0 absent(nix{a!="b", a="c"})
            {a="c"} 1

        eval instant at 0 absent(nix{a="", a="c"})
            {} 1

        eval instant at 0 label_replace(x, "", "$1", "a", "(")
            expect fail msg: invalid regular expression in label_replace(): (

        eval instant at 0 ts_of_last_over_time(vector(1)[1m:10s] offset 10m)
            {} 0
        """#
}
