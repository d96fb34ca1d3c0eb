// Which tunnel each kind of client ends on in each kind of network: the table for the wall. One tab for each set of
// tunnels that a gateway offers.

import { h } from './dom';
import { entries, Entry, linkTo } from './state';

const nothingInCommon = 'no-common-tunnel';

interface Cell {
  entry: Entry;
  client: string;
  network: string;
  tunnel: string; // "SSTP", or "none"
  reason: string;
  then: string; // what happened afterwards
  settled?: number; // s
}

interface Table {
  offer: string;
  clients: string[];
  networks: string[];
  cells: Cell[];
}

function cellOf(entry: Entry): (Cell & { offer: string }) | null {
  const { result } = entry;
  const facts = result.facts ?? result.machine.facts;
  if (!facts?.offer || !['passed', 'failed'].includes(result.verdict)) return null;
  const metrics = result.real_time ? (result.machine.metrics ?? {}) : result.metrics;
  return {
    entry,
    offer: facts.offer,
    client: result.client === 'gatelab' ? facts.client : `${facts.client} (${result.client})`,
    network: facts.network,
    tunnel: facts.tunnel ?? '',
    reason: facts.reason ?? '',
    then: facts.then ?? '',
    settled: metrics.settled_s,
  };
}

const remember = (names: string[], name: string) => names.includes(name) || names.push(name);

function tables(): Table[] {
  const found: Table[] = [];
  for (const cell of entries.flatMap((entry) => cellOf(entry) ?? [])) {
    let table = found.find((one) => one.offer === cell.offer);
    if (!table) found.push((table = { offer: cell.offer, clients: [], networks: [], cells: [] }));
    remember(table.clients, cell.client);
    remember(table.networks, cell.network);
    table.cells.push(cell);
  }
  return found;
}

function time(value: number | undefined): string {
  return value === undefined ? '' : value < 10 ? `${value.toFixed(1)} s` : `${value.toFixed(0)} s`;
}

// Never by colour alone: a tunnel is named, and none is said.
function drawn(cell: Cell | undefined): HTMLElement {
  if (!cell) return h('td', { class: 'none' }, '–');
  const kind = cell.tunnel === 'none' ? 'no' : cell.then === 'nothing passes' ? 'mute' : 'yes';
  const failed = cell.entry.result.verdict === 'failed';
  return h(
    'td',
    { class: failed ? `${kind} wrong` : kind },
    h(
      'a',
      { href: linkTo({ open: cell.entry.key }), title: failed ? `not as expected: ${cell.entry.result.reason}` : cell.entry.result.sentence },
      h('b', {}, failed && '✕ ', cell.tunnel),
      h('span', {}, ' ', time(cell.settled)),
      cell.reason && h('small', {}, cell.reason),
      cell.then && h('small', {}, cell.then),
    ),
  );
}

function drawTable(table: Table): HTMLElement {
  const at = (network: string, client: string) => table.cells.find((cell) => cell.network === network && cell.client === client);
  const idle = (client: string) => table.networks.every((network) => (at(network, client)?.reason ?? nothingInCommon) === nothingInCommon);
  const clients = table.clients.filter((client) => !idle(client)), without = table.clients.filter(idle);
  const head = h('tr', {}, h('th', { scope: 'col' }, 'network'), ...clients.map((client) => h('th', { scope: 'col' }, client)));
  const rows = table.networks.map((network) =>
    h('tr', {}, h('th', { scope: 'row' }, network), ...clients.map((client) => drawn(at(network, client)))),
  );
  return h(
    'div',
    {},
    h('div', { class: 'scroll' }, h('table', { class: 'wall' }, h('thead', {}, head), h('tbody', {}, ...rows))),
    without.length > 0 && h('p', { class: 'quiet' }, `${without.join(', ')}: no tunnel in common with the gateway.`),
  );
}

export function fallback(): HTMLElement | null {
  const all = tables();
  if (!all.length) return null;
  const holder = h('div', { role: 'tabpanel' });
  const tabs = all.map((table, i) => h('button', { type: 'button', role: 'tab', click: () => choose(i) }, table.offer));
  function choose(chosen: number): void {
    tabs.forEach((tab, i) => tab.setAttribute('aria-selected', String(i === chosen)));
    holder.replaceChildren(drawTable(all[chosen]));
  }
  // First the one in which most can happen.
  const ways = all.map((table) => new Set(table.cells.map((cell) => `${cell.client} ${cell.tunnel}`)).size);
  choose(ways.indexOf(Math.max(...ways)));
  return h(
    'section',
    { class: 'fallback', 'aria-label': 'Fallback' },
    h('div', { class: 'titled' }, h('h2', {}, 'What each client ends on'), h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'The gateway offers' }, ...tabs)),
    h('p', { class: 'quiet' }, 'By what lies between the client and a gateway that offers these tunnels: the tunnel that it ends on and the time until it is up, or the time until it gives up and its reason.'),
    holder,
  );
}
