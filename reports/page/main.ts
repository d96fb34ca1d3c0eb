import { caseList, step } from './cases';
import { detail } from './detail';
import { h } from './dom';
import { fallback } from './fallback';
import { goodput } from './goodput';
import { policyGrid } from './grid';
import { matrix, summary, verdictButtons } from './matrix';
import { change, onChange, opened, pairs as allPairs, readHash, view } from './state';

type Theme = 'light' | 'dark';

function storedTheme(): Theme | null {
  try {
    const value = localStorage.getItem('gatelab-theme');
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null; // a page from a file may have no storage
  }
}

function switchTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('gatelab-theme', root.dataset.theme);
  } catch {
    // then for this view only
  }
}

const keysHelp: [string, string][] = [
  ['/', 'search'],
  ['j  k', 'next and previous case'],
  ['Esc', 'close the case, leave the search'],
  ['t', 'light or dark'],
  ['?', 'these keys'],
];

function help(): HTMLDialogElement {
  const dialog = h(
    'dialog',
    { class: 'help', click: () => (dialog as HTMLDialogElement).close() },
    h('h2', {}, 'Keys'),
    h('dl', {}, ...keysHelp.map(([key, what]) => h('div', {}, h('dt', {}, ...key.split('  ').map((one) => h('kbd', {}, one))), h('dd', {}, what)))),
  ) as HTMLDialogElement;
  return dialog;
}

function listenToKeys(dialog: HTMLDialogElement): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const target = event.target as HTMLElement;
    const typing = target.matches('input, select, textarea');
    if (event.key === 'Escape') {
      if (typing) target.blur();
      else if (view.open) change({ open: '' });
      return;
    }
    if (typing) return;
    if (event.key === '/') document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
    else if (event.key === 'j') step(1);
    else if (event.key === 'k') step(-1);
    else if (event.key === 't') switchTheme();
    else if (event.key === '?') dialog.showModal();
    else return;
    event.preventDefault();
  });
}

function start(): void {
  const theme = storedTheme();
  if (theme) document.documentElement.dataset.theme = theme;
  const buttons = [verdictButtons(), verdictButtons()];
  const pairs = matrix();
  const drawer = h('aside', { class: 'drawer', hidden: true });
  const dialog = help();
  let drawn = '';
  onChange(() => {
    for (const set of buttons) set.refresh();
    pairs.refresh();
    const entry = opened();
    drawer.hidden = !entry;
    document.body.classList.toggle('reading', !!entry);
    if (entry && drawn !== entry.key) {
      drawer.replaceChildren(detail(entry));
      drawer.scrollTop = 0;
    }
    drawn = entry?.key ?? '';
  });
  document.getElementById('app')?.append(
    h(
      'header',
      { class: 'top' },
      h('h1', {}, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'gatelab', h('small', {}, 'conformance report')),
      h('span', { class: 'spacer' }),
      h('button', { type: 'button', class: 'quiet', click: () => dialog.showModal() }, 'Keys ', h('kbd', {}, '?')),
      h('button', { type: 'button', class: 'quiet', click: switchTheme }, 'Theme ', h('kbd', {}, 't')),
    ),
    h('main', {}, h('div', { class: allPairs.length > 4 ? 'overview wide' : 'overview' }, summary(buttons[0].element), pairs.element), fallback() ?? '', policyGrid() ?? '', goodput() ?? '', caseList(buttons[1].element)),
    drawer,
    dialog,
  );
  listenToKeys(dialog);
  window.addEventListener('hashchange', readHash);
  window.addEventListener('popstate', readHash);
  readHash();
  document.body.dataset.ready = 'true';
}

start();
