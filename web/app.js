// The frame: which page is shown, links without reloading, light and dark.

import { showAlertsPage } from './alerts.js';
import { replace, errorBox } from './dom.js';
import { showQueryPage } from './query.js';
import { showRulesPage } from './rules.js';
import { showStatusPage } from './status.js';
import { showTargetsPage } from './targets.js';

const pages = {
  '/': showQueryPage, '/query': showQueryPage, '/graph': showQueryPage, '/alerts': showAlertsPage,
  '/targets': showTargetsPage, '/rules': showRulesPage, '/status': showStatusPage,
};

let takeDown = null;

function show() {
  if (takeDown) takeDown();
  takeDown = null;
  const path = pages[location.pathname] ? location.pathname : '/query';
  const main = document.getElementById('page');
  for (const link of document.querySelectorAll('nav a')) {
    const isHere = link.getAttribute('href') === path || (path !== '/alerts' && link.getAttribute('href') === '/query' && pages[path] === showQueryPage);
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = path === '/query' || path === '/' || path === '/graph' ? 'Lapwing' : `${path[1].toUpperCase()}${path.slice(2)} – Lapwing`;
  try {
    takeDown = pages[path](main) || null;
  } catch (error) {
    replace(main, errorBox(error));
    throw error;
  }
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-page]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, '', link.getAttribute('href'));
  show();
});
addEventListener('popstate', show);

// Light, dark, or as the system says.
const themes = ['auto', 'light', 'dark'];
const system = matchMedia('(prefers-color-scheme: dark)');
function applyTheme() {
  const theme = localStorage.getItem('theme') || 'auto';
  const isDark = theme === 'dark' || (theme === 'auto' && system.matches);
  document.documentElement.dataset.dark = String(isDark);
  document.getElementById('theme').textContent = { auto: '◐', light: '☀', dark: '☾' }[theme];
  document.getElementById('theme').setAttribute('aria-label', `Theme: ${theme}`);
}
document.getElementById('theme').addEventListener('click', () => {
  const theme = localStorage.getItem('theme') || 'auto';
  localStorage.setItem('theme', themes[(themes.indexOf(theme) + 1) % themes.length]);
  applyTheme();
  show();
});
system.addEventListener('change', applyTheme);
applyTheme();
show();
