// The words of PromQL, for colours and completion.

export const keywords = [
  'and', 'or', 'unless', 'atan2', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'bool',
  'anchored', 'smoothed', 'fill', 'fill_left', 'fill_right',
];

export const aggregations = [
  'sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar', 'topk', 'bottomk', 'quantile', 'count_values', 'limitk',
  'limit_ratio',
];

/** Name and what it gives. */
export const functions = [
  ['abs', 'absolute value'], ['absent', '1 when nothing matches'], ['absent_over_time', '1 when nothing matched in the range'],
  ['acos', 'arc cosine'], ['acosh', 'inverse hyperbolic cosine'], ['asin', 'arc sine'], ['asinh', 'inverse hyperbolic sine'],
  ['atan', 'arc tangent'], ['atanh', 'inverse hyperbolic tangent'], ['avg_over_time', 'average over the range'],
  ['ceil', 'rounded up'], ['changes', 'how often the value changed'], ['clamp', 'held between two bounds'],
  ['clamp_max', 'at most'], ['clamp_min', 'at least'], ['cos', 'cosine'], ['cosh', 'hyperbolic cosine'],
  ['count_over_time', 'samples in the range'], ['day_of_month', '1 … 31'], ['day_of_week', '0 is Sunday'],
  ['day_of_year', '1 … 366'], ['days_in_month', '28 … 31'], ['deg', 'radians to degrees'], ['delta', 'difference of a gauge'],
  ['deriv', 'slope per second of a gauge'], ['double_exponential_smoothing', 'smoothed value'], ['end', 'end of the query'],
  ['exp', 'e to the power'], ['first_over_time', 'oldest value of the range'], ['floor', 'rounded down'],
  ['histogram_avg', 'average of native histograms'], ['histogram_count', 'count of native histograms'],
  ['histogram_fraction', 'share between two bounds'], ['histogram_quantile', 'quantile from buckets'],
  ['histogram_quantiles', 'several quantiles at once'], ['histogram_stddev', 'deviation of native histograms'],
  ['histogram_stdvar', 'variance of native histograms'], ['histogram_sum', 'sum of native histograms'], ['hour', '0 … 23 UTC'],
  ['idelta', 'difference of the last two'], ['increase', 'growth of a counter over the range'], ['info', 'adds labels of info metrics'],
  ['irate', 'growth per second from the last two'], ['label_join', 'joins labels'], ['label_replace', 'sets a label by expression'],
  ['last_over_time', 'newest value of the range'], ['ln', 'natural logarithm'], ['log10', 'decimal logarithm'], ['log2', 'binary logarithm'],
  ['mad_over_time', 'median absolute deviation'], ['max_of', 'the greater scalar'], ['max_over_time', 'greatest value of the range'],
  ['min_of', 'the smaller scalar'], ['min_over_time', 'least value of the range'], ['minute', '0 … 59'], ['month', '1 … 12'], ['pi', 'π'],
  ['predict_linear', 'value in so many seconds'], ['present_over_time', '1 where there was a sample'],
  ['quantile_over_time', 'quantile over the range'], ['rad', 'degrees to radians'], ['range', 'length of the query'],
  ['rate', 'growth per second of a counter'], ['resets', 'counter resets'], ['round', 'rounded to a multiple'],
  ['scalar', 'the one element as a scalar'], ['sgn', 'sign'], ['sin', 'sine'], ['sinh', 'hyperbolic sine'], ['sort', 'ascending'],
  ['sort_by_label', 'by label values'], ['sort_by_label_desc', 'by label values, descending'], ['sort_desc', 'descending'],
  ['sqrt', 'square root'], ['start', 'start of the query'], ['start_timestamp', 'start time of a sample'],
  ['stddev_over_time', 'deviation over the range'], ['stdvar_over_time', 'variance over the range'], ['step', 'step of the query'],
  ['sum_over_time', 'sum over the range'], ['tan', 'tangent'], ['tanh', 'hyperbolic tangent'], ['time', 'seconds since 1970'],
  ['timestamp', 'time of the sample'], ['ts_of_first_over_time', 'time of the oldest'], ['ts_of_last_over_time', 'time of the newest'],
  ['ts_of_max_over_time', 'time of the greatest'], ['ts_of_min_over_time', 'time of the least'], ['vector', 'a scalar as a vector'], ['year', 'UTC'],
];
