// Builds the page from nodes. Text becomes text nodes and nothing else: no markup from data, ever.

/** element('a', {href: '/'}, 'text', node, [more]): attributes by name, `on…` as listeners, null left out. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'disabled') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Puts new children in the place of the old ones. */
export function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/** A box that tells what went wrong. */
export function errorBox(error) {
  return element('div', { class: 'notice error', role: 'alert' }, error.message || String(error));
}

/** name{label="value"} with its parts set apart. */
export function seriesName(labels, leftOut = new Set()) {
  const name = leftOut.has('__name__') ? '' : labels.__name__ || '';
  const pairs = Object.entries(labels).filter(([key]) => key !== '__name__' && !leftOut.has(key));
  const inner = pairs.map(([key, value], index) => [
    index ? ', ' : '', element('span', { class: 'label-name' }, key), '="', element('span', { class: 'label-value' }, value), '"',
  ]);
  return element('span', { class: 'series' }, element('span', { class: 'metric-name' }, name), pairs.length || !name ? ['{', inner, '}'] : '');
}

/** The same as plain text, for legends. */
export function seriesText(labels, leftOut = new Set()) {
  const name = leftOut.has('__name__') ? '' : labels.__name__ || '';
  const pairs = Object.entries(labels).filter(([key]) => key !== '__name__' && !leftOut.has(key));
  const inner = pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', ');
  return inner || !name ? `${name}{${inner}}` : name;
}
