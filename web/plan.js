// The plan of a query: what each part gave and took, the parts of a part below it.

import { element } from './dom.js';
import { formatBytes } from './format.js';

/** Draws a plan into `body`. */
export function drawPlan(body, plan) {
  const rows = [];
  const total = plan.seconds || 1;
  const add = (node, level) => {
    const part = element('code', {}, node.expression);
    // Not as an attribute, which the server's content policy forbids.
    part.style.marginLeft = `${level * 1.2}em`;
    const share = Math.min(100, 100 * node.seconds / total);
    rows.push(element('tr', {},
      element('td', { class: 'number' }, `${(node.seconds * 1000).toFixed(node.seconds < 0.01 ? 2 : 0)} ms`),
      element('td', {}, element('meter', { min: 0, max: 100, value: share, title: `${share.toFixed(0)} % of the time` })),
      element('td', { class: 'number' }, node.series.toLocaleString()), element('td', { class: 'number' }, node.samples.toLocaleString()),
      element('td', { class: 'number' }, node.samplesRead.toLocaleString()), element('td', { class: 'number' }, formatBytes(node.bytes)),
      element('td', {}, part, node.repeated ? element('span', { class: 'quiet' }, ' once for all steps') : null)));
    for (const child of node.children) add(child, level + 1);
  };
  add(plan, 0);
  const names = ['Time', '', 'Series', 'Samples', 'Read', 'Bytes out', 'Part of the query'];
  body.append(element('table', {}, element('thead', {}, element('tr', {}, names.map((name) => element('th', {}, name)))), element('tbody', {}, rows)));
}
