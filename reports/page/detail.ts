// Everything about one case: what was expected, what was seen, and where the evidence is.

import { h, plural, seconds } from './dom';
import { drawLadder } from './ladder';
import { change, data, Entry } from './state';
import { CaseResult, signs } from './types';
import { step } from './cases';

function section(title: string, ...content: (HTMLElement | null | false)[]): HTMLElement {
  return h('section', {}, h('h3', {}, title), ...content);
}

function requirement(id: string): HTMLElement {
  const entry = data.requirements[id];
  return h(
    'li',
    {},
    h('b', {}, id),
    entry && h('span', { class: 'source' }, ` ${entry.document}, ${entry.section}`),
    entry && entry.strength !== 'doc' && h('span', { class: 'strength' }, entry.strength === '3p' ? 'observed by others' : 'derived'),
    entry && h('p', {}, entry.text),
  );
}

function steps(result: CaseResult): HTMLElement {
  return h(
    'table',
    { class: 'steps' },
    h('thead', {}, h('tr', {}, h('th', {}, ''), h('th', {}, 'expected'), h('th', {}, 'observed'), h('th', {}, 'at'))),
    h(
      'tbody',
      {},
      ...result.steps.map((one) =>
        h(
          'tr',
          { class: one.held ? '' : 'broken' },
          h('td', {}, h('span', { class: 'dot ' + (one.held ? 'passed' : 'failed') }, one.held ? signs.passed : signs.failed)),
          h('td', {}, one.expected),
          h('td', {}, one.observed),
          h('td', { class: 'time' }, one.t === undefined ? '' : `${one.t.toFixed(3)} s`),
        ),
      ),
    ),
  );
}

function metricName(name: string): string {
  return name.replace(/_(s|ms|mbps|packets)$/, ' ($1)').replace(/_/g, ' ');
}

function metrics(values: Record<string, number>): HTMLElement | null {
  const names = Object.keys(values);
  if (!names.length) return null;
  return section('Measured', h('dl', { class: 'metrics' }, ...names.map((name) =>
    h('div', {}, h('dt', {}, metricName(name)), h('dd', {}, Number(values[name].toPrecision(4)).toLocaleString('en'))))));
}

function command(text: string): HTMLElement {
  const button = h('button', {
    type: 'button',
    class: 'quiet',
    click: () => {
      void navigator.clipboard?.writeText(text).then(() => (button.textContent = 'Copied'), () => undefined);
    },
  }, 'Copy');
  return h('div', { class: 'command' }, h('code', {}, text), button);
}

function files(title: string, paths: string[]): HTMLElement | null {
  if (!paths.length) return null;
  return h('div', {}, h('dt', {}, title), h('dd', {}, ...paths.map((path) => h('a', { href: path.split('/').map(encodeURIComponent).join('/') }, path.slice(path.lastIndexOf('/') + 1)))));
}

// The capture that shows most: the link in the middle of the path.
function bestCapture(paths: string[]): string | undefined {
  return paths.find((path) => /gateway-isp-gateway|isp-isp-gateway|isp-gateway/.test(path)) ?? paths[0];
}

function quoted(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replace(/'/g, `'\\''`)}'`;
}

function evidence(result: CaseResult): HTMLElement {
  const { directory, pcap = [], keys = [], events } = result.artifacts;
  if (!directory) return section('Evidence', h('p', { class: 'quiet' }, 'This case left none: it did not run, or the run kept no evidence.'));
  const capture = bestCapture(pcap);
  return section(
    'Evidence',
    h('dl', { class: 'files' },
      files('run', [directory + '/run.json']),
      files('events', events ? [events] : []),
      files('captures', pcap),
      files('keys', keys),
    ),
    capture ? h('p', { class: 'quiet' }, 'Decrypted, from the folder of this page:') : null,
    capture ? command(`WIRESHARK_CONFIG_DIR=${quoted(directory + '/keys')} tshark -r ${quoted(capture)} -Y 'isakmp or esp or udpencap'`) : null,
    command(`gatelab conformance --case '${result.id}' --client ${result.client} --gateway ${result.gateway} --seed ${data.report.seed}`),
  );
}

function machine(result: CaseResult): HTMLElement {
  const late = result.machine.lateness;
  const parts = [
    result.real_time
      ? `Ran in real time for ${seconds(result.machine.sim_s ?? 0)}`
      : `Simulated ${seconds(result.sim_s)} in ${seconds(result.machine.wall_s)}`,
    late && `the simulator was at most ${seconds(Math.max(0, late.worst_s))} late (p99 ${seconds(Math.max(0, late.p99_s))}), of ${seconds(late.budget_s)} allowed`,
    result.machine.cpu_wait !== undefined && `processes waited for a processor during ${Math.round(100 * result.machine.cpu_wait)} % of it`,
    (result.machine.attempts ?? 1) > 1 && `${plural(result.machine.attempts ?? 1, 'attempt')}`,
  ];
  return h('p', { class: 'quiet' }, parts.filter(Boolean).join('; ') + '.');
}

export function detail(entry: Entry): HTMLElement {
  const { result, ladder } = entry;
  const ran = result.verdict !== 'skipped' && result.verdict !== 'unsupported';
  return h(
    'article',
    { class: 'detail', 'aria-label': result.id },
    h(
      'header',
      {},
      h('span', { class: `badge ${result.verdict}` }, `${signs[result.verdict]} ${result.verdict}`),
      h('span', { class: 'pair' }, `${result.client} → ${result.gateway}`),
      h('span', { class: 'spacer' }),
      h('button', { type: 'button', class: 'quiet', title: 'Previous (k)', 'aria-label': 'Previous case', click: () => step(-1) }, '↑'),
      h('button', { type: 'button', class: 'quiet', title: 'Next (j)', 'aria-label': 'Next case', click: () => step(1) }, '↓'),
      h('button', { type: 'button', class: 'quiet', title: 'Close (Esc)', 'aria-label': 'Close', click: () => change({ open: '' }) }, '✕'),
    ),
    h('h2', { tabindex: -1 }, result.id),
    h('p', { class: 'sentence' }, result.sentence),
    result.reason ? h('p', { class: `reason ${result.verdict}` }, result.reason) : null,
    // When everything held, the steps say it all.
    result.verdict !== 'passed' || !result.steps.length
      ? h('dl', { class: 'verdict' },
          h('div', {}, h('dt', {}, 'Expected'), h('dd', {}, result.expected)),
          h('div', {}, h('dt', {}, 'Observed'), h('dd', {}, result.observed)))
      : null,
    result.steps.length ? section('Expected and observed', steps(result)) : null,
    ladder && ladder.messages.length ? section('Messages', drawLadder(ladder)) : null,
    section('Requirements', h('ul', { class: 'requirements' }, ...result.requirements.map(requirement))),
    metrics(result.real_time ? result.machine.metrics ?? {} : result.metrics),
    evidence(result),
    ran ? machine(result) : null,
  );
}
