/// The scripts of `ProbeTests` that follow the reference section by section.
extension ProbeTests {
    /// Windows, the lookback, staleness, `@` and `offset`.
    static let selection = """
        load 1m
            edge 0 1 2 3 4 5 6 7 8 9 10
            gone 1 2 stale _ _ 6
            {"a metric", "a label"="é"} 1x10
            spiky NaN 2 NaN

        # The window is open on the left: a sample exactly as old as the lookback is not seen.
        eval instant at 15m edge

        eval instant at 14m59s999ms edge
            edge 10

        eval instant at 5m edge[2m]
            expect range vector from 4m to 5m step 1m
            edge 4 5

        eval instant at 3m gone

        eval instant at 5m gone
            gone 6

        eval instant at 3m count_over_time(gone[5m])
            {} 2

        eval instant at 3m timestamp(edge offset 1m)
            {} 120

        eval instant at 3m timestamp((edge))
            {} 180

        eval instant at 3m timestamp(+edge)
            {} 180

        eval instant at 3m30s timestamp(edge + 0)
            {} 210

        eval instant at 5m edge offset 1m @ 120
            edge 1

        eval instant at 5m edge @ 120 offset -1m
            edge 3

        eval instant at 5m sum_over_time(edge[2m:1m] offset 30s)
            {} 7

        eval instant at 5m sum_over_time((edge @ 300)[3m:1m])
            {} 15

        eval range from 1m to 3m step 1m edge @ start() + edge @ end()
            {} 4 4 4

        eval instant at 5m {"a metric"}
            {"a metric", "a label"="é"} 1

        eval instant at 5m sum by ("a label") ({"a label"=~".+"})
            {"a label"="é"} 1

        eval instant at 2m spiky
            spiky NaN

        eval instant at 2m max_over_time(spiky[3m])
            {} 2

        eval instant at 2m changes(spiky[3m])
            {} 2

        eval instant at 0 017 + 0x10 + 1_000 + 5m
            1331

        eval instant at 0 -2 ^ 2
            -4

        eval instant at 0 2 ^ 3 ^ 2
            512
        """

    /// Functions of floats at their edges.
    static let functions = """
        load 1m
            v{k="a"} -1.5x10
            v{k="b"} 2.5x10
            v{k="c"} NaN NaN NaN NaN NaN NaN
            c_total 0 10 20 5 15 25
            flat 3x10
            tied 1 3 3 1 3

        eval instant at 5m round(v)
            {k="a"} -1
            {k="b"} 3
            {k="c"} NaN

        eval instant at 5m round(v, 2)
            {k="a"} -2
            {k="b"} 2
            {k="c"} NaN

        eval instant at 5m clamp(v, 5, 1)

        eval instant at 5m clamp(v, NaN, 1)
            {k="a"} NaN
            {k="b"} NaN
            {k="c"} NaN

        eval instant at 5m sgn(v)
            {k="a"} -1
            {k="b"} 1
            {k="c"} NaN

        eval instant at 5m sort(v)
            expect ordered
            v{k="a"} -1.5
            v{k="b"} 2.5
            v{k="c"} NaN

        eval instant at 5m sort_desc(v)
            expect ordered
            v{k="b"} 2.5
            v{k="a"} -1.5
            v{k="c"} NaN

        eval instant at 5m topk(2, v)
            expect ordered
            v{k="b"} 2.5
            v{k="a"} -1.5

        eval instant at 5m bottomk(3, v)
            expect ordered
            v{k="a"} -1.5
            v{k="b"} 2.5
            v{k="c"} NaN

        eval instant at 5m quantile(0.5, v)
            {} -1.5

        eval instant at 5m count_values("x", v)
            {x="-1.5"} 1
            {x="2.5"} 1
            {x="NaN"} 1

        eval instant at 5m count_values by (k) ("k", v)
            {k="-1.5"} 1
            {k="2.5"} 1
            {k="NaN"} 1

        eval instant at 5m count_values("x", vector(1e7) or vector(2))
            {x="10000000"} 1

        eval instant at 5m count_values("", v)
            expect fail msg: invalid label name ""

        eval instant at 5m label_join(v{k="a"}, "k", "-")
            v -1.5

        eval instant at 5m label_replace(v{k="a"}, "", "x", "k", ".*")
            expect fail regex: ^invalid destination label name in label_replace\\(\\): $

        eval instant at 5m label_replace(v, "k", "", "k", ".*")
            expect fail msg: vector cannot contain metrics with the same labelset

        eval instant at 5m label_replace(v{k="a"}, "n", "$1-${2}x", "k", "(.)(.*)")
            v{k="a", n="a-x"} -1.5

        eval instant at 5m absent(nothing{a="1", b!="2", c="3", c="4", d=~"x"})
            {a="1"} 1

        eval instant at 5m absent_over_time(nothing{a="1"}[5m])
            {a="1"} 1

        eval instant at 5m absent(sum(nothing{a="1"}))
            {} 1

        eval instant at 5m increase(c_total[5m])
            {} 43.75

        eval instant at 5m resets(c_total[6m])
            {} 1

        eval instant at 5m irate(c_total[90s])
            {} 0.16666666666666666

        eval instant at 3m irate(c_total[2m])
            {} 0.08333333333333333

        eval instant at 5m deriv(flat[5m])
            {} 0

        eval instant at 5m predict_linear(c_total[2m], 60)
            {} 35

        eval instant at 4m ts_of_max_over_time(tied[10m])
            {} 240

        eval instant at 4m ts_of_min_over_time(tied[10m])
            {} 180

        eval instant at 4m mad_over_time(tied[10m])
            {} 0

        eval instant at 0 day_of_week(vector(0)) + 10 * month(vector(-1))
            {} 124

        eval instant at 0 days_in_month(vector(951782400))
            {} 29

        eval instant at 5m scalar(v)
            NaN

        eval instant at 5m min_of(NaN, 1) + max_of(-Inf, 2)
            NaN

        eval range from 0 to 2m step 1m step() + range() + start() - end()
            {} 60x2

        eval range from 0 to 1m step 1m sort_by_label(v{k="a"}, "k")
            expect warn msg: PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)
            v{k="a"} -1.5 -1.5

        eval instant at 5m quantile_over_time(NaN, flat[5m])
            expect warn regex: quantile value should be between 0 and 1, got NaN
            {} NaN

        eval instant at 5m holt{x="1"}
        """

    /// Operators between floats and histograms, and what they tell.
    static let operators = """
        load 1m
            f{x="1"} 2x10
            f{x="2"} 3x10
            h{x="1"} {{schema:0 count:4 sum:10 buckets:[1 2 1]}}x10
            g{x="1"} {{schema:0 count:4 sum:10 buckets:[1 2 1] counter_reset_hint:gauge}}x10
            n{x="1"} {{schema:-53 count:3 sum:4 custom_values:[1 2] buckets:[1 1 1]}}x10
            m{x="1"} {{schema:-53 count:3 sum:4 custom_values:[2 4] buckets:[1 1 1]}}x10

        eval instant at 5m h + on (x) f
            expect info regex: incompatible sample types encountered for binary operator "\\+": histogram \\+ float
            expect no_warn

        eval instant at 5m 2 / h
            expect info regex: incompatible sample types encountered for binary operator "/": float / histogram

        eval instant at 5m h % 2
            expect info regex: binary operator "%": histogram % float

        eval instant at 5m h * 2
            {x="1"} {{schema:0 count:8 sum:20 buckets:[2 4 2]}}

        eval instant at 5m -1 * h
            {x="1"} {{schema:0 count:-4 sum:-10 buckets:[-1 -2 -1] counter_reset_hint:gauge}}

        eval instant at 5m h / 0
            {x="1"} {{schema:0 count:Inf sum:Inf z_bucket:NaN}}

        eval instant at 5m -h
            {x="1"} {{schema:0 count:-4 sum:-10 buckets:[-1 -2 -1] counter_reset_hint:gauge}}

        eval instant at 5m h - h
            {x="1"} {{schema:0 counter_reset_hint:gauge}}

        eval instant at 5m h + n
            expect warn regex: incompatible bucket layout encountered for binary operator \\+

        eval instant at 5m n + m
            expect info regex: mismatched custom buckets were reconciled during addition
            {x="1"} {{schema:-53 count:6 sum:8 custom_values:[2] buckets:[3 3]}}

        eval instant at 5m h == h
            h{x="1"} {{schema:0 count:4 sum:10 buckets:[1 2 1]}}

        eval instant at 5m h == g
            h{x="1"} {{schema:0 count:4 sum:10 buckets:[1 2 1]}}

        eval instant at 5m h != bool g
            {x="1"} 0

        eval instant at 5m h > bool 3
            expect info regex: binary operator ">": histogram > float

        eval instant at 5m h </ 2
            h{x="1"} {{schema:0 count:3 sum:3.5355339059327378 buckets:[1 2]}}

        eval instant at 5m h >/ 100
            h{x="1"} {{schema:0}}

        eval instant at 5m f </ 2
            expect info regex: binary operator "</": float </ float

        eval instant at 5m sum({__name__=~"f|h"})
            expect warn regex: encountered a mix of histograms and floats for aggregation

        eval instant at 5m max({__name__=~"f|h"})
            expect info regex: ignored histogram in max aggregation
            {} 3

        eval instant at 5m topk(5, {__name__=~"f|h"})
            expect info regex: ignored histogram in topk aggregation
            f{x="2"} 3
            f{x="1"} 2

        eval instant at 5m count({__name__=~"f|h"})
            {} 3

        eval instant at 5m rate(g[5m])
            expect warn regex: this native histogram metric is not a counter: "g"
            {x="1"} {{schema:0 counter_reset_hint:gauge}}

        eval instant at 5m delta(h[5m])
            expect warn regex: this native histogram metric is not a gauge: "h"
            {x="1"} {{schema:0 counter_reset_hint:gauge}}

        eval instant at 5m abs(h)

        eval instant at 5m histogram_count(f)

        eval instant at 5m count_values("t", h)
            {t="{count:4, sum:10, (0.5,1]:1, (1,2]:2, (2,4]:1}"} 1

        eval instant at 5m 1 > bool 0
            1

        eval instant at 5m f > 2
            f{x="2"} 3

        eval instant at 5m 2 < f
            f{x="2"} 3

        eval instant at 5m f > bool on (x) f
            {x="1"} 0
            {x="2"} 0

        eval instant at 5m f and on () vector(1)
            f{x="1"} 2
            f{x="2"} 3

        eval instant at 5m f * on () group_left () vector(2)
            {x="1"} 4
            {x="2"} 6

        eval instant at 5m f * on () vector(2)
            expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

        eval instant at 5m f == on () vector(9)
            expect fail regex: many-to-one matching must be explicit
        """
}
