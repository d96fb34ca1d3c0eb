// The IKE policy table against the IPsec policy table, one cell a case, for each pair.

import { h } from './dom';
import { data, entries, Entry, linkTo, pairs } from './state';
import { signs } from './types';

const suite = 'p2s-ike-policy';
const pattern = /\.ike-(\d+)-ipsec-(\d+)$/;

interface Row {
  family: string; // everything but the group
  group: string;
}

// "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384" for people.
function readable(word: string): string {
  return word
    .replace('AES_GCM_16-', 'AES-GCM-')
    .replace('AES_CBC-', 'AES-CBC-')
    .replace('PRF_HMAC_SHA2_', 'PRF SHA-')
    .replace(/HMAC_SHA2_(\d+)_\d+/, 'SHA-$1')
    .replace('HMAC_SHA1_96', 'SHA-1')
    .replace('_', ' ');
}

// The names of groups in Azure's tables.
const groups: Record<string, string> = {
  MODP_2048_256: 'DH 24',
  MODP_2048: 'DH 14',
  MODP_1024: 'DH 2',
  ECP_384: 'ECP 384',
  ECP_256: 'ECP 256',
};

function read(row: string): Row {
  const words = row.split('/');
  const group = groups[words[words.length - 1]];
  if (group) words.pop();
  return { family: words.map(readable).join(' · '), group: group ?? 'none' };
}

// Neighbours of one family share a heading: [family, how many].
function families(rows: Row[]): [string, number][] {
  const found: [string, number][] = [];
  for (const row of rows) {
    const last = found[found.length - 1];
    if (last && last[0] === row.family) ++last[1];
    else found.push([row.family, 1]);
  }
  return found;
}

function table(pair: string, ike: Row[], ipsec: Row[]): HTMLElement {
  const cells = new Map<string, Entry>();
  for (const entry of entries) {
    const found = entry.result.suite === suite && entry.pair === pair && pattern.exec(entry.result.id);
    if (found) cells.set(`${Number(found[1])},${Number(found[2])}`, entry);
  }
  const passed = [...cells.values()].filter((entry) => entry.result.verdict === 'passed').length;
  const head = h(
    'thead',
    {},
    h(
      'tr',
      {},
      h('td', { colspan: 2, rowspan: 2, class: 'corner' }, h('b', {}, `${passed} of ${ike.length * ipsec.length}`), ' cells passed'),
      ...families(ipsec).map(([family, span]) => h('th', { colspan: span, scope: 'colgroup' }, family)),
    ),
    h('tr', {}, ...ipsec.map((row) => h('th', { scope: 'col', class: 'group' }, row.group === 'none' ? 'no PFS' : row.group))),
  );
  const body = h('tbody');
  const starts = new Map<number, [string, number]>();
  let at = 0;
  for (const family of families(ike)) {
    starts.set(at, family);
    at += family[1];
  }
  ike.forEach((row, i) => {
    const start = starts.get(i);
    const line = h('tr', { class: start ? 'first' : undefined });
    if (start) line.append(h('th', { rowspan: start[1], scope: 'rowgroup', class: 'family' }, start[0]));
    line.append(h('th', { scope: 'row', class: 'group' }, row.group));
    ipsec.forEach((column, j) => {
      const entry = cells.get(`${i + 1},${j + 1}`);
      if (!entry) return line.append(h('td', { class: 'none' }));
      const verdict = entry.result.verdict;
      const title = `${row.family} · ${row.group}\n${column.family} · ${column.group === 'none' ? 'no PFS' : column.group}\n${verdict}${entry.result.reason ? ': ' + entry.result.reason : ''}`;
      line.append(
        h('td', {}, h('a', { class: `dot ${verdict}`, href: linkTo({ open: entry.key }), title, 'aria-label': title }, signs[verdict])),
      );
    });
    body.append(line);
  });
  return h('table', { class: 'grid' }, head, body);
}

export function policyGrid(): HTMLElement | null {
  const ike = (data.requirements['P2S-IKE-01']?.rows ?? []).map(read);
  const ipsec = (data.requirements['P2S-IKE-02']?.rows ?? []).map(read);
  const present = pairs.filter((pair) =>
    entries.some((entry) => entry.pair === pair && entry.result.suite === suite && pattern.test(entry.result.id)),
  );
  if (!present.length || !ike.length || !ipsec.length) return null;
  const holder = h('div', { class: 'scroll', role: 'tabpanel' });
  const tabs = present.map((pair) =>
    h('button', { type: 'button', role: 'tab', click: () => choose(pair) }, pair.replace('/', ' dials ')),
  );
  function choose(pair: string): void {
    tabs.forEach((tab, i) => tab.setAttribute('aria-selected', String(present[i] === pair)));
    holder.replaceChildren(table(pair, ike, ipsec));
  }
  choose(present[0]);
  return h(
    'section',
    { 'aria-label': 'Policy grid' },
    h('div', { class: 'titled' }, h('h2', {}, `IKE × IPsec policies`), h('div', { class: 'tabs', role: 'tablist' }, ...tabs)),
    holder,
  );
}
