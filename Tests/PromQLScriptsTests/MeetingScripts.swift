/// Scripts of `ProbeTests` about series that become one, errors of several steps and windows of no length.
extension ProbeTests {
    /// Where labels of whole series change, floats and histograms may meet at a step.
    static let meetings = #"""
        load 1m
            m{k="f"} 1 2 _ 4
            m{k="h"} _ {{count:2 sum:3}} {{count:3 sum:4}} {{count:4 sum:5}}

        # Operators take the float, and never see the histograms behind.
        eval range from 0 to 3m step 1m label_replace(m, "k", "", "", "") * 2
            {} 2 4 4 8

        eval range from 1m to 2m step 1m count by (k) (label_replace(m, "k", "", "", ""))
            {} 1 1

        eval instant at 1m -label_replace(m, "k", "", "", "") + 0
            {} -2

        eval instant at 8m label_replace(m offset 6m, "k", "", "", "") + 0
            {} 2

        # Two floats are two of the same.
        eval instant at 1m label_replace({k=~"f|h"} or label_replace(m{k="f"}, "k", "g", "", ""), "k", "", "", "")
            expect fail msg: vector cannot contain metrics with the same labelset

        # Operators work on the elements of a step.
        eval instant at 1m m + on () group_left () vector(0)
            expect info
            {k="f"} 2

        eval instant at 1m sum by () (label_replace(m, "k", "", "", ""))
            {} 2

        clear

        load 1m
            a{k="1"} 1 stale
            a{k="2"} 1 2 3
            b{k="1"} _ 1 2

        # Which members of a group are marked is asked at its last step.
        eval range from 0 to 2m step 1m sum by (__name__) (abs(a{k="1"}) or a{k="2"})
            a 2 2 3

        eval range from 0 to 2m step 1m sum by (__name__) (a{k="1"} or abs(a{k="2"}))
            {} 2 2 3

        eval range from 0 to 2m step 1m quantile by (__name__) (1, a{k="1"} or abs(a{k="2"}))
            {} 1 2 3

        eval range from 0 to 2m step 1m max by (__name__) (abs(a) or b)
            {} 1 2 3
            b _ 1 2
        """#

    /// Of several errors that of the earliest step is told, and at a step that of the one side.
    static let earliestErrors = #"""
        load 1m
            l{g="1", x="a"} 1 1 1
            l{g="1", x="b"} _ _ 1
            l{g="2", x="a"} 1 1 1
            l{g="2", x="b"} _ 1 1
            r{g="1", y="a"} 1 1 1
            r{g="1", y="b"} _ _ 1
            r{g="2", y="a"} 1 1 1
            r{g="2", y="b"} _ 1 1

        eval range from 0 to 2m step 1m l{x="a"} + on (g) r
            expect fail regex: found duplicate series for the match group {g="2"} on the right

        eval range from 0 to 2m step 1m r + on (g) l
            expect fail regex: found duplicate series for the match group {g="2"} on the right

        eval range from 0 to 2m step 1m r{g="2"} + on (g) l{g="2", x="a"}
            expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

        # Group 1 has two on the left at 2m, group 2 has two on the right at 1m.
        eval range from 0 to 2m step 1m (l{g="1"} or l{g="2", x="a"}) + on (g) (r{g="1", y="a"} or r{g="2"})
            expect fail regex: found duplicate series for the match group {g="2"}

        # Now the left is earlier.
        eval range from 0 to 2m step 1m (l{g="1", x="a"} or l{g="2"}) + on (g) (r{g="1"} or r{g="2", y="a"})
            expect fail msg: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)

        clear

        load 1m
            base{instance="a", job="1"} _ 1 1 1
            base{instance="b", job="1"} _ _ 1 1
            target_info{instance="a", job="1", v="1"} 1 _ _ 1
            target_info{instance="a", job="1", v="2"} 1 _ _ 1
            target_info{instance="b", job="1", v="1"} _ _ 1 _
            target_info{instance="b", job="1", v="2"} _ _ 1 _
            build_info{instance="b", job="1", v="3"} _ 1 _ _

        # Where nothing is asked for nothing is wrong.
        eval range from 0 to 0 step 1m info(base)

        eval range from 0 to 3m step 1m info(base)
            expect fail regex: found duplicate series for info metric: existing .*instance="a".* @ 0, new .* @ 0$

        eval range from 0 to 3m step 1m info(base{instance="b"})
            expect fail regex: found duplicate series for info metric: existing .*instance="b".* @ 120000, new
        """#

    /// Lengths of less than a millisecond are none.
    static let emptyWindows = #"""
        load 1m
            x 1 2 3 4
            mix 1 {{schema:0 count:1 sum:1 buckets:[1]}}

        eval instant at 1m count_over_time(x[0.0004])

        eval instant at 1m count_over_time(x[0.0001 * 2])

        eval instant at 1m absent_over_time(x[0.0004])
            {} 1

        eval instant at 1m absent_over_time(x[1ms])

        eval instant at 1m increase(x[0.0004] anchored)

        # What is looked at before the window is looked at all the same.
        eval instant at 1m increase(mix[0.0004] anchored)
            expect warn msg: PromQL warning: encountered a mix of histograms and floats for metric name "mix" (1:10)

        eval instant at 1m sum_over_time(x[0.0004:])

        eval instant at 3m sum_over_time(x[2m:0.0004])
            {} 7

        eval instant at 3m sum_over_time(x[2m:0.0001 * 3])
            {} 7

        eval instant at 1m count_over_time(x[0.0009999996])
            {} 1

        eval instant at 1m count_over_time(x[(0.0009999996)])
            {} 1

        eval instant at 1m count_over_time(x[0.0009999996 * 1])

        eval instant at 2m x offset (1m)
            x 2

        eval instant at 2m x offset ((-1m))
            x 4
        """#

    /// What is summed up over time keeps its empty buckets, what is aggregated does not.
    static let emptyBuckets = #"""
        load 1m
            h {{schema:0 count:2 sum:2 buckets:[1 0 1]}}x3
            e {{schema:0 count:2 sum:2 buckets:[1 0 1] n_buckets:[0]}}x3

        eval instant at 1m sum_over_time(h[2m]) * Inf
            {} {{schema:0 count:Inf sum:Inf z_bucket:NaN buckets:[Inf NaN Inf]}}

        eval instant at 1m avg_over_time(h[2m]) * NaN
            {} {{schema:0 count:NaN sum:NaN z_bucket:NaN buckets:[NaN NaN NaN]}}

        eval instant at 1m sum_over_time(h[1m]) * Inf
            {} {{schema:0 count:Inf sum:Inf z_bucket:NaN buckets:[Inf NaN Inf]}}

        eval instant at 1m sum(h) * Inf
            {} {{schema:0 count:Inf sum:Inf z_bucket:NaN buckets:[Inf 0 Inf]}}

        eval instant at 1m sum_over_time(h[2m])
            {} {{schema:0 count:4 sum:4 buckets:[2 0 2]}}

        eval instant at 1m sum_over_time(e[2m]) * Inf
            {} {{schema:0 count:Inf sum:Inf z_bucket:NaN buckets:[Inf NaN Inf] n_buckets:[NaN]}}

        eval instant at 1m sum_over_time(e[2m]) / 1 * Inf
            {} {{schema:0 count:Inf sum:Inf z_bucket:NaN buckets:[Inf 0 Inf]}}
        """#

    /// What looks at whole samples where nothing is asked of them, and at names in any characters.
    static let quietCorners = #"""
        load 1m
            x{k="f"} 1 2 3
            x{k="h"} _ {{count:1 sum:1}} stale

        # At the only step with a histogram no element is asked for.
        eval range from 0 to 2m step 1m topk((time() - 60) ^ 2, x)
            expect no_info
            x{k="f"} 1 _ 3

        eval range from 0 to 2m step 1m bottomk(time() / 60, x)
            expect info msg: PromQL info: ignored histogram in bottomk aggregation (1:1)
            x{k="f"} _ 2 3

        eval instant at 0 label_replace(x, "a\ufffd", "b", "", "")
            x{k="f", "a\ufffd"="b"} 1

        eval instant at 0 label_join(x, "z", "-", "k", "\ufffd")
            x{k="f", z="f-"} 1

        eval instant at 0 label_replace(x, "a\xff", "b", "", "")
            expect fail regex: invalid destination label name in label_replace

        eval instant at 0 count_values("\ufffd", x)
            {"\ufffd"="1"} 1

        eval instant at 2m30s timestamp(x{k="f"} smoothed)
            {k="f"} 120

        eval instant at 4m timestamp(x{k="f"} smoothed @ 90)
            {k="f"} 60

        # What is read reaches as far behind as before.
        eval instant at 4m timestamp(x{k="f"} smoothed @ 120 offset 1m)
            {k="f"} 120

        eval instant at 4m timestamp(x{k="f"} @ 120 offset 1m)
            {k="f"} 60

        eval instant at 4m timestamp(x{k="f"} smoothed @ 400 offset 6m)
            {k="f"} 120

        eval instant at 4m timestamp(x{k="f"} anchored @ 120 offset 1m)
            {k="f"} 60
        """#
}
