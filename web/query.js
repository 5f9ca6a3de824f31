// The query page: expression, table and graph. Its whole state is in the address.

import { ask } from './api.js';
import { element, errorBox, replace } from './dom.js';
import { makeEditor } from './editor.js';
import { drawGraph } from './graph.js';
import { formatDuration, localInput, parseDuration } from './format.js';
import { readState, writeState } from './state.js';
import { drawPlan } from './plan.js';
import { drawTable } from './table.js';

/** About how many points a graph asks for. */
const resolution = 250;

/** After so many milliseconds a query that runs can be stopped; most are answered before. */
const stoppableAfter = 300;

/** Shows the page in `page`; the answer is a function that takes it down. */
export function showQueryPage(page) {
  const state = readState();
  let running = null;
  let takeDownGraph = null;
  const editorBox = element('div', { class: 'editor' });
  const controls = element('div', { class: 'controls' });
  const result = element('div', { class: 'result', 'aria-live': 'polite' });
  const facts = element('div', { class: 'facts' });
  const runButton = element('button', { type: 'button', class: 'primary', onclick: () => (runButton.textContent === 'Stop' ? stop() : run(true)) }, 'Run');
  const tabs = [['table', 'Table'], ['graph', 'Graph'], ['plan', 'Plan']].map(([tab, title]) => element('button', {
    type: 'button', role: 'tab', onclick: () => { state.tab = tab; run(true); },
  }, title));
  replace(page,
    element('div', { class: 'query-line' }, editorBox, runButton),
    element('div', { class: 'tab-line', role: 'tablist' }, tabs, element('span', { class: 'spacer' }), controls),
    facts, result);
  const editor = makeEditor(editorBox, state.expression, () => run(true));
  editor.focus();
  if (state.expression) editor.setCursor(editor.lineCount(), 0);
  run(false);

  function run(push) {
    state.expression = editor.getValue().trim();
    writeState(state, push);
    showControls();
    tabs[0].setAttribute('aria-selected', state.tab === 'table');
    tabs[1].setAttribute('aria-selected', state.tab === 'graph');
    tabs[2].setAttribute('aria-selected', state.tab === 'plan');
    abort();
    clearGraph();
    if (!state.expression) {
      replace(facts);
      replace(result, welcome((expression, tab) => { editor.setValue(expression); state.tab = tab; run(true); }));
      return;
    }
    const controller = new AbortController();
    running = controller;
    const started = performance.now();
    result.classList.add('loading');
    setTimeout(() => { if (running === controller) runButton.textContent = 'Stop'; }, stoppableAfter);
    request(controller.signal).then((answer) => {
      if (running !== controller) return;
      settle();
      showAnswer(answer, performance.now() - started);
    }, (error) => {
      if (running !== controller) return;
      settle();
      replace(facts);
      replace(result, errorBox(error));
    });
  }

  /** Nothing is asked any more; the server ends a query whose caller has gone. */
  function settle() {
    running = null;
    runButton.textContent = 'Run';
    result.classList.remove('loading');
  }

  function abort() {
    const controller = running;
    settle();
    if (controller) controller.abort();
  }

  function stop() {
    abort();
    replace(facts, element('span', {}, 'stopped'));
  }

  function request(signal) {
    if (state.tab === 'table') {
      return ask('/api/v1/query', { query: state.expression, time: state.moment, stats: 'true' }, signal);
    }
    const end = state.end ?? Date.now() / 1000;
    const step = state.step ?? Math.max(1, Math.floor(state.range / resolution));
    return ask('/api/v1/query_range', { query: state.expression, start: end - state.range, end, step, stats: 'true', explain: state.tab === 'plan' ? 'true' : null }, signal)
      .then((answer) => ({ ...answer, window: { start: end - state.range, end, step } }));
  }

  function showAnswer(answer, milliseconds) {
    const { data } = answer;
    const count = Array.isArray(data.result) && data.resultType !== 'scalar' && data.resultType !== 'string' ? data.result.length : 1;
    const samples = data.stats?.samples?.totalQueryableSamples;
    replace(facts, element('span', {}, `${count} series`), element('span', {}, `${milliseconds.toFixed(0)} ms`),
      samples ? element('span', {}, `${samples.toLocaleString()} samples read`) : null,
      answer.window ? element('span', {}, `step ${formatDuration(answer.window.step)}`) : null);
    const notices = [...(answer.warnings || []).map((text) => ['warning', text]), ...(answer.infos || []).map((text) => ['info', text])]
      .map(([kind, text]) => element('div', { class: `notice ${kind}` }, text));
    clearGraph();
    const body = element('div');
    replace(result, notices, body);
    if (state.tab === 'table') drawTable(body, data);
    else if (state.tab === 'plan') drawPlan(body, data.plan);
    else takeDownGraph = drawGraph(body, data.result, answer.window, (start, end) => {
      state.end = Math.round(end);
      state.range = Math.max(10, Math.round(end - start));
      run(true);
    });
  }

  function clearGraph() {
    if (takeDownGraph) takeDownGraph();
    takeDownGraph = null;
  }

  function showControls() {
    if (state.tab === 'table') {
      replace(controls, element('label', {}, 'At ', element('input', {
        type: 'datetime-local', step: 1, value: state.moment === null ? '' : localInput(state.moment),
        onchange: (event) => { state.moment = event.target.value ? new Date(event.target.value).getTime() / 1000 : null; run(true); },
      })), state.moment === null ? null : element('button', { type: 'button', onclick: () => { state.moment = null; run(true); } }, 'now'));
      return;
    }
    const scale = (factor) => () => { state.range = Math.max(10, Math.round(state.range * factor)); run(true); };
    replace(controls,
      element('label', {}, 'Range ', element('button', { type: 'button', title: 'half the range', onclick: scale(0.5) }, '−'),
        element('input', { size: 5, value: formatDuration(state.range), onchange: (event) => { state.range = parseDuration(event.target.value) || state.range; run(true); } }),
        element('button', { type: 'button', title: 'twice the range', onclick: scale(2) }, '+')),
      element('label', {}, 'End ', element('button', { type: 'button', title: 'earlier', onclick: () => { state.end = Math.round((state.end ?? Date.now() / 1000) - state.range / 2); run(true); } }, '‹'),
        element('input', {
          type: 'datetime-local', step: 1, value: state.end === null ? '' : localInput(state.end),
          onchange: (event) => { state.end = event.target.value ? new Date(event.target.value).getTime() / 1000 : null; run(true); },
        }),
        element('button', { type: 'button', title: 'later', onclick: () => { state.end = Math.round((state.end ?? Date.now() / 1000) + state.range / 2); run(true); } }, '›'),
        state.end === null ? null : element('button', { type: 'button', onclick: () => { state.end = null; run(true); } }, 'now')),
      element('label', {}, 'Step ', element('input', {
        size: 5, placeholder: 'auto', value: state.step === null ? '' : formatDuration(state.step),
        onchange: (event) => { state.step = parseDuration(event.target.value); run(true); },
      })));
  }

  // A page that is left is kept for the way back, and its connection with it.
  let wasRunning = false;
  const leave = () => { wasRunning = running !== null; abort(); };
  const comeBack = (event) => { if (event.persisted && wasRunning) run(false); };
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', comeBack);
  return () => {
    window.removeEventListener('pagehide', leave);
    window.removeEventListener('pageshow', comeBack);
    abort();
    clearGraph();
  };
}

/** What a newcomer may try. */
function welcome(choose) {
  const examples = [
    ['topk(10, container_memory_rss)', 'table', 'the cgroups that hold the most memory'],
    ['topk(5, rate(container_cpu_usage_seconds_total{id!="/"}[1m]))', 'graph', 'who computes'],
    ['up', 'table', 'which targets answer'],
    ['container_memory_working_set_bytes{id="/"} / scalar(machine_memory_bytes)', 'graph', 'share of the memory in use'],
    ['sum by (device) (rate(container_fs_writes_bytes_total{id="/"}[1m]))', 'graph', 'bytes written per second'],
  ];
  return element('div', { class: 'welcome' }, element('h2', {}, 'Ask something'),
    element('ul', {}, examples.map(([expression, tab, what]) => element('li', {},
      element('button', { type: 'button', class: 'link', onclick: () => choose(expression, tab) }, element('code', {}, expression)),
      ' ', element('span', { class: 'quiet' }, what)))));
}
