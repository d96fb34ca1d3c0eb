// The data, and what of it is shown. The choice lives in the address, so that any view can be linked to.

import { CaseResult, Ladder, PageData, Verdict, verdicts } from './types';

const element = document.getElementById('data');
export const data: PageData = JSON.parse(element?.textContent ?? '{}');
export const report = data.report;

export interface Entry {
  index: number;
  result: CaseResult;
  ladder: Ladder | null;
  key: string; // "esp-basic.drops-replayed@gatelab/strongswan"
  pair: string; // "gatelab/strongswan"
  haystack: string;
}

export const entries: Entry[] = report.cases.map((result, index) => ({
  index,
  result,
  ladder: data.ladders[index],
  key: `${result.id}@${result.client}/${result.gateway}`,
  pair: `${result.client}/${result.gateway}`,
  haystack: [result.id, result.sentence, result.reason, result.client, result.gateway, ...result.requirements]
    .join(' ')
    .toLowerCase(),
}));

const distinct = (values: string[]): string[] => [...new Set(values)];
export const suites = distinct(entries.map((entry) => entry.result.suite));
export const pairs = distinct(entries.map((entry) => entry.pair));

export interface View {
  suite: string;
  pair: string;
  verdicts: Verdict[]; // none: all
  text: string;
  open: string; // key of the case in the drawer
}

export let view: View = { suite: '', pair: '', verdicts: [], text: '', open: '' };
const listeners: (() => void)[] = [];

export function onChange(listener: () => void): void {
  listeners.push(listener);
}

function toHash(wanted: View): string {
  const parts = new URLSearchParams();
  if (wanted.suite) parts.set('suite', wanted.suite);
  if (wanted.pair) parts.set('pair', wanted.pair);
  if (wanted.verdicts.length) parts.set('verdict', wanted.verdicts.join(','));
  if (wanted.text) parts.set('q', wanted.text);
  if (wanted.open) parts.set('case', wanted.open);
  return '#' + parts.toString();
}

export function linkTo(change: Partial<View>): string {
  return toHash({ ...view, ...change });
}

// Typing does not fill the browser's history; opening a case does.
export function change(part: Partial<View>, remember = false): void {
  const hash = linkTo(part);
  if (remember) history.pushState(null, '', hash);
  else history.replaceState(null, '', hash);
  readHash();
}

export function readHash(): void {
  const parts = new URLSearchParams(location.hash.slice(1));
  view = {
    suite: parts.get('suite') ?? '',
    pair: parts.get('pair') ?? '',
    verdicts: verdicts.filter((verdict) => (parts.get('verdict') ?? '').split(',').includes(verdict)),
    text: parts.get('q') ?? '',
    open: parts.get('case') ?? '',
  };
  for (const listener of listeners) listener();
}

export function isShown(entry: Entry): boolean {
  return (
    (!view.suite || entry.result.suite === view.suite) &&
    (!view.pair || entry.pair === view.pair) &&
    (!view.verdicts.length || view.verdicts.includes(entry.result.verdict)) &&
    view.text
      .toLowerCase()
      .split(/\s+/)
      .every((word) => entry.haystack.includes(word))
  );
}

export function shown(): Entry[] {
  return entries.filter(isShown);
}

export function opened(): Entry | undefined {
  return entries.find((entry) => entry.key === view.open);
}

export type Tally = Record<Verdict, number>;

export function tally(some: Entry[]): Tally {
  const counts: Tally = { passed: 0, failed: 0, error: 0, invalid: 0, skipped: 0, unsupported: 0 };
  for (const entry of some) ++counts[entry.result.verdict];
  return counts;
}
