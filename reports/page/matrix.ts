// The head of the page: what it comes to, and suites against pairs.

import { h, plural, seconds } from './dom';
import { change, entries, Entry, pairs, report, suites, tally, Tally, view } from './state';
import { signs, Verdict, verdicts } from './types';

export function bar(counts: Tally): HTMLElement {
  const strip = h('span', { class: 'bar', 'aria-hidden': 'true' });
  for (const verdict of verdicts)
    if (counts[verdict]) strip.append(h('i', { class: verdict, style: `flex-grow:${counts[verdict]}` }));
  return strip;
}

function headline(): string {
  const counts = tally(entries);
  const bad = counts.failed + counts.error + counts.invalid;
  if (!entries.length) return 'No case ran';
  if (!bad && counts.passed) return counts.passed === entries.length ? 'Everything held' : 'Everything that ran held';
  if (counts.failed) return `${plural(counts.failed, 'case')} failed`;
  return bad ? `${plural(bad, 'case')} could not be judged` : 'Nothing was judged';
}

function toggle(verdict: Verdict): void {
  const on = view.verdicts.includes(verdict);
  change({ verdicts: on ? view.verdicts.filter((one) => one !== verdict) : [...view.verdicts, verdict] });
}

// A button for each verdict, which filters; kept true by refresh().
export function verdictButtons(): { element: HTMLElement; refresh: () => void } {
  const counts = tally(entries);
  const buttons = verdicts
    .filter((verdict) => counts[verdict] || verdict === 'failed' || verdict === 'passed')
    .map((verdict) => ({
      verdict,
      button: h(
        'button',
        { class: `tile ${verdict}${counts[verdict] ? '' : ' zero'}`, type: 'button', click: () => toggle(verdict) },
        h('b', {}, counts[verdict].toLocaleString('en')),
        h('span', {}, `${signs[verdict]} ${verdict === 'error' && counts.error !== 1 ? 'errors' : verdict}`),
      ),
    }));
  return {
    element: h('div', { class: 'tiles', role: 'group', 'aria-label': 'Filter by verdict' }, ...buttons.map((one) => one.button)),
    refresh: () => {
      for (const { verdict, button } of buttons)
        button.setAttribute('aria-pressed', String(view.verdicts.includes(verdict)));
    },
  };
}

export function summary(tiles: HTMLElement): HTMLElement {
  const { total, covered, verified } = report.summary.requirements;
  // "strongswan 5.9.8, kernel 6.1.192-2"; hashes are in report.json.
  const foreign = Object.entries(report.inputs ?? {}).filter(([name]) => !name.endsWith('_hash'));
  const inputs = foreign.map(([name, version]) => ` · ${name} ${version}`).join('');
  const percent = (part: number) => `width:${total ? (100 * part) / total : 0}%`;
  return h(
    'div',
    { class: 'summary' },
    h('h2', { class: 'headline' }, headline()),
    bar(tally(entries)),
    tiles,
    h(
      'p',
      { class: 'requirements' },
      h('b', {}, `${verified} of ${total}`),
      ` requirements verified, ${covered} covered by these cases`,
      h('span', { class: 'gauge', 'aria-hidden': 'true' }, h('i', { style: percent(covered) }), h('b', { style: percent(verified) })),
    ),
    h(
      'p',
      { class: 'facts' },
      `${plural(entries.length, 'case')} in ${seconds(report.machine.wall_s)} · seed ${report.seed} · gatelab ${report.version}${inputs} · ${report.machine.started.replace('T', ' ').replace('Z', ' UTC')}`,
    ),
  );
}

function cell(suite: string, pair: string, some: Entry[]): HTMLElement {
  if (!some.length) return h('td', { class: 'none' }, '–');
  const counts = tally(some);
  const bad = counts.failed + counts.error + counts.invalid;
  const ran = bad + counts.passed;
  const label = ran ? `${counts.passed}/${ran}` : 'none ran';
  const rest = some.length - ran;
  const described = verdicts.filter((one) => counts[one]).map((one) => `${counts[one]} ${one}`);
  return h(
    'td',
    {},
    h(
      'button',
      {
        type: 'button',
        class: 'cell ' + (bad ? 'bad' : ran ? 'good' : 'idle'),
        title: `${suite}, ${pair}: ${described.join(', ')}`,
        'data-suite': suite,
        'data-pair': pair,
        click: () => {
          const same = view.suite === suite && view.pair === pair;
          change({ suite: same ? '' : suite, pair: same ? '' : pair, open: '' });
          if (!same) document.getElementById('cases')?.scrollIntoView({ behavior: 'smooth' });
        },
      },
      h('b', {}, label),
      rest > 0 && h('small', {}, `+${rest} not run`),
      bar(counts),
    ),
  );
}

export function matrix(): { element: HTMLElement; refresh: () => void } {
  const head = h('tr', {}, h('th', { scope: 'col' }, 'suite'));
  for (const pair of pairs) {
    const [client, gateway] = pair.split('/');
    head.append(h('th', { scope: 'col' }, h('span', {}, client), h('i', {}, ' dials '), h('span', {}, gateway)));
  }
  const body = h('tbody');
  for (const suite of suites) {
    const row = h('tr', {}, h('th', { scope: 'row' }, suite));
    for (const pair of pairs)
      row.append(cell(suite, pair, entries.filter((entry) => entry.result.suite === suite && entry.pair === pair)));
    body.append(row);
  }
  const table = h('table', { class: 'matrix' }, h('thead', {}, head), body);
  return {
    element: h('section', { 'aria-label': 'Pairs' }, h('h2', {}, 'Client × gateway'), h('div', { class: 'scroll' }, table)),
    refresh: () => {
      for (const button of table.querySelectorAll<HTMLElement>('.cell'))
        button.classList.toggle('chosen', button.dataset.suite === view.suite && button.dataset.pair === view.pair);
    },
  };
}
