// An answer as a table.

import { element, replace, seriesName } from './dom.js';

/** More rows make the page slow and nobody reads them. */
const rowLimit = 10000;

export function drawTable(parent, data) {
  if (data.resultType === 'scalar' || data.resultType === 'string') {
    replace(parent, element('table', { class: 'answer' }, element('tbody', {}, row(data.resultType, data.result[1]))));
    return;
  }
  if (!data.result.length) {
    replace(parent, element('p', { class: 'quiet' }, 'No series match at this time.'));
    return;
  }
  const shown = data.result.slice(0, rowLimit);
  replace(parent,
    shown.length < data.result.length
      ? element('div', { class: 'notice info' }, `The first ${rowLimit} of ${data.result.length} series are shown.`) : null,
    element('table', { class: 'answer' },
      element('thead', {}, element('tr', {}, element('th', {}, 'Series'), element('th', { class: 'number' }, 'Value'))),
      element('tbody', {}, shown.map((series) => row(seriesName(series.metric), values(series))))));
}

function row(name, value) {
  return element('tr', {}, element('td', {}, name), element('td', { class: 'number' }, value));
}

function values(series) {
  if (series.value) return series.value[1];
  if (series.histogram) return histogram(series.histogram[1]);
  const points = [...(series.values || []), ...(series.histograms || [])].sort((left, right) => left[0] - right[0]);
  return points.map(([time, value]) => element('div', {}, typeof value === 'string' ? value : histogram(value), ' @', time));
}

/** Count, sum and a bar for each bucket. */
function histogram(value) {
  const buckets = value.buckets || [];
  const greatest = Math.max(...buckets.map((bucket) => Number(bucket[3])), 1);
  return element('div', { class: 'histogram' }, `count ${value.count}, sum ${value.sum}`,
    buckets.map(([, lower, upper, count]) => element('div', { class: 'bucket' },
      element('span', {}, `${lower} … ${upper}`),
      element('meter', { min: 0, max: greatest, value: Number(count) }), element('span', {}, count))));
}
