// The expression field: CodeMirror with PromQL's colours and completion of metrics, labels, values and functions.

/* global CodeMirror */
import { ask } from './api.js';
import { aggregations, functions, keywords } from './language.js';

function defineMode() {
  if (CodeMirror.modes.promql) return;
  CodeMirror.defineSimpleMode('promql', {
    start: [
      { regex: /#.*/, token: 'comment' },
      { regex: /"(?:[^\\"]|\\.)*"|'(?:[^\\']|\\.)*'|`[^`]*`/, token: 'string' },
      { regex: /\b(?:\d+(?:ms|[smhdwy]))+\b/, token: 'number' },
      { regex: /\b0x[0-9a-f]+\b|\b\d+(?:\.\d*)?(?:e[+-]?\d+)?\b/i, token: 'number' },
      { regex: new RegExp(`\\b(?:${keywords.join('|')})\\b`, 'i'), token: 'keyword' },
      { regex: new RegExp(`\\b(?:${aggregations.join('|')})\\b(?=\\s*(?:\\(|by\\b|without\\b))`, 'i'), token: 'builtin' },
      { regex: new RegExp(`\\b(?:${functions.map(([name]) => name).join('|')})\\b(?=\\s*\\()`), token: 'builtin' },
      { regex: /[a-zA-Z_][\w]*(?=\s*(?:=~|!~|!=|=[^=]))/, token: 'attribute' },
      { regex: /[a-zA-Z_:][\w:]*/, token: 'variable' },
      { regex: /[-+*/%^=!<>~@]+/, token: 'operator' },
    ],
  });
}

/** An editor in `parent`; `run` is called on Enter. */
export function makeEditor(parent, text, run) {
  defineMode();
  const editor = CodeMirror(parent, {
    value: text, mode: 'promql', lineWrapping: true, matchBrackets: true, autoCloseBrackets: true,
    placeholder: 'Expression, such as topk(10, container_memory_rss)   (Enter runs it)', viewportMargin: Infinity,
    extraKeys: {
      Enter: run, 'Shift-Enter': 'newlineAndIndent', 'Ctrl-Space': complete, Tab: false,
      'Ctrl-Enter': run,
    },
    hintOptions: { hint: hints, completeSingle: false },
  });
  editor.getInputField().setAttribute('aria-label', 'Expression');
  editor.on('inputRead', (instance, change) => {
    if (/[\w:{,="]$/.test(change.text[change.text.length - 1])) complete(instance);
  });
  return editor;
}

function complete(editor) {
  editor.showHint({ hint: hints, completeSingle: false });
}

const cache = new Map();

/** Lists from the server, kept for half a minute. */
async function list(path, parameters) {
  const key = path + JSON.stringify(parameters);
  const kept = cache.get(key);
  if (kept && Date.now() - kept.time < 30000) return kept.values;
  const values = await ask(path, parameters).then((answer) => answer.data, () => []);
  cache.set(key, { time: Date.now(), values });
  return values;
}

/** Where the cursor stands: in a label's value, at a label's name, or in the open. */
function context(text) {
  let depth = 0;
  let open = -1;
  let quote = null;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (quote) {
      if (character === '\\') index++;
      else if (character === quote) quote = null;
    } else if (character === '"' || character === "'" || character === '`') quote = character;
    else if (character === '{') { depth++; open = index; }
    else if (character === '}') { depth--; open = -1; }
  }
  const metric = open >= 0 ? (/([a-zA-Z_:][\w:]*)\s*$/.exec(text.slice(0, open)) || [])[1] : undefined;
  if (quote && open >= 0) {
    const found = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*["'`]([^"'`]*)$/.exec(text);
    if (found) return { kind: 'value', label: found[1], word: found[2], metric };
  }
  if (quote) return { kind: 'none', word: '' };
  const word = (/[a-zA-Z_:][\w:]*$/.exec(text) || [''])[0];
  if (open >= 0) return { kind: 'label', word, metric };
  if (/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*$/i.test(text)) return { kind: 'label', word };
  return { kind: 'open', word };
}

async function hints(editor) {
  const cursor = editor.getCursor();
  const found = context(editor.getRange({ line: 0, ch: 0 }, cursor));
  const match = found.metric ? { 'match[]': found.metric } : {};
  let entries = [];
  if (found.kind === 'value') {
    entries = (await list(`/api/v1/label/${encodeURIComponent(found.label)}/values`, { ...match, limit: 1000 })).map((text) => ({ text, kind: 'value' }));
  } else if (found.kind === 'label') {
    entries = (await list('/api/v1/labels', { ...match, limit: 1000 })).filter((text) => text !== '__name__').map((text) => ({ text, kind: 'label' }));
  } else if (found.kind === 'open' && found.word) {
    const metrics = await list('/api/v1/label/__name__/values', { limit: 20000 });
    entries = [
      ...functions.map(([text, help]) => ({ text, help, kind: 'function' })),
      ...aggregations.map((text) => ({ text, help: 'aggregation', kind: 'function' })),
      ...metrics.map((text) => ({ text, kind: 'metric' })),
    ];
  }
  const wanted = found.word.toLowerCase();
  const ranked = entries
    .map((entry) => ({ entry, at: entry.text.toLowerCase().indexOf(wanted) }))
    .filter(({ entry, at }) => at >= 0 && entry.text !== found.word)
    .sort((left, right) => (left.at > 0) - (right.at > 0) || left.entry.text.length - right.entry.text.length)
    .slice(0, 100);
  return {
    list: ranked.map(({ entry }) => ({ text: insertable(entry), displayText: entry.text, render: (node) => render(node, entry) })),
    from: { line: cursor.line, ch: cursor.ch - found.word.length },
    to: cursor,
  };
}

/** Metric names beyond the classic alphabet are written in braces; values are escaped. */
function insertable(entry) {
  if (entry.kind === 'value') return entry.text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  if (entry.kind === 'metric' && !/^[a-zA-Z_:][\w:]*$/.test(entry.text)) return `{${JSON.stringify(entry.text)}}`;
  if (entry.kind === 'label' && !/^[a-zA-Z_]\w*$/.test(entry.text)) return JSON.stringify(entry.text);
  return entry.text;
}

function render(node, entry) {
  const kind = document.createElement('span');
  kind.className = `hint-kind ${entry.kind}`;
  kind.textContent = { function: 'ƒ', metric: 'm', label: 'l', value: 'v' }[entry.kind];
  node.append(kind, document.createTextNode(entry.text));
  if (entry.help) {
    const help = document.createElement('span');
    help.className = 'hint-help';
    help.textContent = entry.help;
    node.append(help);
  }
}
