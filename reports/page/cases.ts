// The list of cases and its filters.

import { h, plural, seconds } from './dom';
import { change, entries, Entry, isShown, linkTo, onChange, pairs, shown, suites, view } from './state';
import { signs } from './types';

function row(entry: Entry): HTMLElement {
  const { result } = entry;
  const name = result.id.startsWith(result.suite + '.') ? result.id.slice(result.suite.length + 1) : result.id;
  return h(
    'a',
    { class: 'case', href: linkTo({ open: entry.key }), 'data-key': entry.key },
    h('span', { class: `dot ${result.verdict}`, title: result.verdict }, signs[result.verdict]),
    h('span', { class: 'name' }, h('b', {}, name), h('span', {}, result.verdict === 'passed' ? result.sentence : result.reason || result.sentence)),
    h('span', { class: 'pair' }, `${result.client} → ${result.gateway}`),
    h('span', { class: 'time', title: result.real_time ? 'in real time' : 'simulated' },
      result.verdict === 'skipped' || result.verdict === 'unsupported' ? '' : seconds(result.real_time ? result.machine.sim_s ?? 0 : result.sim_s)),
  );
}

function choice(label: string, all: string, options: string[], get: () => string, set: (value: string) => void) {
  const select = h('select', { 'aria-label': label, change: () => set((select as HTMLSelectElement).value) },
    h('option', { value: '' }, all),
    ...options.map((option) => h('option', { value: option }, option.replace('/', ' → '))),
  ) as HTMLSelectElement;
  onChange(() => (select.value = get()));
  return select;
}

export function caseList(verdictFilter: HTMLElement): HTMLElement {
  const search = h('input', {
    type: 'search',
    placeholder: 'Search cases, reasons, requirements ( / )',
    'aria-label': 'Search',
    input: () => change({ text: (search as HTMLInputElement).value }),
  }) as HTMLInputElement;
  const count = h('span', { class: 'count', role: 'status' });
  const clear = h('button', { type: 'button', class: 'quiet', click: () => change({ suite: '', pair: '', verdicts: [], text: '' }) }, 'Clear filters');
  const rows = entries.map(row);
  const groups = suites.map((suite) => ({
    members: entries.filter((entry) => entry.result.suite === suite),
    element: h('div', { class: 'group' }, h('h3', {}, suite), ...rows.filter((_, i) => entries[i].result.suite === suite)),
  }));
  const nothing = h('p', { class: 'nothing' }, 'No case fits these filters.');

  onChange(() => {
    if (search.value !== view.text) search.value = view.text;
    let visible = 0;
    entries.forEach((entry, i) => {
      const show = isShown(entry);
      rows[i].hidden = !show;
      rows[i].setAttribute('href', linkTo({ open: entry.key }));
      rows[i].classList.toggle('chosen', entry.key === view.open);
      if (entry.key === view.open) rows[i].setAttribute('aria-current', 'true');
      else rows[i].removeAttribute('aria-current');
      visible += show ? 1 : 0;
    });
    for (const group of groups) group.element.hidden = !group.members.some(isShown);
    count.textContent = visible === entries.length ? plural(visible, 'case') : `${visible} of ${plural(entries.length, 'case')}`;
    clear.hidden = visible === entries.length && !view.text;
    nothing.hidden = visible > 0;
  });

  return h(
    'section',
    { id: 'cases', 'aria-label': 'Cases' },
    h(
      'div',
      { class: 'filters' },
      h('h2', {}, 'Cases'),
      search,
      choice('Suite', 'all suites', suites, () => view.suite, (suite) => change({ suite })),
      choice('Pair', 'all pairs', pairs, () => view.pair, (pair) => change({ pair })),
      clear,
      count,
      verdictFilter,
    ),
    h('div', { class: 'list' }, ...groups.map((group) => group.element), nothing),
  );
}

// Opens the next or previous case that is shown.
export function step(by: number): void {
  const list = shown();
  if (!list.length) return;
  const at = list.findIndex((entry) => entry.key === view.open);
  const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)];
  change({ open: next.key });
  document.querySelector(`.case[data-key="${CSS.escape(next.key)}"]`)?.scrollIntoView({ block: 'nearest' });
}
