// The server itself: version, runtime, store, flags, configuration.

import { ask } from './api.js';
import { element, errorBox, replace } from './dom.js';
import { formatBytes } from './format.js';

export function showStatusPage(page) {
  const controller = new AbortController();
  const parts = [
    ['Queries', '/api/v1/status/queries', (data) => queries(data, reloadQueries)],
    ['Build', '/api/v1/status/buildinfo', (data) => pairs(Object.entries(data).filter(([, value]) => value !== ''))],
    ['Runtime', '/api/v1/status/runtimeinfo', (data) => pairs(Object.entries(data).filter(([name]) => !/^GO|goroutine/.test(name)))],
    ['Store', '/api/v1/status/tsdb', store],
    ['Flags', '/api/v1/status/flags', (data) => pairs(Object.entries(data).sort())],
    ['Configuration', '/api/v1/status/config', (data) => element('pre', {}, data.yaml || 'No configuration file: the defaults hold.')],
  ];
  const boxes = parts.map(([title]) => element('section', { class: 'card' }, element('h2', {}, title), element('div', { class: 'quiet' }, '…')));
  replace(page, element('h1', {}, 'Status'), boxes);
  function reloadQueries() {
    const [, path, draw] = parts[0];
    ask(path, {}, controller.signal).then((answer) => replace(boxes[0].lastChild, draw(answer.data)), () => {});
  }
  parts.forEach(([, path, draw], index) => {
    ask(path, {}, controller.signal).then((answer) => replace(boxes[index].lastChild, draw(answer.data)), (error) => {
      if (error.name !== 'AbortError') replace(boxes[index].lastChild, errorBox(error));
    });
  });
  return () => controller.abort();
}

/** Numbers of queries that were told to end here; each takes a moment to give up. */
const ending = new Set();

/** The queries that wait and run, each with a button that ends it. */
function queries(data, reload) {
  const end = (id) => () => {
    ending.add(id);
    fetch(`/api/v1/status/queries/${encodeURIComponent(id)}`, { method: 'POST' }).then(reload, reload);
  };
  if (data.queries.some((query) => ending.has(query.id))) setTimeout(reload, 500);
  const number = (text) => element('td', { class: 'number' }, text);
  const rows = data.queries.map((query) => element('tr', {}, number(query.id), element('td', { class: 'whole' }, query.state),
    number(`${query.age.toFixed(1)} s`), number(query.samplesRead.toLocaleString()), number(`${query.estimateIsWhole ? '' : '≥ '}${query.estimatedSamples.toLocaleString()}`),
    number(formatBytes(query.memoryBytes)), element('td', {}, query.client, ' ', element('span', { class: 'quiet' }, query.userAgent)),
    element('td', {}, element('code', {}, query.query)),
    element('td', { class: 'whole' }, ending.has(query.id) ? 'is ending' : element('button', { type: 'button', onclick: end(query.id) }, 'End'))));
  const names = ['Number', 'State', 'Age', 'Samples read', 'of about', 'Memory', 'Who asks', 'Query', ''];
  const numbers = ['Number', 'Age', 'Samples read', 'of about', 'Memory'];
  const heads = names.map((name) => element('th', { class: numbers.includes(name) ? 'number' : 'whole' }, name));
  return [
    pairs([['Running', `${data.running} of ${data.limits.concurrency}`], ['Waiting', `${data.waiting} of ${data.limits.queue}`], ['Answers being sent', data.sending],
      ['Memory', `${formatBytes(data.memoryBytes)} of ${formatBytes(data.limits.memoryBytes)}`]]),
    rows.length ? element('table', {}, element('thead', {}, element('tr', {}, heads)), element('tbody', {}, rows)) : null,
    element('button', { type: 'button', onclick: reload }, 'Look again'),
  ];
}

function pairs(entries) {
  return element('table', {}, element('tbody', {}, entries.map(([name, value]) => element('tr', {}, element('th', {}, name), element('td', {}, String(value))))));
}

function store(data) {
  const time = (milliseconds) => (milliseconds ? new Date(milliseconds).toLocaleString() : '–');
  const list = (title, entries) => element('div', {}, element('h3', {}, title), pairs((entries || []).map(({ name, value }) => [name, value.toLocaleString()])));
  const head = data.headStats;
  return [
    pairs([['Series in memory', head.numSeries.toLocaleString()], ['Label pairs', head.numLabelPairs.toLocaleString()], ['Oldest sample in memory', time(head.minTime)], ['Newest sample', time(head.maxTime)]]),
    element('div', { class: 'columns' }, list('Series by metric', data.seriesCountByMetricName), list('Values by label', data.labelValueCountByLabelName),
      list('Series by label pair', data.seriesCountByLabelValuePair), list('Memory by label (bytes)', data.memoryInBytesByLabelName)),
  ];
}
