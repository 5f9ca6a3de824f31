// Alerting rules and their alerts.

import { ask } from './api.js';
import { element, errorBox, replace } from './dom.js';
import { ago, formatDuration } from './format.js';
import { poll, queryLink } from './page.js';

const order = { firing: 0, pending: 1, inactive: 2, unknown: 3 };

export function showAlertsPage(page) {
  const chosen = new Set(['firing', 'pending', 'inactive']);
  let words = '';
  const filters = element('div', { class: 'controls' });
  const list = element('div');
  const deliveries = element('div');
  replace(page, element('h1', {}, 'Alerts'), filters, list, deliveries);
  let groups = [];
  const stop = poll(async (signal) => {
    groups = (await ask('/api/v1/rules', { type: 'alert' }, signal)).data.groups;
    draw();
    drawDeliveries(deliveries, (await ask('/api/v1/status/notifications', { limit: 20 }, signal)).data.attempts);
  }, (error) => replace(list, errorBox(error)));

  function draw() {
    const rules = groups.flatMap((group) => group.rules.map((rule) => ({ ...rule, group })));
    const count = (state) => rules.filter((rule) => rule.state === state).length;
    if (!filters.contains(document.activeElement)) {
      replace(filters, ['firing', 'pending', 'inactive'].map((state) => element('label', { class: `chip ${state}` },
        element('input', { type: 'checkbox', checked: chosen.has(state), onchange: (event) => { event.target.checked ? chosen.add(state) : chosen.delete(state); event.target.blur(); draw(); } }),
        ` ${state} (${count(state)})`)),
      element('input', { type: 'search', placeholder: 'Filter by name or label', value: words, oninput: (event) => { words = event.target.value; drawList(); } }));
    }
    drawList();
  }

  function drawList() {
    const rules = groups.flatMap((group) => group.rules.map((rule) => ({ ...rule, group })))
      .filter((rule) => chosen.has(rule.state) || rule.state === 'unknown')
      .filter((rule) => JSON.stringify([rule.name, rule.labels, rule.alerts?.map((alert) => alert.labels)]).toLowerCase().includes(words.toLowerCase()))
      .sort((left, right) => order[left.state] - order[right.state] || left.name.localeCompare(right.name));
    replace(list, rules.length ? rules.map(drawRule) : element('p', { class: 'quiet' }, 'No alerting rule fits.'));
  }
  return stop;
}

function drawRule(rule) {
  const alerts = rule.alerts || [];
  return element('details', { class: `card ${rule.state}`, open: rule.state === 'firing' },
    element('summary', {}, element('span', { class: `badge ${rule.state}` }, rule.state), ' ', element('strong', {}, rule.name), ' ',
      element('span', { class: 'quiet' }, `${alerts.length || 'no'} alert${alerts.length === 1 ? '' : 's'}, ${rule.group.name}`)),
    element('p', {}, queryLink(rule.query), rule.duration ? element('span', { class: 'quiet' }, ` for ${formatDuration(rule.duration)}`) : null),
    rule.lastError ? element('div', { class: 'notice error' }, rule.lastError) : null,
    alerts.length ? element('table', { class: 'records' }, element('thead', {}, element('tr', {}, ['State', 'Labels', 'Since', 'Value', 'What'].map((name) => element('th', {}, name)))),
      element('tbody', {}, alerts.map((alert) => element('tr', {},
        element('td', {}, element('span', { class: `badge ${alert.state}` }, alert.state)),
        element('td', {}, Object.entries(alert.labels).map(([name, value]) => element('span', { class: 'chip' }, `${name}="${value}"`))),
        element('td', { title: alert.activeAt }, ago(alert.activeAt)), element('td', { class: 'number' }, alert.value),
        element('td', {}, whatItSays(alert.annotations)))))) : null);
}

/** The annotation that people write for people; where there is none, all there are. */
function whatItSays(annotations) {
  return annotations.summary || annotations.description
    || Object.entries(annotations).map(([name, text]) => element('div', {}, `${name}: ${text}`));
}

/** Who was told lately, and whether it arrived. */
function drawDeliveries(parent, attempts) {
  if (!attempts.length) return replace(parent);
  replace(parent, element('h2', {}, 'Notifications sent lately'),
    element('table', { class: 'records' }, element('thead', {}, element('tr', {}, ['When', 'Receiver', 'Group', 'Why', 'Alerts', 'Outcome'].map((name) => element('th', {}, name)))),
      element('tbody', {}, attempts.map((attempt) => element('tr', {},
        element('td', { title: attempt.time }, ago(attempt.time)),
        element('td', {}, `${attempt.receiver} (${attempt.integration})`), element('td', {}, element('code', {}, attempt.groupKey)),
        element('td', {}, attempt.reason), element('td', {}, `${attempt.firing} firing, ${attempt.resolved} resolved`),
        element('td', {}, element('span', { class: `badge ${attempt.outcome === 'delivered' ? 'inactive' : 'firing'}` }, attempt.outcome), ' ', attempt.message))))));
}
