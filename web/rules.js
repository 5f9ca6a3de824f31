// Rule groups: what they compute, when they last did, and whether it went well.

import { ask } from './api.js';
import { element, errorBox, replace } from './dom.js';
import { ago, formatDuration } from './format.js';
import { poll, queryLink } from './page.js';

export function showRulesPage(page) {
  let words = '';
  let groups = [];
  const list = element('div');
  replace(page, element('h1', {}, 'Rules'),
    element('div', { class: 'controls' }, element('input', { type: 'search', placeholder: 'Filter by name or expression', oninput: (event) => { words = event.target.value; draw(); } })), list);
  const stop = poll(async (signal) => { groups = (await ask('/api/v1/rules', { exclude_alerts: 'true' }, signal)).data.groups; draw(); }, (error) => replace(list, errorBox(error)));

  function draw() {
    const fits = (rule) => `${rule.name} ${rule.query}`.toLowerCase().includes(words.toLowerCase());
    const shown = groups.filter((group) => group.rules.some(fits));
    replace(list, shown.length ? shown.map((group) => drawGroup(group, group.rules.filter(fits))) : element('p', { class: 'quiet' }, 'No rule fits.'));
  }
  return stop;
}

function drawGroup(group, rules) {
  return element('section', { class: 'card' },
    element('h2', {}, group.name, element('span', { class: 'quiet' }, ` ${group.file}, every ${formatDuration(group.interval)}, last ${ago(group.lastEvaluation)}, took ${(group.evaluationTime * 1000).toFixed(1)} ms`)),
    element('table', { class: 'records' }, element('thead', {}, element('tr', {}, ['Rule', 'Expression', 'Health', 'Took'].map((name) => element('th', {}, name)))),
      element('tbody', {}, rules.map((rule) => element('tr', {},
        element('td', {}, element('strong', {}, rule.name), element('div', { class: 'quiet' }, rule.type, rule.duration ? `, for ${formatDuration(rule.duration)}` : '')),
        element('td', {}, queryLink(rule.query), Object.entries(rule.annotations || {}).map(([name, text]) => element('div', { class: 'quiet' }, `${name}: ${text}`))),
        element('td', {}, element('span', { class: `badge ${rule.health}` }, rule.health), rule.lastError ? element('div', { class: 'error-text' }, rule.lastError) : null),
        element('td', { class: 'number' }, `${(rule.evaluationTime * 1000).toFixed(1)} ms`))))));
}
