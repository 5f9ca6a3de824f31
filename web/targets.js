// The targets of each scrape job, and why one is down.

import { ask } from './api.js';
import { element, errorBox, replace } from './dom.js';
import { ago } from './format.js';
import { poll } from './page.js';

export function showTargetsPage(page) {
  let words = '';
  let onlyDown = false;
  let data = { activeTargets: [], droppedTargetCounts: {} };
  const list = element('div');
  const filters = element('div', { class: 'controls' },
    element('input', { type: 'search', placeholder: 'Filter by address or label', oninput: (event) => { words = event.target.value; draw(); } }),
    element('label', {}, element('input', { type: 'checkbox', onchange: (event) => { onlyDown = event.target.checked; draw(); } }), ' only those that are not up'));
  replace(page, element('h1', {}, 'Targets'), filters, list);
  const stop = poll(async (signal) => { data = (await ask('/api/v1/targets', { state: 'any' }, signal)).data; draw(); }, (error) => replace(list, errorBox(error)));

  function draw() {
    const fitting = data.activeTargets.filter((target) => (!onlyDown || target.health !== 'up')
      && JSON.stringify([target.scrapeUrl, target.labels]).toLowerCase().includes(words.toLowerCase()));
    const pools = [...new Set([...data.activeTargets, ...(data.problems || [])].map((entry) => entry.scrapePool))];
    replace(list, pools.length ? pools.map((pool) => drawPool(pool, fitting.filter((target) => target.scrapePool === pool), data)) : element('p', { class: 'quiet' }, 'No target is configured.'));
  }
  return stop;
}

function drawPool(pool, targets, data) {
  const all = data.activeTargets.filter((target) => target.scrapePool === pool);
  const up = all.filter((target) => target.health === 'up').length;
  const dropped = (data.droppedTargetCounts || {})[pool];
  return element('section', { class: 'card' },
    element('h2', {}, pool, ' ', element('span', { class: `badge ${up === all.length && up > 0 ? 'up' : 'down'}` }, `${up} of ${all.length} up`),
      dropped ? element('span', { class: 'quiet' }, ` ${dropped} dropped by relabelling`) : null),
    (data.problems || []).filter((problem) => problem.scrapePool === pool).map((problem) => element('p', { class: 'error-text' }, problem.reason)),
    element('table', { class: 'records' }, element('thead', {}, element('tr', {}, ['Endpoint', 'State', 'Labels', 'Last scrape', 'Took', 'Error'].map((name) => element('th', {}, name)))),
      element('tbody', {}, targets.map((target) => element('tr', {},
        element('td', {}, target.scrapeUrl),
        element('td', {}, element('span', { class: `badge ${target.health}` }, target.health)),
        element('td', {}, Object.entries(target.labels).map(([name, value]) => element('span', { class: 'chip' }, `${name}="${value}"`))),
        element('td', { title: target.lastScrape }, ago(target.lastScrape)),
        element('td', { class: 'number', title: `every ${target.scrapeInterval}, at most ${target.scrapeTimeout}` }, `${(target.lastScrapeDuration * 1000).toFixed(1)} ms`),
        element('td', { class: 'error-text' }, target.lastError))))));
}
