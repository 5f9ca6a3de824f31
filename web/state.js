// The state of the query page, in the address: the keys are Prometheus' own, so links from one work in the other.

import { parseDuration, formatDuration } from './format.js';

export const defaults = { expression: '', tab: 'table', range: 3600, end: null, moment: null, step: null };

export function readState(search = location.search) {
  const parameters = new URLSearchParams(search);
  const get = (name) => parameters.get(`g0.${name}`);
  const tab = get('tab');
  return {
    expression: get('expr') || '',
    tab: tab === 'graph' || tab === '0' ? 'graph' : tab === 'plan' ? 'plan' : 'table',
    range: parseDuration(get('range_input') || '') || defaults.range,
    end: parseMoment(get('end_input')),
    moment: parseMoment(get('moment_input')),
    step: parseDuration(get('res_step') || get('step_input') || '') || null,
  };
}

/** Writes the state to the address; `push` makes a step of the browser's history. */
export function writeState(state, push) {
  const parameters = new URLSearchParams();
  if (state.expression) parameters.set('g0.expr', state.expression);
  parameters.set('g0.tab', state.tab);
  if (state.range !== defaults.range) parameters.set('g0.range_input', formatDuration(state.range));
  if (state.end !== null) parameters.set('g0.end_input', formatMoment(state.end));
  if (state.moment !== null) parameters.set('g0.moment_input', formatMoment(state.moment));
  if (state.step !== null) parameters.set('g0.res_step', String(state.step));
  const address = `/query?${parameters}`;
  if (address === location.pathname + location.search) return;
  if (push) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
}

/** `2026-11-23 14:00:00` in UTC, as Prometheus writes it, or RFC 3339, to seconds. */
function parseMoment(text) {
  if (!text) return null;
  const time = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : text.replace(' ', 'T') + 'Z');
  return Number.isFinite(time) ? time / 1000 : null;
}

function formatMoment(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
