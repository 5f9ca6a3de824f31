// Times, durations and numbers for people.

const units = [['y', 31536000], ['w', 604800], ['d', 86400], ['h', 3600], ['m', 60], ['s', 1]];

/** Seconds of `1h30m`, `15s` or `90`; null where it is neither. */
export function parseDuration(text) {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  const match = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(trimmed);
  if (!match || !trimmed) return null;
  const sum = units.reduce((total, unit, index) => total + Number(match[index + 1] || 0) * unit[1], 0);
  return sum + Number(match[7] || 0) / 1000;
}

/** 5400 is `1h30m`. */
export function formatDuration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  let rest = Math.round(seconds);
  let text = '';
  for (const [name, size] of units) {
    if (name === 'y' || name === 'w') { if (rest % size !== 0 || rest < size) continue; }
    const count = Math.floor(rest / size);
    if (count) text += count + name;
    rest -= count * size;
  }
  return text || '0s';
}

/** `3m ago`; `never` for the API's way of saying so. */
export function ago(text) {
  const time = Date.parse(text);
  if (!Number.isFinite(time) || time < 0) return 'never';
  const seconds = (Date.now() - time) / 1000;
  if (seconds < 1) return 'just now';
  const [name, size] = [...units].find(([, unit]) => seconds >= unit) || ['s', 1];
  return `${Math.floor(seconds / size)}${name} ago`;
}

/** 12345678 is `12.35M`. */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  for (const [limit, prefix] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (size >= limit) return trim((value / limit).toFixed(2)) + prefix;
  }
  if (size !== 0 && size < 1e-3) return value.toExponential(2);
  return trim(value.toFixed(size < 1 ? 4 : 2));
}

/** 12345678 is `12.3 MB`. */
export function formatBytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let rest = value;
  let unit = 0;
  while (rest >= 1000 && unit < units.length - 1) { rest /= 1000; unit += 1; }
  return `${trim(rest.toFixed(rest < 10 ? 1 : 0))} ${units[unit]}`;
}

function trim(text) {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Local time for a `datetime-local` field, from seconds. */
export function localInput(seconds) {
  const date = new Date(seconds * 1000 - new Date().getTimezoneOffset() * 60000);
  return date.toISOString().slice(0, 19);
}
