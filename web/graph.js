// An answer as a graph: uPlot with a legend that hides and singles out, values under the pointer, zoom by dragging.

/* global uPlot */
import { element, replace, seriesName, seriesText } from './dom.js';
import { short } from './format.js';

/** More lines cannot be told apart. */
const seriesLimit = 200;
const golden = 137.508;

function color(index) {
  return `hsl(${(210 + index * golden) % 360} 65% ${document.documentElement.dataset.dark === 'true' ? 62 : 42}%)`;
}

/** Draws into `parent`; `zoom(start, end)` is called when a part was dragged over. The answer takes the graph down. */
export function drawGraph(parent, result, window_, zoom) {
  if (!Array.isArray(result) || !result.length) {
    replace(parent, element('p', { class: 'quiet' }, 'No series match in this range.'));
    return () => {};
  }
  const shown = result.slice(0, seriesLimit);
  const times = grid(window_);
  const columns = shown.map((series) => align(series, times, window_));
  const shared = sharedLabels(shown);
  const chart = element('div', { class: 'chart' });
  const readout = element('div', { class: 'readout', hidden: true });
  const legend = element('ul', { class: 'legend' });
  replace(parent,
    shown.length < result.length ? element('div', { class: 'notice info' }, `The first ${seriesLimit} of ${result.length} series are drawn.`) : null,
    element('div', { class: 'chart-box' }, chart, readout), legend);
  const styles = getComputedStyle(document.documentElement);
  const axis = { stroke: styles.getPropertyValue('--text'), grid: { stroke: styles.getPropertyValue('--line'), width: 1 }, ticks: { stroke: styles.getPropertyValue('--line') } };
  const plot = new uPlot({
    width: chart.clientWidth || 800, height: 380,
    series: [{}, ...shown.map((series, index) => ({ label: seriesText(series.metric, shared), stroke: color(index), width: 1.5, points: { show: times.length < 3 } }))],
    axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map(short) }],
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, focus: { prox: 24 }, points: { size: 6 } },
    focus: { alpha: 0.35 },
    hooks: {
      setSelect: [(instance) => {
        if (instance.select.width < 4) return;
        zoom(instance.posToVal(instance.select.left, 'x'), instance.posToVal(instance.select.left + instance.select.width, 'x'));
      }],
      setCursor: [(instance) => read(instance, readout, shown, shared)],
    },
  }, [times, ...columns], chart);
  fillLegend(legend, plot, shown, shared);
  const observer = new ResizeObserver(() => plot.setSize({ width: chart.clientWidth, height: 380 }));
  observer.observe(chart);
  return () => { observer.disconnect(); plot.destroy(); };
}

/** The times asked for: gaps in a series must show as gaps. */
function grid({ start, end, step }) {
  const times = [];
  for (let index = 0; start + index * step <= end + 1e-6; index++) times.push(start + index * step);
  return times;
}

function align(series, times, { start, step }) {
  const column = new Array(times.length).fill(null);
  for (const [time, text] of series.values || []) {
    const value = Number(text.replace('Inf', 'Infinity'));
    const index = Math.round((time - start) / step);
    if (index >= 0 && index < column.length && Number.isFinite(value)) column[index] = value;
  }
  return column;
}

function sharedLabels(series) {
  if (series.length < 2) return new Set();
  return new Set(Object.entries(series[0].metric)
    .filter(([name, value]) => series.every((one) => one.metric[name] === value)).map(([name]) => name));
}

/** Time and value of the line under the pointer. */
function read(plot, box, shown, shared) {
  const { left, top, idx: index } = plot.cursor;
  if (index === null || index === undefined || left < 0) { box.hidden = true; return; }
  let nearest = -1;
  let distance = Infinity;
  for (let number = 1; number < plot.data.length; number++) {
    const value = plot.data[number][index];
    if (value === null || !plot.series[number].show) continue;
    const gap = Math.abs(plot.valToPos(value, 'y') - top);
    if (gap < distance) { distance = gap; nearest = number; }
  }
  if (nearest < 0) { box.hidden = true; return; }
  replace(box, element('div', { class: 'quiet' }, new Date(plot.data[0][index] * 1000).toLocaleString()),
    element('strong', {}, String(plot.data[nearest][index])), element('div', {}, seriesName(shown[nearest - 1].metric)));
  box.hidden = false;
  const room = plot.over.clientWidth;
  box.style.top = '8px';
  box.style.left = left < room / 2 ? '' : '84px';
  box.style.right = left < room / 2 ? '12px' : '';
}

/** A click shows one line alone, with Ctrl or Command it hides or shows it. */
function fillLegend(legend, plot, shown, shared) {
  const entries = shown.map((series, index) => {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = color(index);
    return element('li', {}, element('button', {
      type: 'button', title: 'Click: only this one. Ctrl-click: hide or show.',
      onclick: (event) => { toggle(index, event.ctrlKey || event.metaKey); },
      onmouseenter: () => plot.setSeries(index + 1, { focus: true }), onmouseleave: () => plot.setSeries(null, { focus: true }),
    }, swatch, seriesName(series.metric, shared)));
  });
  replace(legend, entries);
  function toggle(index, keepsOthers) {
    const visible = plot.series.slice(1).map((series) => series.show);
    const isAlone = visible[index] && visible.filter(Boolean).length === 1;
    visible.forEach((isShown, other) => {
      const show = keepsOthers ? (other === index ? !isShown : isShown) : isAlone || other === index;
      if (show !== isShown) plot.setSeries(other + 1, { show });
      entries[other].classList.toggle('hidden', !show);
    });
  }
}
