// What the pages beside the query share.

import { element } from './dom.js';

/** Seconds between two looks. */
const interval = 5;

/** Calls `look(signal)` now and every few seconds while the page is visible; the answer stops it. */
export function poll(look, failed) {
  const controller = new AbortController();
  let timer = null;
  async function turn() {
    try {
      if (!document.hidden) await look(controller.signal);
    } catch (error) {
      if (error.name !== 'AbortError') failed(error);
    }
    if (!controller.signal.aborted) timer = setTimeout(turn, interval * 1000);
  }
  turn();
  return () => { controller.abort(); clearTimeout(timer); };
}

/** An expression that leads to the query page. */
export function queryLink(expression) {
  return element('a', { href: `/query?g0.expr=${encodeURIComponent(expression)}&g0.tab=table`, 'data-page': true }, element('code', {}, expression));
}
